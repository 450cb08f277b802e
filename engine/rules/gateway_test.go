package rules

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// This file holds gateways that say little and do it fast, for benchmarks.

// hose is a gateway that says what it is paid for: ticks, as fast as they are taken, or what feed writes.
type hose struct {
	ln    net.Listener
	wants int // subscriptions to wait for
	feed  func(c net.Conn, write func([]byte) error, requests []int64)
}

func newHose(tb testing.TB, subscriptions int) *hose { return newFeed(tb, subscriptions, blast) }

func newFeed(tb testing.TB, subscriptions int, feed func(net.Conn, func([]byte) error, []int64)) *hose {
	tb.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { ln.Close() })
	h := &hose{ln, subscriptions, feed}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go h.serve(c)
		}
	}()
	return h
}

func (h *hose) port() int { return h.ln.Addr().(*net.TCPAddr).Port }

// message is a frame of the protocol from version 201 on.
func message(id uint32, fields ...[]byte) []byte {
	body := bytes.Join(fields, nil)
	f := binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))
	return append(binary.BigEndian.AppendUint32(f, id+200), body...)
}

func varint(field protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), uint64(v))
}

func double(field protowire.Number, v float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(nil, field, protowire.Fixed64Type), math.Float64bits(v))
}

func letters(field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, field, protowire.BytesType), s)
}

// fieldOf returns a field of a message: a number, or the bytes of a text or of a message.
func fieldOf(body []byte, field protowire.Number) (n int64, inside []byte) {
	for len(body) > 0 {
		num, kind, size := protowire.ConsumeField(body)
		if size < 0 {
			return 0, nil
		}
		_, _, tag := protowire.ConsumeTag(body)
		if num == field {
			switch kind {
			case protowire.VarintType:
				v, _ := protowire.ConsumeVarint(body[tag:])
				return int64(v), nil
			case protowire.BytesType:
				inside, _ = protowire.ConsumeBytes(body[tag:])
				return 0, inside
			}
		}
		body = body[size:]
	}
	return 0, nil
}

func readMessage(in *bufio.Reader) (id uint32, body []byte, err error) {
	var head [4]byte
	if _, err = io.ReadFull(in, head[:]); err != nil {
		return 0, nil, err
	}
	body = make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err = io.ReadFull(in, body); err != nil || len(body) < 4 {
		return 0, nil, err
	}
	return binary.BigEndian.Uint32(body), body[4:], nil
}

// greet does what comes before the first subscription.
func greet(c net.Conn) (*bufio.Reader, error) {
	in := bufio.NewReader(c)
	if _, err := in.Discard(4); err != nil {
		return nil, err
	}
	if _, _, err := readMessage(in); err != nil {
		return nil, err
	}
	reply := "225\x0020261126 10:00:00 EST\x00"
	fmt.Fprintf(c, "%s%s", string(binary.BigEndian.AppendUint32(nil, uint32(len(reply)))), reply)
	if _, _, err := readMessage(in); err != nil {
		return nil, err
	}
	_, err := c.Write(append(message(15, letters(1, "DU1")), message(9, varint(1, 1))...))
	return in, err
}

// tick is the frame of a price.
func tick(request, kind int64, price float64) []byte {
	return message(1, varint(1, request), varint(2, kind), double(3, price))
}

func (h *hose) serve(c net.Conn) {
	defer c.Close()
	in, err := greet(c)
	if err != nil {
		return
	}
	var requests []int64
	var mu sync.Mutex
	for len(requests) < h.wants {
		id, body, err := readMessage(in)
		if err != nil {
			return
		}
		if id == 201 {
			request, _ := fieldOf(body, 1)
			requests = append(requests, request)
		}
		answer(c, &mu, id)
	}
	go func() {
		for {
			id, _, err := readMessage(in)
			if err != nil {
				c.Close()
				return
			}
			answer(c, &mu, id)
		}
	}()
	h.feed(c, func(b []byte) error {
		mu.Lock()
		defer mu.Unlock()
		_, err := c.Write(b)
		return err
	}, requests)
}

