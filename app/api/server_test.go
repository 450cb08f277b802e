package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gatewatch/app/api/jsonhttp"
	"gatewatch/app/api/loopback"
	"gatewatch/app/api/sse"
	"gatewatch/app/autostart"
	"gatewatch/app/settings"
	"gatewatch/conn"
	"gatewatch/conn/port"
	"gatewatch/engine"
	"gatewatch/engine/rules"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) {
	flag.Parse()
	time.Local = time.FixedZone("", 11*60*60) // the golden files tell times of this zone
	goleak.VerifyTestMain(m)
}

// fakeBackend notes what it is asked to do.
type fakeBackend struct {
	Backend
	status                    Status
	err                       error
	saved                     error
	trade                     error    // what all that is about rules and orders ends with
	asked                     []string // of that, in its order
	connects, disconnects     atomic.Int32
	shows, saves, subscribers atomic.Int32
	quits                     atomic.Int32
	on                        bool   // it is started at login
	tag                       string // that settings were to have
	hangs                     atomic.Bool
}

// Answers hangs while the supervisor does.
func (b *fakeBackend) Answers(ctx context.Context) error {
	if b.hangs.Load() {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (b *fakeBackend) Status() Status { return b.status }

func (b *fakeBackend) Connect(context.Context) error    { b.connects.Add(1); return b.err }
func (b *fakeBackend) Disconnect(context.Context) error { b.disconnects.Add(1); return b.err }
func (b *fakeBackend) Show(context.Context) error       { b.shows.Add(1); return b.err }

func (b *fakeBackend) Quit() { b.quits.Add(1) }

func (b *fakeBackend) Autostart(context.Context) (Autostart, error) {
	return Autostart{On: b.on, State: autostart.On, Program: "/usr/bin/gatewatch"}, b.err
}

func (b *fakeBackend) SetAutostart(_ context.Context, on bool) error {
	b.on = on
	return b.note("autostart %v", on)
}

func (b *fakeBackend) Mute(until time.Time) {
	b.asked = append(b.asked, "mute "+until.UTC().Format(time.RFC3339))
}

func (b *fakeBackend) Settings() SettingsView {
	return SettingsView{Settings: settings.Default(), Defaults: settings.Default()}
}

func (b *fakeBackend) Diagnostics(_ context.Context, goroutines bool) (string, error) {
	return fmt.Sprintf("goroutines %v", goroutines), b.err
}

func (b *fakeBackend) SettingsText() (FileText, string, error) {
	return FileText{Path: "/x/settings.json", Text: "{}\n"}, "s1", b.saved
}

func (b *fakeBackend) SaveSettings(_ context.Context, _ []byte, tag string) error {
	b.saves.Add(1)
	b.tag = tag
	return b.saved
}

func (b *fakeBackend) RulesText() (FileText, string, error) {
	return FileText{Path: "/x/rules.json", Found: true, Text: "{}", Problems: settings.Problems{
		{Line: 1, Column: 2, Text: "x"},
	}}, "r1", b.trade
}

func (b *fakeBackend) SaveRules(_ context.Context, body []byte, tag string) error {
	return b.note("save all %q: %s", tag, body)
}

func (b *fakeBackend) Subscribe() (<-chan struct{}, func()) {
	b.subscribers.Add(1)
	c := make(chan struct{}, 1)
	c <- struct{}{}
	return c, func() { b.subscribers.Add(-1) }
}

// commands returns how many commands have reached the backend.
func (b *fakeBackend) commands() int32 {
	return b.connects.Load() + b.disconnects.Load() + b.shows.Load() + b.saves.Load() + b.quits.Load() + int32(
		len(b.asked))
}

// note notes what the backend is asked to do with rules and orders.
func (b *fakeBackend) note(format string, args ...any) error {
	b.asked = append(b.asked, fmt.Sprintf(format, args...))
	return b.trade
}

func (b *fakeBackend) Arm(_ context.Context, live bool) error {
	if live {
		return b.note("arm live")
	}
	return b.note("arm")
}

func (b *fakeBackend) AllowPrograms(_ context.Context, live bool) error {
	return b.note("allow programs, live %v", live)
}

func (b *fakeBackend) StopTrading(context.Context) error { return b.note("stop trading") }

func (b *fakeBackend) SetReadOnly(_ context.Context, clientID int, on bool) error {
	return b.note("client id %d read-only %v", clientID, on)
}

func (b *fakeBackend) Programs() Programs {
	return Programs{
		State: ProgramState{Port: 4100, Listening: true, Connected: 1, Unknown: 1, Text: "1 program connected"},
		Mode:  string(port.Guard),
		Sent:  3, Refused: map[string]uint64{string(port.NoProof): 1}, Observed: map[string]uint64{},
		Programs: []Program{{
			Number: 1, ClientID: 7, Name: "bot.py", PID: 123, Text: "bot.py (client id 7)", Since: now,
			LastMessage: now, Sent: 3, Refused: 1,
		}},
	}
}

func (b *fakeBackend) ProgramOrders() ProgramOrders {
	return ProgramOrders{[]ProgramOrder{{
		Number: 1, At: now, ClientID: 7, OrderID: 12, State: string(port.Refused),
		Reason: "no", ReasonID: string(port.NoProof),
	}}}
}

func (b *fakeBackend) Latency() Latency {
	return Latency{[]LatencyMinute{{At: now, MedianMillis: 1.5, MaxMillis: 20}}}
}

func (b *fakeBackend) Messages() Messages {
	return Messages{[]Message{{Code: 2172, Text: "desupported on 20261215", First: now, Last: now, Count: 2}}}
}

func (b *fakeBackend) Disarm(context.Context) error       { return b.note("disarm") }
func (b *fakeBackend) CancelOrders(context.Context) error { return b.note("cancel all") }

func (b *fakeBackend) SaveRule(_ context.Context, name string, rule []byte) error {
	return b.note("save %q: %s", name, rule)
}

func (b *fakeBackend) ActivateRule(_ context.Context, name string) error {
	return b.note("activate %q", name)
}

func (b *fakeBackend) PreviewRule(_ context.Context, rule []byte) (RulePreview, error) {
	price := 230.5
	return RulePreview{
		Text: "Buy AAPL", Currency: "USD", Price: &price, PriceAt: &now, Would: rules.WouldNot, OrderValue: &price,
	}, b.note("preview %s", rule)
}

func (b *fakeBackend) PreviewInstrument(_ context.Context, in rules.Instrument) (RulePreview, error) {
	return RulePreview{Would: rules.WouldUnknown}, b.note("price of %s", in.Symbol)
}

func (b *fakeBackend) DeactivateRule(_ context.Context, name string) error {
	return b.note("deactivate %q", name)
}

func (b *fakeBackend) DeleteRule(_ context.Context, name string) error {
	return b.note("delete %q", name)
}

func (b *fakeBackend) CancelOrder(_ context.Context, id int64) error { return b.note("cancel %d", id) }

func (b *fakeBackend) ChangeOrder(_ context.Context, c OrderChange) error {
	body, err := json.Marshal(c)
	return errors.Join(b.note("change %s", body), err)
}

// spelled is an instrument that prints as it is.
type spelled rules.Instrument

func (b *fakeBackend) Resolve(_ context.Context, in rules.Instrument) ([]Candidate, error) {
	if err := b.note("resolve %+v", spelled(in)); err != nil || in.Symbol == "NONE" {
		return nil, err
	}
	return []Candidate{{
		Instrument: rules.Instrument{ConID: 265598, Exchange: "SMART"}, Name: "APPLE INC",
		Text: "AAPL, NASDAQ, USD",
	}}, nil
}

// Rules and Orders have every field set in one entry, and as few as can be in another.
func (b *fakeBackend) Rules() Rules {
	price := 230.5
	return Rules{
		Path: "/x/rules.json", Problems: settings.Problems{{Key: "rules[2]", Line: 3, Column: 7, Text: "is odd"}},
		Reason: "not connected", Rules: []RuleView{
			{
				Rule: sampleRule(), Text: "Buy AAPL", State: rules.Done, Since: now, Price: &price, PriceAt: &now,
				Delayed: true, Fired: 2, LastFired: &now, Contract: "AAPL", Candidates: []Candidate{{}},
			},
			{Rule: rules.Rule{
				Name: "bare", Conditions: []rules.Condition{{Price: "last", Is: "at_or_above"}},
				Action: rules.Action{Do: "notify"},
			}, State: rules.Draft, Since: now},
		},
	}
}

func (b *fakeBackend) Positions(context.Context) Positions {
	quantity, price := -100.0, 230.5
	return Positions{At: &now, Reason: "not connected", Positions: []Position{
		{
			Account: "DU1", ConID: 1, Symbol: "AAPL", Contract: "AAPL STK", Currency: "USD", Quantity: &quantity,
			AverageCost: &price, MarketValue: &price, Unrealised: &price, ValuedAt: &now,
		},
		{Symbol: "X"},
	}}
}

func (b *fakeBackend) Orders() Orders {
	return Orders{Orders: []OrderView{
		{
			ID: 7, At: now, Rule: "dip", Symbol: "AAPL", Side: "BUY", Type: "LMT", Quantity: 100, LimitPrice: 230.5,
			TIF: "DAY", Fate: engine.Working, Changed: now, Open: true,
		},
		{ID: 8, At: now, Fate: engine.Rejected, Changed: now, Code: 201, Detail: "no", Parent: 7},
	}, Blocked: []Blocked{{At: now, Rule: "dip", Text: "BUY 100 AAPL", Reason: "not armed", ReasonID: "disarmed"}}}
}

// sampleRule has a value in every group of a rule.
func sampleRule() rules.Rule {
	price := 230.5
	return rules.Rule{
		Name: "dip", Instrument: rules.Instrument{Symbol: "AAPL", Currency: "USD"}, Match: "any",
		Conditions: []rules.Condition{{
			Instrument: &rules.Instrument{ConID: 1}, Price: "last", Is: "at_or_below",
			Value: 231, ForSeconds: 5,
		}},
		Only: &rules.Only{From: "09:30", Until: "16:00", Days: []string{"mon"}},
		Action: rules.Action{Do: "order", Order: &rules.Order{
			Side: "BUY", Quantity: 100, Type: "LMT", LimitPrice: &price, TIF: "DAY", TakeProfit: &rules.Exit{
				Price: &price,
			},
		}},
	}
}

func serve(t *testing.T, b Backend) *Server {
	t.Helper()
	s, err := Listen(0, b, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(s) })
	return s
}

func shut(s *Server) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	s.Close(ctx)
}

