package port_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gatewatch/conn/port/record"
	"gatewatch/conn/sim"
)

const chaosPrograms = 4

// buildProgram builds the whole program.
func buildProgram(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the Go command is needed to build the program")
	}
	path := filepath.Join(t.TempDir(), "gatewatch")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", path, "gatewatch/app")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// chaos is what a run of many orders has shown.
type chaos struct {
	t       *testing.T
	g       *sim.Gateway
	program string
	number  int
	dir     string
	over    chan struct{}
	leaving sync.WaitGroup
	version int

	mu      sync.Mutex
	sent    map[[2]int64]bool // by client id and order id
	refused map[[2]int64]bool // Gatewatch has said that nothing was sent
	silent  int
	changes int
	cut     int              // connections that ended
	turn    int              // of mishaps
	placed  map[[2]int64]int // how often an order is in Gateway's own log of requests
	logged  int64            // how far that was read
	closed  []closedTime
}

// closedTime is a time in which the guard was closed, without the first half second.
type closedTime struct {
	why      string
	from, to time.Time
}

// start starts the program, and returns what kills it and what ends it.
func (c *chaos) start() (kill, end func()) {
	cmd := exec.Command(c.program, "run", "--headless", "--home", c.dir)
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	end = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
	return kill, end
}

// clients runs gatewatch clients until it succeeds.
func (c *chaos) clients(args ...string) {
	c.t.Helper()
	until(c.t, strings.Join(args, " ")+" succeeds", func() bool {
		return exec.Command(c.program, append(append([]string{"clients"}, args...), "--home", c.dir)...).Run() == nil
	})
}

// closedSince says that the guard has been closed from a moment on.
func (c *chaos) closedSince(why string, from time.Time) {
	if from = from.Add(500 * time.Millisecond); from.Before(time.Now()) {
		c.closed = append(c.closed, closedTime{why, from, time.Now()})
	}
}

// readLog takes in what is new in Gateway's log of requests: no order is in it from a time in which the guard was
// closed.
func (c *chaos) readLog() {
	for _, q := range c.g.Requests("placeOrder") {
		var fields struct {
			ID int64 `json:"orderId"`
		}
		if q.Seq <= c.logged || json.Unmarshal(q.Fields, &fields) != nil {
			continue
		}
		c.logged = q.Seq
		c.placed[[2]int64{int64(q.ClientID), fields.ID}]++
		for _, closed := range c.closed {
			if q.At.After(closed.from) && q.At.Before(closed.to) {
				c.t.Errorf("order %s of client id %d reached Gateway: %s", q.Fields, q.ClientID, closed.why)
			}
		}
	}
}

// mishap is a fault of Gateway for a while.
func (c *chaos) mishap() {
	pause := func(least, more int) { time.Sleep(time.Duration(least+rand.IntN(more)) * time.Millisecond) }
	switch c.turn++; c.turn % 7 {
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
		since := time.Now()
		pause(700, 1000)
		c.closedSince("Gateway had lost IBKR", since)
		c.g.Notice(1102, "")
	case 5:
		c.g.Restart(time.Duration(100+rand.IntN(500)) * time.Millisecond)
	case 6:
		c.clients("stop")
		since := time.Now()
		pause(700, 1000)
		c.closedSince("trading was stopped", since)
		c.clients("allow")
	}
	pause(300, 700)
}

// TestChaos has programs trade through the port of the built program while Gateway drops, freezes, loses IBKR and
// restarts, trading is stopped, and Gatewatch and the programs are killed: no order reaches Gateway while the guard is
// closed or that was said to be refused, each is answered or its connection has ended, and the record is what Gateway
// has and has got. Two programs write the protocol by hand, and two use the client library. GATEWATCH_KILLS says how
// often Gatewatch is killed, and GATEWATCH_ORDERS how many orders there are at least.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("some tens of seconds")
	}
	if raceEnabled {
		t.Skip("the client library races with itself; make test runs this without the race detector")
	}
	n := 4
	if kills, err := strconv.Atoi(os.Getenv("GATEWATCH_KILLS")); err == nil && kills > 0 {
		n = kills
	}
	orders, _ := strconv.Atoi(os.Getenv("GATEWATCH_ORDERS"))
	program := buildProgram(t)
	for _, version := range []int{176, 226} {
		t.Run(strconv.Itoa(version), func(t *testing.T) {
			t.Parallel()
			g := startSim(t, sim.Config{ServerVersion: 226, TickRate: 20})
			c := &chaos{
				t: t, g: g, program: program, number: freePort(t), dir: t.TempDir(), over: make(chan struct{}),
				version: version,
				sent:    map[[2]int64]bool{}, refused: map[[2]int64]bool{}, placed: map[[2]int64]int{},
			}
			settings := fmt.Sprintf(`{"api": {"port": 0}, "reset_minutes": 0, "gateway": {"port": %d},
				"reconnect": {"delays_seconds": [0.05]}, "watchdog": {"soft_seconds": 0.5, "hard_seconds": 2},
				"guarded_port": {"port": %d, "mode": "guard", "proof_of_life_ms": 1000}}`, g.Port(), c.number)
			if err := os.WriteFile(filepath.Join(c.dir, "settings.json"), []byte(settings), 0o600); err != nil {
				t.Fatal(err)
			}
			c.run(n, orders/2)
			c.check()
		})
	}
}

