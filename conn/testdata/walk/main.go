// Command walk sends ticks to rules that each place an order, and prints the files of Gatewatch in which something ran
// between the arrival of the tick and the write of the order, each time. It is built with counters, and with a conn
// that has the method of through.go; see TestWalk.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/coverage"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/engine"
	"gatewatch/engine/ledger"
	"gatewatch/engine/rules"
)

// watchedConn counts what runs between the bytes of a tick and those of an order.
type watchedConn struct {
	net.Conn
	folder string // of the counters of each order
	armed  atomic.Bool
	orders atomic.Int32
}

// Read notes the arrival of a tick.
func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n >= 8 && binary.BigEndian.Uint32(p[4:]) == 201 && c.armed.Load() {
		if err := coverage.ClearCounters(); err != nil {
			panic(err)
		}
	}
	return n, err
}

// Write notes that the bytes of an order leave.
func (c *watchedConn) Write(p []byte) (int, error) {
	if binary.BigEndian.Uint32(p[4:]) == 203 && c.armed.Swap(false) {
		folder := filepath.Join(c.folder, fmt.Sprint(c.orders.Add(1)))
		if err := os.Mkdir(folder, 0o700); err != nil {
			panic(err)
		}
		if err := coverage.WriteCountersDir(folder); err != nil {
			panic(err)
		}
		if err := coverage.WriteMetaDir(folder); err != nil {
			panic(err)
		}
	}
	return c.Conn.Write(p)
}

// frame returns a message in protobuf.
func frame(id uint32, fields ...any) []byte {
	body := binary.BigEndian.AppendUint32(nil, id+200)
	for i, f := range fields {
		n := protowire.Number(i + 1)
		switch v := f.(type) {
		case int:
			body = protowire.AppendVarint(protowire.AppendTag(body, n, protowire.VarintType), uint64(v))
		case float64:
			body = protowire.AppendFixed64(protowire.AppendTag(body, n, protowire.Fixed64Type), math.Float64bits(v))
		case string:
			body = protowire.AppendString(protowire.AppendTag(body, n, protowire.BytesType), v)
		}
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// serve is a gateway that logs its client in, answers what is asked before a guard opens, and sends what it is given.
func serve(c net.Conn, subscribed chan<- int, send <-chan []byte) {
	in := bufio.NewReader(c)
	next := func() []byte {
		var head [4]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return nil
		}
		body := make([]byte, binary.BigEndian.Uint32(head[:]))
		_, _ = io.ReadFull(in, body)
		return body
	}
	_, _ = in.Discard(4)
	next()
	hello := "225\x0020261126 10:00:00 EST\x00"
	_, _ = c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(hello))), hello...))
	next()
	_, _ = c.Write(append(frame(15, "DU1"), frame(9, 1)...))
	go func() {
		for f := range send {
			_, _ = c.Write(f)
		}
	}()
	for body := next(); len(body) >= 4; body = next() {
		switch binary.BigEndian.Uint32(body) {
		case 201:
			_, _, tag := protowire.ConsumeTag(body[4:])
			request, _ := protowire.ConsumeVarint(body[4+tag:])
			subscribed <- int(request)
		case 205:
			_, _ = c.Write(frame(53))
		case 249:
			_, _ = c.Write(frame(49, int(time.Now().Unix())))
		}
	}
}

const walkOrders = 12

