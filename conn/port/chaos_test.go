package port_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/port"
	"gatewatch/conn/sim"
)

const (
	hostGateway = "GATEWATCH_TEST_PORT_GATEWAY"
	hostPort    = "GATEWATCH_TEST_PORT_NUMBER"
	hostDir     = "GATEWATCH_TEST_PORT_DIR"

	chaosPrograms = 4
	askAs         = 4711
)

// host is a process with a supervisor and a port, which is killed.
func host(dir string) {
	gateway, _ := strconv.Atoi(os.Getenv(hostGateway))
	number, _ := strconv.Atoi(os.Getenv(hostPort))
	sup, err := conn.New(conn.Config{
		Host: "127.0.0.1", Port: gateway, ClientID: 99, Mode: conn.AnyMode, ConnectTimeout: 5 * time.Second,
		Poll: time.Second, Soft: 300 * time.Millisecond, Hard: 2 * time.Second,
		Delays: []time.Duration{20 * time.Millisecond}, Stable: time.Millisecond, WatchLocalPort: true,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	j, err := port.OpenJournal(dir)
	if err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	p, err := port.New(port.Config{
		Connection: port.Supervised(sup), Record: j, Settings: port.Settings{Port: number, AskAs: askAs},
	})
	if err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	go sup.Run(context.Background())
	go func() { // the end of the test is the end of its standard input
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		stop()
	}()
	p.Run(ctx)
	j.Close()
}

// chaos is what a run of many orders has shown.
type chaos struct {
	t       *testing.T
	g       *sim.Gateway
	number  int
	dir     string
	over    chan struct{}
	version int

	mu      sync.Mutex
	sent    map[[2]int64]bool // by client id and order id
	refused map[[2]int64]bool // Gatewatch has said that nothing was sent
	silent  int
	changes int
	cut     int            // connections that ended
	turn    int            // of mishaps
	lost    [][2]time.Time // when Gateway had no connection to IBKR, without the first half second
}

// bot is a program that trades until it is killed.
type bot struct {
	*chaos
	client int64
	next   int64
	tcp    net.Conn
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
	b.tcp, b.open, b.works = tcp, map[int64]bool{}, nil
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
			_, _ = b.tcp.Write(cancelFrame(b.version, works))
		case n == 1 && works != 0:
			b.chaos.mu.Lock()
			b.changes++
			b.chaos.mu.Unlock()
			_, _ = b.tcp.Write(orderFrame(b.version, works, "LMT", 1+float64(rand.IntN(50))/100))
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
			_, _ = b.tcp.Write(orderFrame(b.version, b.next, kind, 1))
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
		case 3:
			id, status := statusOf(c.version, body)
			b.heard(id, status == "Submitted")
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

// startHost starts a process with a port, and returns what kills it and what ends it.
func (c *chaos) startHost() (kill, end func()) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(
		os.Environ(), hostDir+"="+c.dir, hostGateway+"="+strconv.Itoa(c.g.Port()), hostPort+"="+strconv.Itoa(c.number),
	)
	in, err := cmd.StdinPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	end = func() {
		in.Close()
		_ = cmd.Wait()
	}
	return kill, end
}

// mishap is a fault of Gateway for a while.
func (c *chaos) mishap() {
	pause := func(least, more int) { time.Sleep(time.Duration(least+rand.IntN(more)) * time.Millisecond) }
	switch c.turn++; c.turn % 6 {
	case 0:
		c.g.Drop()
	case 1:
		c.g.Reset()
	case 2:
		c.g.Freeze()
		pause(200, 1000)
		c.g.Thaw()
	case 3:
		c.g.Freeze()
		pause(2500, 1000)
		c.g.Thaw()
	case 4:
		c.g.Notice(1100, "")
		since := time.Now().Add(500 * time.Millisecond)
		pause(300, 1000)
		c.lost = append(c.lost, [2]time.Time{since, time.Now()})
		c.g.Notice(1102, "")
	case 5:
		c.g.Restart(time.Duration(100+rand.IntN(500)) * time.Millisecond)
	}
	pause(300, 700)
}

// TestChaos has programs trade through a port while Gateway drops, freezes, loses IBKR and restarts, and while the
// port's process and the programs are killed: no order that was said to be refused is at Gateway, each is answered or
// its connection has ended, and the record is what Gateway has. GATEWATCH_KILLS says how often the port's process is
// killed.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("some tens of seconds")
	}
	n := 3
	if os.Getenv("GATEWATCH_KILLS") != "" {
		n = kills()
	}
	for _, version := range []int{176, 226} {
		t.Run(strconv.Itoa(version), func(t *testing.T) {
			t.Parallel()
			g := startSim(t, sim.Config{ServerVersion: 226, TickRate: 20})
			c := &chaos{
				t: t, g: g, number: freePort(t), dir: t.TempDir(), over: make(chan struct{}), version: version,
				sent: map[[2]int64]bool{}, refused: map[[2]int64]bool{},
			}
			c.run(n)
			c.check()
		})
	}
}