func (c *chaos) run(kills, orders int) {
	var bots sync.WaitGroup
	kill, end := c.start()
	for i := range chaosPrograms {
		b := &bot{chaos: c, client: int64(1 + i), next: 100}
		live := b.live
		if i >= chaosPrograms/2 {
			live = b.liveInLibrary
		}
		bots.Go(func() {
			for {
				select {
				case <-c.over:
					return
				default:
					live()
				}
			}
		})
	}
	for i := 0; i < kills || c.orders() < orders; i++ {
		for range 2 {
			c.mishap()
			c.readLog()
		}
		kill()
		kill, end = c.start()
	}
	time.Sleep(time.Second)
	close(c.over)
	bots.Wait()
	time.Sleep(7 * time.Second) // the last inquiry, which a busy computer makes later
	for end := time.Now().Add(time.Minute); c.unsettled() && time.Now().Before(end); time.Sleep(time.Second) {
	}
	end()
	c.leaving.Wait()
	c.readLog()
}

// unsettled reports whether nothing is known yet of an order that Gateway has. The record may end in the middle of a
// line.
func (c *chaos) unsettled() bool {
	last := map[[2]int64]record.State{}
	for line := range bytes.Lines(c.journal()) {
		var o record.Order
		if json.Unmarshal(line, &o) == nil {
			last[[2]int64{o.Client, o.ID}] = o.State
		}
	}
	return slices.ContainsFunc(c.g.State().Orders, func(o sim.OrderState) bool {
		return o.Status != "Cancelled" && last[[2]int64{int64(o.ClientID), int64(o.OrderID)}] == record.Unknown
	})
}

func (c *chaos) orders() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sent)
}

// journal returns the file of the record of orders.
func (c *chaos) journal() []byte {
	name := fmt.Sprintf("program-orders-%d.jsonl", time.Now().UTC().Year())
	data, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		c.t.Fatal(err)
	}
	return data
}

// recorded returns all orders of the record, oldest first.
func (c *chaos) recorded() []record.Order {
	last := map[uint64]record.Order{}
	for line := range bytes.Lines(c.journal()) {
		var o record.Order
		if err := json.Unmarshal(line, &o); err != nil {
			c.t.Errorf("%q: %v", line, err)
		}
		last[o.Number] = o
	}
	return slices.SortedFunc(maps.Values(last), func(a, b record.Order) int { return cmp.Compare(a.Number, b.Number) })
}

// check compares what programs, the record and Gateway have.
func (c *chaos) check() {
	ours := map[[2]int64]record.Order{}
	states, times := map[record.State]int{}, map[[2]int64]int{}
	for _, o := range c.recorded() {
		if key := [2]int64{o.Client, o.ID}; ours[key].PermID == 0 { // what has the same id was sent when it was done
			ours[key] = o
		}
		states[o.State]++
		if o.State != record.Refused {
			times[[2]int64{o.Client, o.ID}] += 1 + o.Changes
		}
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
	for key, n := range c.placed {
		if n > times[key] {
			c.t.Errorf("Gateway has got order %v %d times; recorded %d times", key, n, times[key])
		}
	}
	unknown := 0
	for key, o := range gateway {
		r, ok := ours[key]
		want := record.Working
		switch o.Status {
		case "Filled":
			want = record.Filled
		case "Cancelled":
			want = record.Cancelled
		}
		switch {
		case !ok:
			c.t.Errorf("order %v is not recorded", key)
		case r.State == want:
		case r.State == record.Unknown && want == record.Cancelled:
			unknown++ // Gateway names no order id for what is cancelled
		default:
			c.t.Errorf("order %v is %s at Gateway; recorded: %+v", key, o.Status, r)
		}
	}
	for key, r := range ours {
		_, there := gateway[key]
		if !there && (r.State == record.Working || r.State == record.Filled || r.State == record.Cancelled) {
			c.t.Errorf("order %v is not at Gateway; recorded: %+v", key, r)
		}
	}
	if c.silent != 0 {
		c.t.Errorf("%d orders got no answer", c.silent)
	}
	if len(gateway) == 0 || len(c.refused) == 0 || c.cut == 0 || len(c.closed) < 2 {
		c.t.Errorf("%d orders at Gateway, %d refused, %d connections cut, %d times with a closed guard",
			len(gateway), len(c.refused), c.cut, len(c.closed))
	}
	c.t.Logf(
		"%d orders of programs, %d at Gateway, %d refused, %d changes, %d connections cut; "+
			"recorded %v, %d cancelled and unknown",
		len(c.sent), len(gateway), len(c.refused), c.changes, c.cut, states, unknown,
	)
}