// ask sends one request; headers are "Name: value", and Host and token are right unless they say otherwise.
func ask(t *testing.T, s *Server, method, path, body string, headers ...string) (res *http.Response, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Token())
	for _, h := range headers {
		switch name, value, _ := strings.Cut(h, ": "); {
		case name == "Host":
			req.Host = value
		case value == "-":
			req.Header.Del(name)
		case name == "Authorization":
			req.Header.Set(name, value)
		default:
			req.Header.Add(name, value)
		}
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err = client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(answer)
}

// stream opens a stream of events, with the token unless the header says otherwise, and returns its lines and its end.
func stream(t *testing.T, s *Server, path, header string) (lines *bufio.Scanner, leave func()) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if header == "" {
		req.Header.Set("Authorization", "Bearer "+s.Token())
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("%s: %s, content type %q", path, res.Status, got)
	}
	lines = bufio.NewScanner(res.Body)
	lines.Buffer(nil, sse.MaxEvent)
	return lines, func() { res.Body.Close() }
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		method, path string
		code         int
		allow        string
	}{
		{"GET", "/status", 200, ""},
		{"HEAD", "/status", 200, ""},
		{"GET", "/status?x=y", 200, ""},
		{"POST", "/status", 405, "GET"},
		{"DELETE", "/status", 405, "GET"},
		{"GET", "/healthz", 200, ""},
		{"HEAD", "/healthz", 200, ""},
		{"PUT", "/healthz", 405, "GET"},
		{"POST", "/connect_ib", 202, ""},
		{"GET", "/connect_ib", 405, "POST"},
		{"HEAD", "/connect_ib", 405, "POST"},
		{"OPTIONS", "/connect_ib", 405, "POST"},
		{"POST", "/disconnect_ib", 202, ""},
		{"GET", "/disconnect_ib", 405, "POST"},
		{"POST", "/show", 202, ""},
		{"GET", "/show", 405, "POST"},
		{"POST", "/quit", 202, ""},
		{"GET", "/quit", 405, "POST"},
		{"GET", "/autostart", 200, ""},
		{"PUT", "/autostart", 405, "GET, POST"},
		{"GET", "/settings", 200, ""},
		{"PUT", "/settings", 200, ""},
		{"POST", "/settings", 405, "GET, PUT"},
		{"GET", "/rules", 200, ""},
		{"POST", "/rules", 405, "GET, PUT"},
		{"PUT", "/rules", 200, ""},
		{"GET", "/rules/text", 200, ""},
		{"GET", "/settings/text", 200, ""},
		{"GET", "/rules/save", 405, "POST"},
		{"GET", "/orders", 200, ""},
		{"GET", "/positions", 200, ""},
		{"POST", "/positions", 405, "GET"},
		{"POST", "/orders/cancel_all/", 404, ""},
		{"GET", "/guard", 200, ""},
		{"HEAD", "/guard", 200, ""},
		{"POST", "/guard/events", 405, "GET"},
		{"GET", "/clients", 200, ""},
		{"GET", "/clients/orders", 200, ""},
		{"POST", "/clients/allow", 202, ""},
		{"POST", "/clients/read_only", 400, ""},
		{"POST", "/trading/stop", 202, ""},
		{"POST", "/trading/arm", 202, ""},
		{"GET", "/trading/arm", 405, "POST"},
		{"POST", "/trading/disarm", 202, ""},
		{"GET", "/nowhere", 404, ""},
		{"POST", "/connect_ib/", 404, ""},
		{"GET", "/STATUS", 404, ""},
		{"GET", "/%2e%2e/status", 404, ""},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			b := &fakeBackend{}
			res, body := ask(t, serve(t, b), c.method, c.path, "")
			if strings.HasPrefix(c.path, "/%2e") && res.StatusCode/100 == 3 {
				return // the mux cleans the path; the next request is an ordinary one
			}
			if res.StatusCode != c.code || res.Header.Get("Allow") != c.allow {
				t.Errorf("%s, Allow %q; want %d, %q", res.Status, res.Header.Get("Allow"), c.code, c.allow)
			}
			if got := res.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("content type %q", got)
			}
			if got := res.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("cache control %q", got)
			}
			if got := res.Header.Get("X-Content-Type-Options"); got != "nosniff" {
				t.Errorf("content type options %q", got)
			}
			if got := res.Header.Get("Access-Control-Allow-Origin"); got != "" {
				t.Errorf("opened to the site %q", got)
			}
			var f jsonhttp.Failure
			switch {
			case c.method == "HEAD":
				if body != "" {
					t.Errorf("body %q", body)
				}
			case !json.Valid([]byte(body)):
				t.Errorf("not JSON: %q", body)
			case c.code >= 400 && (json.Unmarshal([]byte(body), &f) != nil || f.Error == ""):
				t.Errorf("no error told: %q", body)
			}
			if changes := c.code < 300 && c.method != "GET" && c.method != "HEAD"; changes != (b.commands() == 1) {
				t.Errorf("%d commands", b.commands())
			}
		})
	}
}

