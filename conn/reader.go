package conn

import (
	"fmt"
	"runtime"
	"time"

	"gatewatch/conn/wire"
)

// read takes in what Gateway sends until the connection ends. It hands everything over and waits for nobody but for the
// supervisor, when too much waits there.
func (s *socket) read() {
	defer s.leave()
	defer close(s.readDone)
	defer func() {
		if p := recover(); p != nil { // a message from outside must not end the program
			s.close(CauseGarbage, fmt.Sprintf("panic: %v", p))
		}
	}()
	for {
		payload, err := s.in.Next()
		if err == nil {
			err = s.receive(payload)
			if !s.in.HasFrame() {
				runtime.Gosched() // those who wait for the message go first: the next read may wait long
			}
		}
		if err != nil {
			s.close(causeOf(err))
			return
		}
	}
}

// receive hands over one message. The error says that it is not the protocol.
func (s *socket) receive(payload []byte) error {
	m, err := wire.Split(payload)
	if err != nil {
		return err
	}
	switch m.Number {
	case 0:
		s.skipped.Add(1)
		return nil
	case wire.MsgTickPrice, wire.MsgTickSize, wire.MsgTickString, wire.MsgMarketDataType:
		return s.receiveMarketData(m)
	case wire.MsgError:
		e, err := m.Error()
		if err == nil {
			s.receiveError(e)
		}
		return err
	case wire.MsgCurrentTime:
		unix, err := m.CurrentTime()
		if err == nil {
			s.receiveTime(unix)
		}
		return err
	case wire.MsgNextValidID:
		id, err := m.NextValidID()
		if err == nil {
			s.book.first.CompareAndSwap(0, max(1, id))
			s.logIn()
		}
		return err
	case wire.MsgManagedAccounts:
		list, err := m.ManagedAccounts()
		if err == nil {
			s.accounts.Store(&list)
			s.logIn()
		}
		return err
	case wire.MsgContractDetails, wire.MsgContractDetailsEnd, wire.MsgMarketRule:
		return s.receiveContract(m)
	case wire.MsgConfig:
		return s.receiveConfig(m)
	}
	return s.receiveOrder(m)
}

// logIn notes that both login messages have arrived, once they have.
func (s *socket) logIn() {
	if s.book.first.Load() != 0 && s.accounts.Load() != nil && !s.isReady() {
		close(s.loggedIn)
		s.askConfig()
	}
}

func (s *socket) isReady() bool {
	select {
	case <-s.loggedIn:
		return true
	default:
		return false
	}
}

// receiveTime takes in the answer to a time request.
func (s *socket) receiveTime(unix int64) {
	ours := time.Now().Unix()
	if asked, rtt, ok := s.times.answer(s.mono(), ours, unix); ok {
		s.post(inAnswered{session: s.number, asked: asked, rtt: rtt, skew: time.Duration(unix-ours) * time.Second})
	}
}

// receiveError takes in what Gateway says with a code.
func (s *socket) receiveError(e wire.Error) {
	row := codeTable[e.Code]
	if row.effect == effectPortChanged || row.effect == effectFailsAttempt && !s.isReady() {
		s.onceFatal.Do(func() {
			s.fatal.Store(&AttemptError{Cause: row.cause, Code: e.Code, Text: e.Text})
			close(s.refused)
		})
	}
	if s.book.refuseNumbered(e) {
		s.post(inMessage{e.Code, e.Text})
		return
	}
	request := e.Request
	if unnumbered(request) {
		if request = -1; e.Code == codeInvalid {
			s.book.refuse(e.Code, e.Text)
		}
	}
	if request >= 1 && request < marketBase {
		s.book.put(OrderNews{Kind: OrderError, ID: request, Client: s.client, Code: e.Code, Detail: e.Text})
	}
	own := request > 0
	switch {
	case request > marketBase && request < detailsBase:
		request -= marketBase
	case request > 0: // an order, of which Orders tells, or another question
		request = 0
	}
	s.post(inCode{session: s.number, request: request, own: own, code: e.Code, text: e.Text})
}
