package conn

import (
	"sync"
	"sync/atomic"
	"time"
)

// asking numbers the requests about orders whose answers end with a message of their own.
type asking uint8

const (
	askOpen asking = iota
	askCompleted
	askExecutions
	askCount
)

// books is what a session knows of orders, and of questions about contracts.
type books struct {
	session uint64 // its number, which everything that is said carries
	version int
	first   atomic.Int64 // order id offered at READY
	news    *Orders
	passage passage

	enquiries enquiries

	turn [askCount]chan struct{}

	mu      sync.Mutex
	answers [askCount]*answer // nil while none is awaited
	early   []OrderNews       // open orders told unasked at the beginning of the session
	settled bool              // no more of those are expected
	begun   time.Time
}

// answer collects what is said until the end of it.
type answer struct {
	list  []OrderNews
	over  chan []OrderNews
	alone bool // nobody waits for it any more
}

func newBooks(version int) *books {
	b := &books{version: version, news: newOrders(), begun: time.Now()}
	for i := range b.turn {
		b.turn[i] = make(chan struct{}, 1)
	}
	return b
}

// asks says which request a kind of news can be the answer to.
var asks = map[OrderNewsKind]asking{OrderOpen: askOpen, OrderCompleted: askCompleted, OrderFilled: askExecutions}

// earlyFor is how long after the beginning of a session Gateway may tell its open orders unasked.
const earlyFor = 10 * time.Second

// settle says that no orders are expected any more that Gateway tells unasked: those that were told are out of date once an
// order is placed.
func (b *books) settle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settled, b.early = true, nil
}

// put takes down what Gateway says.
func (b *books) put(n OrderNews) {
	n.Session = b.session
	if kind, ok := asks[n.Kind]; ok {
		b.mu.Lock()
		if a := b.answers[kind]; a != nil {
			a.list = append(a.list, n)
		} else if kind == askOpen && !b.settled && time.Since(b.begun) < earlyFor {
			b.early = append(b.early, n)
		}
		b.mu.Unlock()
	}
	b.news.put(n)
}

// begin awaits an answer. The caller has the turn. Gateway may tell open orders by itself at the beginning of a session, and
// the end of that cannot be told from the end of the answer: what was told before belongs to it.
func (b *books) begin(kind asking) *answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := &answer{over: make(chan []OrderNews, 1)}
	if kind == askOpen {
		a.list, b.early = b.early, nil
	}
	b.answers[kind] = a
	return a
}

// drop forgets a question that was never asked, and gives its turn away.
func (b *books) drop(kind asking, a *answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.answers[kind] != a {
		return // what was told unasked has ended, and that was taken for the end of the answer
	}
	b.answers[kind] = nil
	if kind == askOpen {
		b.early = a.list
	}
	<-b.turn[kind]
}

// end completes the answer and gives the turn away.
func (b *books) end(kind asking) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.answers[kind]
	if kind == askOpen {
		b.early = nil // what was told unasked was complete, or is part of the answer
	}
	if a == nil {
		return
	}
	b.answers[kind] = nil
	if kind == askOpen && a.alone {
		b.early = a.list // nobody got it, and its end may have been that of what was told unasked
	}
	a.over <- a.list
	<-b.turn[kind]
}

// leave says that nobody waits for an answer any more. It keeps the turn until its end has come, which would else be taken
// for the end of the next answer.
func (b *books) leave(a *answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a.alone = true
}
