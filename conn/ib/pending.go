package ib

import (
	"errors"
	"sync"
	"sync/atomic"
)

// pending is what a session knows of orders, and of questions about contracts.
type pending struct {
	session uint64 // its number, which everything that is said carries
	over    <-chan struct{}
	first   atomic.Int64 // order id offered at READY
	news    *Queue[OrderNews]
	wanted  atomic.Bool // news is kept
	placing sync.Map    // ids of the orders on their way: no two of them have one id

	turn map[Question]chan struct{} // of the questions about orders

	mu      sync.Mutex
	number  int64                  // of the last of those
	asked   []*question            // whose end may come and carries no number, the oldest first
	awaited map[Question]*question // nil while there is none
	listed  bool                   // a list of open orders has ended

	contracts    map[int64]*answer[Details] // questions that are under way, by number
	lastContract int64
	rules        map[int64]*answer[PriceStep] // market rules that were asked for

	positions atomic.Pointer[positions]
}

// answer is what is said to a question. It is complete once over is closed.
type answer[T any] struct {
	list []T
	err  error
	over chan struct{}
}

func (a *answer[T]) end(err error) {
	if a.err = err; err != nil {
		a.list = nil
	}
	close(a.over)
}

func newPending(session uint64) *pending {
	b := &pending{
		session: session, news: NewQueue[OrderNews](), turn: map[Question]chan struct{}{},
		awaited:   map[Question]*question{},
		contracts: map[int64]*answer[Details]{}, rules: map[int64]*answer[PriceStep]{},
	}
	b.positions.Store(newPositions())
	for _, kind := range asks {
		b.turn[kind] = make(chan struct{}, 1)
	}
	return b
}

// asks says which request a kind of news can be the answer to.
var asks = map[OrderNewsKind]Question{
	OrderOpen: QuestionOpenOrders, OrderCompleted: QuestionCompletedOrders, OrderFilled: QuestionExecutions,
}

const (
	// maxAnswer bounds the orders of one answer. As many may be sent within a day.
	maxAnswer = 100_000
	// maxNews bounds the news that wait for the reader of [Session.Orders].
	maxNews = 4000
)

// errEndless means that an answer about orders does not end.
var errEndless = errors.New("gateway reports more orders than can be compared")

// put keeps what Gateway says, for the question that it answers and for Orders. It reports whether there is a question.
func (b *pending) put(n OrderNews) (asked bool) {
	if n.Kind == 0 {
		return false
	}
	n.Session = b.session
	if kind, ok := asks[n.Kind]; ok {
		b.mu.Lock()
		a := b.awaited[kind]
		if asked = a != nil; asked {
			if a.list = append(a.list, n); len(a.list) > maxAnswer {
				b.reply(a, errEndless)
			}
		} else if kind == QuestionOpenOrders && !b.listed && b.oldest(kind) < 0 {
			b.asked = append(b.asked, &question{kind: kind}) // it may begin a list, whose end comes
		}
		b.mu.Unlock()
	} else if n.Kind == OrderStatus && n.WhyHeld != "" {
		b.hold(n)
	}
	if b.wanted.Load() {
		b.news.PutWithin(maxNews, b.over, n)
	}
	return asked
}

// hold adds why an order is held, which the status behind an open order says, to that order in the answer.
func (b *pending) hold(n OrderNews) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.awaited[QuestionOpenOrders]
	if a == nil {
		return
	}
	for i := range a.list {
		if one := &a.list[i]; one.ID == n.ID && one.Client == n.Client && one.Status == n.Status {
			one.WhyHeld = n.WhyHeld
		}
	}
}