func main() {
	folder := os.Args[1]
	log := slog.New(slog.DiscardHandler)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer ln.Close()
	subscribed, send := make(chan int, 8), make(chan []byte, 1)
	go func() {
		c, err := ln.Accept()
		if err == nil {
			serve(c, subscribed, send)
		}
	}()
	orders, err := ledger.Open(filepath.Join(folder, "orders.db"), log)
	if err != nil {
		panic(err)
	}
	sup, err := conn.New(conn.Config{
		Host: "127.0.0.1", Port: ln.Addr().(*net.TCPAddr).Port, ClientID: 17, Mode: ib.Paper,
		ConnectTimeout: time.Minute, Poll: time.Second, Soft: 30 * time.Second, Hard: time.Minute,
		ProofOfLife: time.Minute, Delays: []time.Duration{time.Second}, Reconcile: orders.Reconcile,
	}, log)
	if err != nil {
		panic(err)
	}
	watched := &watchedConn{folder: folder}
	sup.Through(func(c net.Conn) net.Conn { watched.Conn = c; return watched })
	limits := engine.Limits{Mode: ib.Paper, PerMinute: 100, PerDay: 100, Quantity: 100, Notional: 1e6}
	desk := engine.NewDesk(orders, limits, func(engine.Report) {}, log)
	desk.Arm()
	age := func() time.Duration { return time.Minute }
	set, err := rules.NewSet(rules.Config{
		Ledger: orders, Desk: desk, Clock: sup.Clock(), MaxTickAge: age, Log: log,
		MarketHours: func(time.Time) bool { return true },
		Report:      func(engine.Report) {}, Changed: func() {}, Refresh: func() {},
		Resolve: func(_ context.Context, c ib.Contract) ([]ib.Details, error) {
			return []ib.Details{{Contract: c, MinTick: 0.01, Multiplier: 1}}, nil
		},
	})
	if err != nil {
		panic(err)
	}
	var list []rules.Rule
	offset := -0.05
	for i := range walkOrders {
		list = append(list, rules.Rule{
			Name: fmt.Sprint("rule ", i), Instrument: rules.Instrument{Symbol: "AAPL", Currency: "USD"},
			Conditions: []rules.Condition{{Price: "last", Is: "crosses_up", Value: float64(101 + i)}},
			Action: rules.Action{Do: "order", Order: &rules.Order{
				Side: "BUY", Quantity: 1, Type: "LMT", LimitOffset: &offset,
			}},
		})
	}
	if err := set.Put(list); err != nil {
		panic(err)
	}
	for _, r := range list {
		if err := set.Activate(context.Background(), r.Name); err != nil {
			panic(err)
		}
	}
	eng := engine.New(engine.Config{Supervisor: sup, Desk: desk, Strategy: set, Log: log, MaxTickAge: age})
	ctx, cancel := context.WithCancel(context.Background())
	go sup.Run(ctx)
	over := make(chan struct{})
	go func() { eng.Run(ctx); close(over) }()
	defer func() { cancel(); <-over; orders.Close() }()
	request := <-subscribed
	waitFor := func(ok func() bool) {
		for end := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				panic(fmt.Sprint("not in time", sup.Snapshot(), eng.Counts()))
			}
		}
	}
	waitFor(func() bool { return sup.Snapshot().GuardOpen() })
	tick := func(price float64) { send <- frame(1, request, 4, price, "100") }
	for i := range walkOrders {
		for _, price := range []float64{100.3, 100.6} { // the first may be from before the subscription
			seen := eng.Counts().Evaluated
			tick(price + float64(i))
			waitFor(func() bool { return eng.Counts().Evaluated > seen })
		}
		watched.armed.Store(true)
		tick(101.5 + float64(i))
		waitFor(func() bool { return watched.orders.Load() == int32(i+1) })
	}
	walk := ran(folder, 1)
	for i := 2; i <= walkOrders; i++ {
		also := ran(folder, i)
		maps.DeleteFunc(walk, func(at string, _ bool) bool { return !also[at] })
	}
	files := map[string]bool{}
	for at := range walk {
		files[at[:strings.IndexByte(at, ':')]] = true
	}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasPrefix(file, "walk/") {
			fmt.Println(file)
		}
	}
}

// block is a line of counters in text: its place, and how often it ran.
var block = regexp.MustCompile(`(?m)^gatewatch/(\S+ \d+) [1-9]\d*$`)

// ran returns the places of the code that ran on the way to an order.
func ran(folder string, order int) map[string]bool {
	in := filepath.Join(folder, fmt.Sprint(order))
	out, err := exec.Command("go", "tool", "covdata", "textfmt", "-i", in, "-o", in+".txt").CombinedOutput()
	if err != nil {
		panic(string(out))
	}
	text, err := os.ReadFile(in + ".txt")
	if err != nil {
		panic(err)
	}
	places := map[string]bool{}
	for _, m := range block.FindAllStringSubmatch(string(text), -1) {
		places[m[1]] = true
	}
	return places
}