// blast sends ticks as fast as they are taken.
func blast(_ net.Conn, write func([]byte) error, requests []int64) {
	var ticks []byte
	for range 20 {
		for _, r := range requests {
			ticks = append(ticks, tick(r, []int64{1, 2, 4}[rand.IntN(3)], 90+float64(rand.IntN(2000))/100)...)
		}
	}
	for write(ticks) == nil {
		continue
	}
}

// answer answers what a session asks before its guard opens, and the time.
func answer(c net.Conn, mu *sync.Mutex, id uint32) {
	mu.Lock()
	defer mu.Unlock()
	switch id {
	case 205:
		c.Write(message(53)) // there are no open orders
	case 249:
		c.Write(message(49, varint(1, time.Now().Unix())))
	}
}

const (
	fastOrders = 1000
	fastStocks = 16
)

// fastPrice is the price of a stock before the given order, whose rule triggers at the next.
func fastPrice(order int) float64 {
	return 100*float64(1+order%fastStocks) + float64(order/fastStocks)/10
}

// fastGateway is what has a program of this test be the gateway of BenchmarkTickToOrder.
const fastGateway = "GATEWATCH_TEST_FAST_GATEWAY"

func TestMain(m *testing.M) {
	if os.Getenv(fastGateway) != "" {
		if err := sellFast(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// sellFast is a gateway that says its port, waits for one connection with subscriptions to all stocks, and then, for
// each number on its input, has the price of a stock rise after 25 ms and says how long the order took, in nanoseconds.
func sellFast() error {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr().(*net.TCPAddr).Port)
	c, err := ln.Accept()
	if err != nil {
		return err
	}
	in, err := greet(c)
	if err != nil {
		return err
	}
	var mu sync.Mutex // of writing
	write := func(f []byte) error {
		mu.Lock()
		defer mu.Unlock()
		_, err := c.Write(f)
		return err
	}
	var stocks [fastStocks]int64 // their requests
	arrived := make(chan time.Time, 1)
	subscribed := make(chan struct{})
	failed := make(chan error, 2)
	go func() {
		for missing := fastStocks; ; {
			id, body, err := readMessage(in)
			now := time.Now()
			if err != nil {
				failed <- err
				return
			}
			switch id {
			case 201:
				request, _ := fieldOf(body, 1)
				_, contract := fieldOf(body, 2)
				_, name := fieldOf(contract, 2)
				var n int
				if _, err := fmt.Sscanf(string(name), "S%d", &n); err != nil {
					failed <- err
					return
				}
				stocks[n] = request
				if missing--; missing == 0 {
					close(subscribed)
				}
			case 203:
				arrived <- now
				order, _ := fieldOf(body, 1)
				err = write(message(3, varint(1, order), letters(2, "Filled"), letters(3, "1"), letters(4, "0"),
					varint(6, order), varint(9, 17)))
			}
			answer(c, &mu, id)
			if err != nil {
				failed <- err
				return
			}
		}
	}()
	<-subscribed
	go func() {
		for range time.Tick(fastStocks * time.Second / 3000) {
			var burst []byte
			for n, request := range stocks {
				burst = append(burst, tick(request, []int64{2, 4}[rand.IntN(2)],
					fastPrice(n)+float64(rand.IntN(100))/100)...)
			}
			if err := write(burst); err != nil {
				failed <- err
				return
			}
		}
	}()
	for {
		var order int
		if _, err := fmt.Scanln(&order); err != nil {
			return nil
		}
		if order < fastStocks { // the guard is open by now, and the stock's rules see what the price rises from
			if err := write(tick(stocks[order], 1, fastPrice(order))); err != nil {
				return err
			}
		}
		time.Sleep(25 * time.Millisecond) // 50 messages in a second may leave
		f := tick(stocks[order%fastStocks], 1, fastPrice(order)+0.1)
		mu.Lock()
		began := time.Now()
		_, err := c.Write(f)
		mu.Unlock()
		if err != nil {
			return err
		}
		select {
		case at := <-arrived:
			fmt.Println(at.Sub(began).Nanoseconds())
		case err := <-failed:
			return err
		case <-time.After(30 * time.Second):
			return errors.New("no order has come")
		}
	}
}
