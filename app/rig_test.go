package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/conn/sim"
	"gatewatch/engine/ledger"
	"gatewatch/engine/rules"
)

// rig is the program at work, in a process of its own, and the simulated gateway that it is connected to.
type rig struct {
	t       testing.TB
	gateway *sim.Gateway
	dir     string
	console *os.File
	program []string
	env     []string
	cmd     *exec.Cmd
	client  *api.Client
}

// newRig starts a simulated gateway on which AAPL stands at 230, writes the files and starts the program. Other
// settings are JSON that begins with a comma.
func newRig(t *testing.T, account, settings, rulesText string, env ...string) *rig {
	t.Helper()
	r := prepareRig(t, account, settings, rulesText, env...)
	r.start()
	return r
}

// prepareRig does the same, and leaves it to the test to start the program.
func prepareRig(t *testing.T, account, settings, rulesText string, env ...string) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), program: []string{"gatewatch", "run", "--headless"}, env: env}
	var err error
	if r.console, err = os.Create(filepath.Join(t.TempDir(), "console")); err != nil {
		t.Fatal(err)
	}
	r.open("127.0.0.1:0", account)
	r.write("settings.json", r.settings(settings))
	r.write("rules.json", rulesText)
	t.Cleanup(func() {
		if r.cmd != nil {
			_ = r.cmd.Process.Kill()
			_ = r.cmd.Wait()
		}
		if text, err := os.ReadFile(r.console.Name()); t.Failed() && err == nil {
			t.Logf("the program said:\n%s", text)
		}
		r.console.Close()
		r.gateway.Close()
	})
	return r
}