func (c *chaos) run(kills int) {
	var bots sync.WaitGroup
	kill, end := c.startHost()
	for i := range chaosPrograms {
		b := &bot{chaos: c, client: int64(1 + i), next: 100}
		bots.Go(func() {
			for {
				select {
				case <-c.over:
					return
				default:
					b.live()
				}
			}
		})
	}
	for range kills {
		for range 2 {
			c.mishap()
		}
		kill()
		kill, end = c.startHost()
	}
	time.Sleep(time.Second)
	close(c.over)
	bots.Wait()
	time.Sleep(7 * time.Second) // the last inquiry
	end()
}

// recorded returns all orders of the record, oldest first.
func (c *chaos) recorded() []port.Order {
	data, err := os.ReadFile(yearFile(c.dir, time.Now().UTC().Year()))
	if err != nil {
		c.t.Fatal(err)
	}
	last := map[uint64]port.Order{}
	for line := range bytes.Lines(data) {
		var o port.Order
		if err := json.Unmarshal(line, &o); err != nil {
			c.t.Errorf("%q: %v", line, err)
		}
		last[o.Number] = o
	}
	return slices.SortedFunc(maps.Values(last), func(a, b port.Order) int { return cmp.Compare(a.Number, b.Number) })
}

// check compares what programs, the record and Gateway have.
func (c *chaos) check() {
	record := map[[2]int64]port.Order{}
	states := map[port.State]int{}
	for _, o := range c.recorded() {
		if key := [2]int64{o.Client, o.ID}; record[key].PermID == 0 { // what has the same id was sent when it was done
			record[key] = o
		}
		states[o.State]++
	}
	gateway := map[[2]int64]sim.OrderState{}
	for _, o := range c.g.State().Orders {
		gateway[[2]int64{int64(o.ClientID), int64(o.OrderID)}] = o
	}
	for key := range c.refused {
		if _, there := gateway[key]; there {
			c.t.Errorf("order %v was said to be refused, and is at Gateway", key)
		}
	}
	for _, q := range c.g.Requests("placeOrder") {
		for _, lost := range c.lost {
			if q.At.After(lost[0]) && q.At.Before(lost[1]) {
				c.t.Errorf("order %s of client id %d reached Gateway while it had lost IBKR", q.Fields, q.ClientID)
			}
		}
	}
	unknown := 0
	for key, o := range gateway {
		r, ok := record[key]
		want := port.Working
		switch o.Status {
		case "Filled":
			want = port.Filled
		case "Cancelled":
			want = port.Cancelled
		}
		switch {
		case !ok:
			c.t.Errorf("order %v is not recorded", key)
		case r.State == want:
		case r.State == port.Unknown && want == port.Cancelled:
			unknown++ // Gateway names no order id for what is cancelled
		default:
			c.t.Errorf("order %v is %s at Gateway; recorded: %+v", key, o.Status, r)
		}
	}
	for key, r := range record {
		_, there := gateway[key]
		if !there && (r.State == port.Working || r.State == port.Filled || r.State == port.Cancelled) {
			c.t.Errorf("order %v is not at Gateway; recorded: %+v", key, r)
		}
	}
	if c.silent != 0 {
		c.t.Errorf("%d orders got no answer", c.silent)
	}
	if len(gateway) == 0 || len(c.refused) == 0 || c.cut == 0 {
		c.t.Errorf("%d orders at Gateway, %d refused, %d connections cut", len(gateway), len(c.refused), c.cut)
	}
	c.t.Logf(
		"%d orders of programs, %d at Gateway, %d refused, %d changes, %d connections cut; "+
			"recorded %v, %d cancelled and unknown",
		len(c.sent), len(gateway), len(c.refused), c.changes, c.cut, states, unknown,
	)
}