func TestCommandsReachTheirOwn(t *testing.T) {
	b := &fakeBackend{}
	s := serve(t, b)
	ask(t, s, "POST", "/connect_ib", "")
	if b.connects.Load() != 1 || b.commands() != 1 {
		t.Errorf("after /connect_ib: %d of %d", b.connects.Load(), b.commands())
	}
	ask(t, s, "POST", "/disconnect_ib", "")
	if b.disconnects.Load() != 1 || b.commands() != 2 {
		t.Errorf("after /disconnect_ib: %d of %d", b.disconnects.Load(), b.commands())
	}
}

// TestQuitAnswersFirst has the program end only when the answer is on its way.
func TestQuitAnswersFirst(t *testing.T) {
	b := &quitter{}
	s, err := Listen(0, b, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	gone, now := context.WithCancel(context.Background())
	now()
	b.end = func() { // as fast as can be, and without waiting for anybody
		go s.End(gone)
	}
	a, err := NewClient(Card{URL: s.URL(), Token: s.Token()}).Quit(t.Context())
	if err != nil || !a.Accepted {
		t.Errorf("%+v, %v", a, err)
	}
	<-s.done
}

type quitter struct {
	fakeBackend
	end func()
}

func (q *quitter) Quit() { q.end() }

func TestMute(t *testing.T) {
	b := &fakeBackend{}
	s := serve(t, b)
	c := NewClient(Card{URL: s.URL(), Token: s.Token()})
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	for _, at := range []time.Time{until, {}} {
		if a, err := c.Mute(t.Context(), at); err != nil || !a.Accepted {
			t.Errorf("%+v, %v", a, err)
		}
	}
	if want := []string{"mute " + until.UTC().Format(time.RFC3339), "mute 0001-01-01T00:00:00Z"}; !slices.Equal(b.asked,
		want) {
		t.Errorf("asked %q, want %q", b.asked, want)
	}
	if _, err := c.Mute(t.Context(), until.AddDate(0, 0, 7)); err == nil {
		t.Error("muted for a week")
	}
}

func TestAutostart(t *testing.T) {
	b := &fakeBackend{}
	s := serve(t, b)
	c := NewClient(Card{URL: s.URL(), Token: s.Token()})
	for _, on := range []bool{true, false} {
		if a, err := c.SetAutostart(t.Context(), on); err != nil || a.On != on {
			t.Errorf("%v: %+v, %v", on, a, err)
		}
		if a, err := c.Autostart(t.Context()); err != nil || a.On != on || a.Program != "/usr/bin/gatewatch" {
			t.Errorf("%v: %+v, %v", on, a, err)
		}
	}
	if want := []string{"autostart true", "autostart false"}; !slices.Equal(b.asked, want) {
		t.Errorf("asked %q, want %q", b.asked, want)
	}
	b.trade = &Conflict{"a demo"}
	var conflict *Conflict
	if _, err := c.SetAutostart(t.Context(), true); !errors.As(err, &conflict) || conflict.Reason != "a demo" {
		t.Errorf("refused: %v", err)
	}
}

func TestCommandAnswers(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		body string
	}{
		{nil, 202, `{"accepted":true}`},
		{conn.ErrAlreadyConnected, 200, `{"accepted":true,"message":"already connected"}`},
		{fmt.Errorf("no: %w", conn.ErrAlreadyPaused), 200, `{"accepted":true,"message":"no: already disconnected"}`},
		{conn.ErrNotRunning, 503, `{"error":"the supervisor is not running"}`},
		{errors.New("<odd>"), 503, `{"error":"<odd>"}`},
	} {
		t.Run(fmt.Sprint(c.err), func(t *testing.T) {
			res, body := ask(t, serve(t, &fakeBackend{err: c.err}), "POST", "/connect_ib", "")
			if res.StatusCode != c.code || compact(t, body) != c.body {
				t.Errorf("%d %s, want %d %s", res.StatusCode, compact(t, body), c.code, c.body)
			}
		})
	}
}