// open starts a gateway that knows of no orders.
func (r *rig) open(address, account string) {
	r.t.Helper()
	var err error
	r.gateway, err = sim.Start(context.Background(), sim.Config{
		Listen: address, Accounts: []string{account}, TickRate: 120, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.price("230")
}

func (r *rig) settings(more string) string {
	return fmt.Sprintf(`{"api": {"port": 0}, "reset_minutes": 0, "reconnect": {"delays_seconds": [0.2]}, "gateway": {"port": %d}%s}`,
		r.gateway.Port(), more)
}

// configure changes settings.json and waits until what it says is in force.
func (r *rig) configure(settings, want string) {
	r.t.Helper()
	r.write("settings.json", r.settings(settings))
	space := regexp.MustCompile(`\s+`)
	r.until(want+" is in force", func() bool {
		text := space.ReplaceAllString(r.get("/settings"), "")
		return strings.Contains(text, space.ReplaceAllString(want, ""))
	})
}

func (r *rig) write(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// start starts the program and waits until it answers.
func (r *rig) start() {
	r.t.Helper()
	r.cmd = exec.Command(r.program[0], append(r.program[1:], "--home", r.dir)...)
	r.cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=10"), r.env...)
	r.cmd.Stdout, r.cmd.Stderr = r.console, r.console
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.until("the program answers", func() bool {
		card, err := home.ReadCard(home.At(r.dir).Card())
		if err != nil {
			return false
		}
		r.client = api.NewClient(card)
		_, _, err = r.client.Status(r.t.Context())
		return err == nil
	})
}

// end ends the program by a signal.
func (r *rig) end(s os.Signal) {
	r.t.Helper()
	if err := sendSignal(r.cmd, s); err != nil {
		r.t.Fatal(err)
	}
	_ = r.cmd.Wait()
	r.cmd = nil
}

func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// await waits until the status is as wanted.
func (r *rig) await(what string, ok func(api.Status) bool) {
	r.t.Helper()
	var raw []byte
	if !eventually(func() bool {
		st, text, err := r.client.Status(r.t.Context())
		raw = text
		return err == nil && ok(st)
	}) {
		r.t.Fatalf("not within %v: %s; last status:\n%s", patience, what, raw)
	}
}

func (r *rig) awaitOpen() {
	r.t.Helper()
	r.await("the guard is open", func(st api.Status) bool { return st.Guard.Open })
}

// fault has the gateway play a fault.
func (r *rig) fault(name string, params ...string) {
	r.t.Helper()
	values := map[string]string{}
	for i := 0; i < len(params); i += 2 {
		values[params[i]] = params[i+1]
	}
	if _, err := r.gateway.Do(name, values); err != nil {
		r.t.Fatal(err)
	}
}

// price puts AAPL at a price.
func (r *rig) price(price string) {
	r.t.Helper()
	r.fault("price", "symbol", "AAPL", "price", price)
}

// show puts AAPL at a price and waits until the rule has looked at it: what an earlier price triggered is done then.
func (r *rig) show(rule, price string) {
	r.t.Helper()
	want, err := strconv.ParseFloat(price, 64)
	if err != nil {
		r.t.Fatal(err)
	}
	r.price(price)
	r.until(rule+" sees "+price, func() bool {
		v := r.rule(rule)
		return v.Price != nil && *v.Price == want
	})
}

// cross has AAPL cross 230.5 from below, and waits until all that comes of it in the program has come.
func (r *rig) cross(rule string) {
	r.t.Helper()
	r.show(rule, "230")
	r.show(rule, "231")
	r.show(rule, "231.01")
}

func (r *rig) rule(name string) api.RuleView {
	r.t.Helper()
	list, err := r.client.Rules(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, v := range list.Rules {
		if v.Rule.Name == name {
			return v
		}
	}
	r.t.Fatalf("no rule %q: %+v", name, list)
	return api.RuleView{}
}

func (r *rig) awaitRule(name string, state rules.State) {
	r.t.Helper()
	r.until(fmt.Sprintf("%s is %s", name, state), func() bool { return r.rule(name).State == state })
}

func (r *rig) activate(names ...string) {
	r.t.Helper()
	for _, name := range names {
		if _, err := r.client.ChangeRule(r.t.Context(), api.ActivateRule, name); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rig) arm() {
	r.t.Helper()
	if _, err := r.client.Arm(r.t.Context(), false); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) orders() api.Orders {
	r.t.Helper()
	list, err := r.client.Orders(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}

// awaitStates waits until orders have had these states, the newest first.
func (r *rig) awaitStates(states ...ledger.OrderState) {
	r.t.Helper()
	var list api.Orders
	if !eventually(func() bool {
		list = r.orders()
		if len(list.Orders) != len(states) {
			return false
		}
		for i, f := range states {
			if list.Orders[i].State != f {
				return false
			}
		}
		return true
	}) {
		r.t.Fatalf("orders never were %v but %+v", states, list)
	}
}

// blockedBy expects that the order blocked last was the n-th, and why.
func (r *rig) blockedBy(n uint64, reason string) {
	r.t.Helper()
	list := r.orders()
	st, raw, err := r.client.Status(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	if len(list.Blocked) == 0 || list.Blocked[0].ReasonID != reason || list.Blocked[0].Reason == "" ||
		st.Trading.OrdersBlocked != n {
		r.t.Errorf("blocked %+v, want %d with %s at last; the status says\n%s", list.Blocked, n, reason, raw)
	}
}

// get returns the body that a path of the API answers with.
func (r *rig) get(path string) string {
	r.t.Helper()
	card, err := home.ReadCard(home.At(r.dir).Card())
	if err != nil {
		r.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, card.URL+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+card.Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		r.t.Fatalf("%s: %s, %v", path, res.Status, err)
	}
	return string(body)
}

// metric returns a value of GET /metrics.
func (r *rig) metric(name string) (value float64) {
	r.t.Helper()
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(r.get("/metrics"))
	if found == nil {
		r.t.Fatalf("no metric %s", name)
	}
	value, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		r.t.Fatal(err)
	}
	return value
}

// command runs a command against the program.
func (r *rig) command(args ...string) (out string, code int) {
	r.t.Helper()
	text, err := exec.Command("gatewatch", append(args, "--home", r.dir)...).CombinedOutput()
	exit := new(exec.ExitError)
	if err != nil && !errors.As(err, &exit) {
		r.t.Fatal(err)
	}
	if err != nil {
		code = exit.ExitCode()
	}
	return string(text), code
}

// says runs a command and expects its exit code and what it says.
func (r *rig) says(code int, want string, args ...string) {
	r.t.Helper()
	if out, got := r.command(args...); got != code || !regexp.MustCompile(want).MatchString(out) {
		r.t.Errorf("%v: code %d, want %d and %s; it said\n%s", args, got, code, want, out)
	}
}

// ruleText is a rule for AAPL that crosses 230.5 upwards.
func ruleText(name, action string) string {
	return fmt.Sprintf(`{"name": %q, "instrument": {"symbol": "AAPL", "currency": "USD"}, "cooldown_seconds": 0.01,
		"conditions": [{"price": "last", "is": "crosses_up", "value": 230.5}], "action": %s}`, name, action)
}

func rulesOf(list ...string) string { return `{"rules": [` + strings.Join(list, ",\n") + `]}` }

const (
	tell      = `{"do": "notify"}`
	buyMarket = `{"do": "order", "order": {"side": "BUY", "quantity": 10, "type": "MKT"}}`
	buyLow    = `{"do": "order", "order": {"side": "BUY", "quantity": 7, "type": "LMT", "limit_price": 200}}`
	buyOff    = `{"do": "order", "order": {"side": "BUY", "quantity": 3, "type": "LMT", "limit_price": 200.005}}`
)

// lockedText is what a program has said so far.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (r *rig) status() api.Status {
	r.t.Helper()
	st, _, err := r.client.Status(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return st
}
