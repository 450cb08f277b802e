package ib

import (
	"fmt"
	"time"

	"gatewatch/conn/wire"
)

// This file takes in what Gateway says with a code, and what is known of the login.

// Request numbers of market data, of contract details and of executions lie above every order id, so that an error says
// which it is about. Some programs number orders by the seconds since 1970, so there is room for that.
const (
	marketBase  = 1<<31 - 1<<24
	detailsBase = 1<<31 - 1<<16
	executions  = 1<<31 - 1<<10
	maxRequest  = detailsBase - marketBase - 1
	maxEnquiry  = executions - detailsBase - 1

	executionNumbers = 1<<10 - 2 // how many there are for executions

	configRequest = 1<<31 - 2 // for Gateway's settings; the one above stands for no number at all
)

// refuseNumbered ends an answer about contracts or executions with what Gateway says of the request. It reports whether
// the number is one of such a request: what it says then concerns no one else.
func (b *pending) refuseNumbered(e wire.Error) bool {
	if e.Request <= detailsBase || unnumbered(e.Request) {
		return false
	}
	switch refused := (&RequestError{Question: QuestionDetails, Code: e.Code, Text: e.Text}); {
	case e.Code >= 2100 && e.Code <= 2199: // those are warnings
	case e.Request == configRequest: // refused with 10357, or unknown to this Gateway: it says nothing then
	case e.Request < executions:
		b.endContract(e.Request-detailsBase, refused)
	default:
		refused.Question = QuestionExecutions
		b.endExecutions(e.Request-executions, refused)
	}
	return true
}

// receiveAccounts takes in which accounts the login has. None are none yet: of which kind they are decides what may be
// done. When that changes, so does everything that the session stands for, and it ends.
func (s *Socket) receiveAccounts(list []string) error {
	if len(list) == 0 {
		return nil
	}
	if old := s.accounts.Swap(&list); old != nil && isClosed(s.loggedIn) && modeOf(*old) != modeOf(list) {
		return fmt.Errorf("the accounts were %s accounts, and are %s accounts now", modeOf(*old), modeOf(list))
	}
	s.logIn()
	return nil
}

// logIn notes that both login messages have arrived, once they have.
func (s *Socket) logIn() {
	if s.pending.first.Load() == 0 || s.accounts.Load() == nil || isClosed(s.loggedIn) {
		return
	}
	close(s.loggedIn)
	s.askSettings()
}

func (s *Socket) receiveNews(n OrderNews) {
	if asked := s.pending.put(n); n.Kind == OrderFilled && !asked {
		s.filledAt.Store(s.heard.Load())
	}
}

func (s *Socket) receiveTime(unix int64) {
	ours := time.Now().Unix()
	if asked, rtt, ok := s.times.answer(s.mono(), ours, unix); ok {
		s.post(Answered{Session: s.number, Asked: asked, RTT: rtt, Skew: time.Duration(unix-ours) * time.Second})
	}
}

// closing has the codes with which Gateway ends the connection.
//
// Source: IBKR's API reference, "Message codes".
var closing = map[int]struct {
	cause Cause
	login bool // while the client logs in; later it does not
}{
	326:   {CauseClientIDInUse, true},
	10141: {CauseDisclaimer, true},
	1300:  {CausePortChanged, false},
}

func (s *Socket) receiveError(e wire.Error) {
	row, ends := closing[e.Code]
	if ends = ends && !(row.login && isClosed(s.loggedIn)); ends {
		if s.reason == nil {
			s.reason = &AttemptError{Cause: row.cause, Code: e.Code, Text: e.Text}
		}
		s.End(row.cause)
	}
	if ends || s.pending.refuseNumbered(e) {
		s.post(Said{Code: e.Code, Text: e.Text, Aside: true})
		return
	}
	if e.Code == CodeDataLost {
		s.pending.positions.Store(newPositions()) // the next one who wants to know them asks
	}
	request := e.Request
	if unnumbered(request) {
		if request = -1; e.Code == CodeInvalid {
			s.pending.refuse(e.Code, e.Text)
		}
	}
	if request >= 1 && request < marketBase {
		s.pending.put(OrderNews{Kind: OrderError, ID: request, Client: s.client, Code: e.Code, Detail: e.Text})
	}
	own := request > 0
	switch {
	case request > marketBase && request < detailsBase:
		request -= marketBase
	case request > 0: // an order, whose news arrives at Orders, or another question
		request = 0
	}
	s.post(Said{Session: s.number, Request: request, Own: own, Code: e.Code, Text: e.Text})
}

// CodeInvalid is what Gateway says of a request that makes no sense, and of what its API may not do while it is
// read-only.
const CodeInvalid = 321

// CodeDataLost says that IBKR is back, and that Gateway follows no market data and no account any more.
const CodeDataLost = 1101