func compact(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

func TestHost(t *testing.T) {
	b := &fakeBackend{}
	s := serve(t, b)
	for host, code := range map[string]int{
		"127.0.0.1:PORT": 202, "localhost:PORT": 202, "LocalHost:PORT": 202, "[::1]:PORT": 202,
		"127.0.0.1": 403, "localhost": 403, "127.0.0.1:1": 403, "127.0.0.1:0PORT": 403, "127.0.0.2:PORT": 403,
		"0.0.0.0:PORT": 403, "::1:PORT": 403, "2130706433:PORT": 403, "localhost.:PORT": 403, "example.com:PORT": 403,
		"localhost.example.com:PORT": 403, "127.0.0.1:PORT.example.com": 403, "user@127.0.0.1:PORT": 403,
	} {
		host = strings.ReplaceAll(host, "PORT", fmt.Sprint(s.Port()))
		for _, path := range []string{"/connect_ib", "/status"} {
			method := map[string]string{"/connect_ib": "POST", "/status": "GET"}[path]
			before := b.commands()
			want := code
			if code == 202 && method == "GET" {
				want = 200
			}
			if res, _ := ask(t, s, method, path, "", "Host: "+host); res.StatusCode != want &&
				(want != 403 || res.StatusCode != 400) {
				t.Errorf("%s with host %q: %s, want %d", path, host, res.Status, want)
			}
			if did := b.commands() - before; did != 0 && want != 202 {
				t.Errorf("host %q: command carried out", host)
			}
		}
	}
}

// raw sends bytes as they are and returns the first line of the answer, empty if there is none.
func raw(t *testing.T, s *Server, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", s.ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = io.WriteString(c, text) // the server may have closed before the end
	line, _ := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(line)
}

func TestHostMissing(t *testing.T) {
	b := &fakeBackend{}
	s := serve(t, b)
	good := fmt.Sprintf("Host: 127.0.0.1:%d\r\n", s.Port())
	auth := "Authorization: Bearer " + s.Token() + "\r\nContent-Length: 0\r\n"
	for text, want := range map[string]string{
		"POST /connect_ib HTTP/1.0\r\n" + auth + "\r\n": "HTTP/1.0 403 Forbidden",
		"POST /connect_ib HTTP/1.1\r\n" + auth +
			"\r\n": "HTTP/1.1 400 Bad Request: missing required Host header",
		"POST /connect_ib HTTP/1.1\r\nHost:\r\n" + auth + "\r\n":                         "HTTP/1.1 403 Forbidden",
		"POST /connect_ib HTTP/1.1\r\n" + good + "Host: example.com\r\n" + auth + "\r\n": "HTTP/1.1 400 Bad Request",
		// its host counts, not the header's
		"POST http://example.com/connect_ib HTTP/1.1\r\n" + good + auth + "\r\n":            "HTTP/1.1 403 Forbidden",
		"POST /connect_ib HTTP/1.1\r\nHost: example.com\r\n" + auth + "X: " + good + "\r\n": "HTTP/1.1 403 Forbidden",
	} {
		if got := raw(t, s, text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if b.commands() != 0 {
		t.Errorf("%d commands carried out", b.commands())
	}
	if got := raw(t, s, "POST /connect_ib HTTP/1.1\r\n"+good+auth+"\r\n"); got != "HTTP/1.1 202 Accepted" {
		t.Errorf("the same as it should be: %q", got)
	}
}

func TestOrigin(t *testing.T) {
	b := &fakeBackend{}
	s := serve(t, b)
	own := func(text string) string { return strings.ReplaceAll(text, "PORT", fmt.Sprint(s.Port())) }
	for _, c := range []struct {
		origins []string
		ok      bool
	}{
		{nil, true},
		{[]string{"http://127.0.0.1:PORT"}, true},
		{[]string{"http://localhost:PORT"}, true},
		{[]string{"HTTP://LOCALHOST:PORT"}, true},
		{[]string{"http://127.0.0.1:PORT", "http://localhost:PORT"}, true},
		{[]string{"null"}, false},
		{[]string{"https://127.0.0.1:PORT"}, false},
		{[]string{"http://127.0.0.1"}, false},
		{[]string{"http://127.0.0.1:PORT/"}, false},
		{[]string{"http://example.com:PORT"}, false},
		{[]string{"http://127.0.0.1:PORT.example.com"}, false},
		{[]string{"http://127.0.0.1:PORT http://example.com"}, false},
		{[]string{"http://127.0.0.1:PORT", "http://example.com"}, false},
		{[]string{"http://example.com", "http://127.0.0.1:PORT"}, false},
		{[]string{"file://"}, false},
		{[]string{"127.0.0.1:PORT"}, false},
		{[]string{"moz-extension://127.0.0.1:PORT"}, false},
	} {
		var headers []string
		for _, o := range c.origins {
			headers = append(headers, "Origin: "+own(o))
		}
		before := b.commands()
		post, _ := ask(t, s, "POST", "/connect_ib", "", headers...)
		get, _ := ask(t, s, "GET", "/status", "", headers...)
		if c.ok && (post.StatusCode != 202 || get.StatusCode != 200) || !c.ok &&
			(post.StatusCode != 403 || get.StatusCode != 403) {
			t.Errorf("origin %q: %s and %s, want ok=%v", c.origins, post.Status, get.Status, c.ok)
		}
		if !c.ok && b.commands() != before {
			t.Errorf("origin %q: command carried out", c.origins)
		}
	}
}

func TestToken(t *testing.T) {
	b := &fakeBackend{}
	s := serve(t, b)
	other := serve(t, b)
	if len(s.Token()) < 40 || s.Token() == other.Token() {
		t.Fatalf("tokens %q and %q", s.Token(), other.Token())
	}
	for _, c := range []struct {
		header    string
		post, get int
	}{
		{"-", 401, 200},
		{"Bearer TOKEN", 202, 200},
		{"bearer TOKEN", 202, 200},
		{"Bearer  TOKEN", 202, 200},
		{"Bearer", 401, 401},
		{"Bearer ", 401, 401},
		{"TOKEN", 401, 401},
		{"Basic TOKEN", 401, 401},
		{"BearerTOKEN", 401, 401},
		{"Bearer TOKENx", 401, 401},
		{"Bearer x", 401, 401},
		{"Bearer " + s.Token()[1:], 401, 401},
		{"Bearer " + strings.ToLower(s.Token()), 401, 401},
		{"Bearer " + other.Token(), 401, 401},
	} {
		header := "Authorization: " + strings.ReplaceAll(c.header, "TOKEN", s.Token())
		for _, path := range []string{"/connect_ib", "/disconnect_ib", "/show"} {
			before := b.commands()
			res, body := ask(t, s, "POST", path, "", header)
			if res.StatusCode != c.post {
				t.Errorf("%s with %q: %s, want %d", path, c.header, res.Status, c.post)
			}
			if c.post == 401 && (b.commands() != before || res.Header.Get("WWW-Authenticate") == "" ||
				strings.Contains(body, s.Token())) {
				t.Errorf("%s with %q: %d commands, %q, %s", path, c.header, b.commands()-before,
					res.Header.Get("WWW-Authenticate"), body)
			}
		}
		if res, _ := ask(t, s, "PUT", "/settings", "{}", header); (res.StatusCode == 401) != (c.post == 401) {
			t.Errorf("PUT /settings with %q: %s", c.header, res.Status)
		}
		if res, _ := ask(t, s, "GET", "/status", "", header); res.StatusCode != c.get {
			t.Errorf("GET /status with %q: %s, want %d", c.header, res.Status, c.get)
		}
	}
}

func TestTooMuch(t *testing.T) {
	b := &fakeBackend{}
	s := serve(t, b)
	for size, code := range map[int]int{0: 202, 1: 202, maxBody: 202, maxBody + 1: 413, 1 << 20: 413} {
		before := b.commands()
		if res, _ := ask(t, s, "POST", "/connect_ib", strings.Repeat("x", size)); res.StatusCode != code {
			t.Errorf("body of %d bytes: %s, want %d", size, res.Status, code)
		}
		if did := b.commands() - before; (did == 1) != (code == 202) {
			t.Errorf("body of %d bytes: %d commands", size, did)
		}
	}
	head := fmt.Sprintf("POST /connect_ib HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n", s.Port(),
		s.Token())
	before := b.commands()
	chunk := fmt.Sprintf("%x\r\n%s\r\n", maxBody, strings.Repeat("x", maxBody))
	if got := raw(t, s, head+"Transfer-Encoding: chunked\r\n\r\n"+chunk+chunk+
		"0\r\n\r\n"); got != "HTTP/1.1 413 Request Entity Too Large" {
		t.Errorf("chunked: %q", got)
	}
	if got := raw(t, s, head+"X: "+strings.Repeat("x", 2*maxHeader)+
		"\r\nContent-Length: 0\r\n\r\n"); got != "HTTP/1.1 431 Request Header Fields Too Large" {
		t.Errorf("header: %q", got)
	}
	if got := raw(t, s, head+"Content-Length: 10\r\nContent-Length: 0\r\n\r\n"); got != "HTTP/1.1 400 Bad Request" {
		t.Errorf("two lengths: %q", got)
	}
	if got := raw(t, s, "\x16\x03\x01garbage\r\n\r\n"); !strings.Contains(got, " 400 ") {
		t.Errorf("garbage: %q", got)
	}
	if b.commands() != before {
		t.Errorf("%d commands carried out", b.commands()-before)
	}
	if s.srv.ReadTimeout <= 0 || s.srv.WriteTimeout <= 0 || s.srv.IdleTimeout <= 0 {
		t.Error("a timeout is missing")
	}
}

// TestSlowHeader sends a header that never ends: the server hangs up.
func TestSlowHeader(t *testing.T) {
	if testing.Short() {
		t.Skip("takes two seconds")
	}
	s := serve(t, &fakeBackend{})
	c, err := net.Dial("tcp", s.ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /status HTTP/1.1\r\nHost: "); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(10 * s.srv.ReadHeaderTimeout))
	if _, err := io.ReadAll(c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection is kept")
	}
}

func TestListen(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	first := serve(t, &fakeBackend{})
	if want := fmt.Sprintf("http://127.0.0.1:%d", first.Port()); first.URL() != want {
		t.Errorf("%s, want %s", first.URL(), want)
	}
	second, err := Listen(first.Port(), &fakeBackend{}, log)
	if err != nil {
		t.Fatal(err)
	}
	defer shut(second)
	if ahead := second.Port() - first.Port(); ahead < 1 || ahead > loopback.PortsAhead {
		t.Errorf("port %d after %d is taken", second.Port(), first.Port())
	}
	if res, _ := ask(t, second, "GET", "/healthz", ""); res.StatusCode != 200 {
		t.Errorf("second server: %s", res.Status)
	}

	// Above the highest port there is no next one, but any.
	free, err := net.Listen("tcp4", "127.0.0.1:65535")
	if err != nil {
		t.Skip("port 65535 is not to be had")
	}
	free.Close()
	top, err := Listen(65535, &fakeBackend{}, log)
	if err != nil {
		t.Fatal(err)
	}
	defer shut(top)
	if top.Port() != 65535 {
		t.Errorf("port %d instead of the free 65535", top.Port())
	}
	third, err := Listen(65535, &fakeBackend{}, log)
	if err != nil {
		t.Fatal(err)
	}
	defer shut(third)
	if third.Port() == 65535 || third.Port() == 0 {
		t.Errorf("port %d", third.Port())
	}
}

func TestCloseDoesNotWaitForStrangers(t *testing.T) {
	s, err := Listen(0, &fakeBackend{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", s.ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST /connect_ib HTTP/1.1\r\n"); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	shut(s)
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	if _, err := net.Dial("tcp", s.ln.Addr().String()); err == nil {
		t.Error("the port is still open")
	}
}

func TestEvents(t *testing.T) {
	b := &fakeBackend{status: Status{Headline: "Connected"}}
	s, err := Listen(0, b, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	lines, leave := stream(t, s, "/events?window=1", "")
	defer leave()
	next := func() string {
		lines.Scan()
		return lines.Text()
	}
	if got := next(); got != "event: status" {
		t.Errorf("first %q", got)
	}
	var st Status
	if data, ok := strings.CutPrefix(next(), "data: "); !ok || json.Unmarshal([]byte(data), &st) != nil ||
		st.Headline != "Connected" {
		t.Errorf("status %+v", st)
	}
	next()
	if n := s.ShowWindow(); n != 1 {
		t.Errorf("%d windows", n)
	}
	if got := next(); got != "event: show" {
		t.Errorf("then %q", got)
	}
	begin := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	s.Close(ctx) // ends the stream
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("closing took %v", took)
	}
	for lines.Scan() {
	}
	if n := b.subscribers.Load(); n != 0 {
		t.Errorf("%d subscribers left", n)
	}
}
