package port_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/scmhub/ibapi"
)

// bot is a program that trades until it is killed.
type bot struct {
	*chaos
	client int64
	next   int64
	place  func(id int64, kind string, price float64)
	cancel func(id int64)
	mu     sync.Mutex
	open   map[int64]bool // sent, and nothing was heard of it
	works  []int64
}

// live connects, trades, and leaves or is cut off.
func (b *bot) live() {
	tcp, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", b.number))
	if err != nil {
		time.Sleep(20 * time.Millisecond)
		return
	}
	defer tcp.Close()
	b.open, b.works = map[int64]bool{}, nil
	b.place = func(id int64, kind string, price float64) {
		_, _ = tcp.Write(orderFrame(b.version, id, kind, price))
	}
	b.cancel = func(id int64) { _, _ = tcp.Write(cancelFrame(b.version, id)) }
	_, _ = tcp.Write(hello(fmt.Sprintf("v100..%d", b.version)))
	c := &raw{t: b.t, tcp: tcp, in: newReader(tcp), version: b.version}
	_ = tcp.SetReadDeadline(time.Now().Add(patience))
	if _, err := c.in.Greeting(); err != nil {
		return
	}
	_, _ = tcp.Write(startFrame(b.version, b.client))
	ready, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		b.listen(c, ready)
	}()
	select {
	case <-ready:
		b.trade(ended)
	case <-ended:
	}
	tcp.Close()
	<-ended
}

// trade sends orders, changes and cancellations; then it waits until each is answered, or leaves at once.
func (b *bot) trade(ended chan struct{}) {
	for range 20 + rand.IntN(60) {
		select {
		case <-ended:
			b.ended()
			return
		case <-b.over:
			b.wait(ended)
			return
		case <-time.After(time.Duration(rand.IntN(40)) * time.Millisecond):
		}
		b.mu.Lock()
		var works int64
		if n := len(b.works); n > 0 {
			works = b.works[rand.IntN(n)]
		}
		b.mu.Unlock()
		switch n := rand.IntN(10); {
		case n == 0 && works != 0:
			b.cancel(works)
		case n == 1 && works != 0:
			b.chaos.mu.Lock()
			b.changes++
			b.chaos.mu.Unlock()
			b.place(works, "LMT", 1+float64(rand.IntN(50))/100)
		default:
			b.next++
			key := [2]int64{b.client, b.next}
			b.chaos.mu.Lock()
			b.sent[key] = true
			b.chaos.mu.Unlock()
			b.mu.Lock()
			b.open[b.next] = true
			b.mu.Unlock()
			kind := "LMT"
			if rand.IntN(3) == 0 {
				kind = "MKT"
			}
			b.place(b.next, kind, 1)
		}
	}
	if rand.IntN(3) > 0 { // otherwise it is killed
		b.wait(ended)
	}
}

// wait waits until each order is answered. Those that are not by then were not answered.
func (b *bot) wait(ended chan struct{}) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		select {
		case <-ended:
			b.ended()
			return
		default:
		}
		b.mu.Lock()
		n := len(b.open)
		b.mu.Unlock()
		if n == 0 {
			return
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.chaos.mu.Lock()
	defer b.chaos.mu.Unlock()
	b.silent += len(b.open)
}

func (b *bot) ended() {
	b.chaos.mu.Lock()
	defer b.chaos.mu.Unlock()
	b.cut++
}

// listen takes in what is said of orders until the connection ends.
func (b *bot) listen(c *raw, ready chan struct{}) {
	for {
		number, body, err := c.next()
		if err != nil {
			return
		}
		switch number {
		case 9:
			select {
			case <-ready:
			default:
				close(ready)
			}
		case 4:
			id, code, text := errorOf(c.version, body)
			b.failed(id, code, text)
		case 3:
			id, status := statusOf(c.version, body)
			b.heard(id, status == "Submitted")
		}
	}
}

// failed takes in an error about an order.
func (b *bot) failed(id int64, code int, text string) {
	b.mu.Lock()
	first := b.open[id]
	b.mu.Unlock()
	said := strings.Contains(text, "Gatewatch: ") && strings.Contains(text, "nothing was sent")
	if first && said && code == 201 {
		b.chaos.mu.Lock()
		b.refused[[2]int64{b.client, id}] = true
		b.chaos.mu.Unlock()
	}
	b.heard(id, false)
}

// libraryBot is a bot that uses scmhub/ibapi. It never leaves by itself: the library's Disconnect races with itself.
type libraryBot struct {
	ibapi.Wrapper
	*bot
	ready, ended chan struct{}
	once         sync.Once
}

func (b *libraryBot) NextValidID(int64) { b.once.Do(func() { close(b.ready) }) }
func (b *libraryBot) ConnectionClosed() { close(b.ended) }

func (b *libraryBot) Error(id, _, code int64, text, _ string) { b.failed(id, int(code), text) }

func (b *libraryBot) OrderStatus(
	id int64, status string, _, _ ibapi.Decimal, _ float64, _, _ int64, _ float64, _ int64, _ string, _ float64,
) {
	b.heard(id, status == "Submitted")
}

// liveInLibrary is live with the library.
func (b *bot) liveInLibrary() {
	w := &libraryBot{bot: b, ready: make(chan struct{}), ended: make(chan struct{})}
	e := ibapi.NewEClient(w)
	b.open, b.works = map[int64]bool{}, nil
	b.place = func(id int64, kind string, price float64) {
		o := limitOrder("BUY", "1", price)
		if kind == "MKT" {
			o = marketOrder("BUY", "1")
		}
		e.PlaceOrder(id, stock("AAPL"), o)
	}
	b.cancel = func(id int64) { e.CancelOrder(id, ibapi.NewOrderCancel()) }
	if e.Connect("127.0.0.1", b.number, b.client) != nil || !e.IsConnected() { // it calls an early end a success
		time.Sleep(20 * time.Millisecond)
		return
	}
	select {
	case <-w.ready:
	case <-w.ended:
		return
	case <-time.After(patience):
		b.t.Errorf("client id %d got no answer, and its connection stays", b.client)
		return
	}
	for {
		b.trade(w.ended)
		select {
		case <-w.ended:
			return
		case <-b.over:
			b.leaving.Go(func() { <-w.ended })
			return
		default:
		}
	}
}

func (b *bot) heard(id int64, works bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if works && len(b.works) < 20 {
		b.works = append(b.works, id)
	}
	delete(b.open, id)
}
