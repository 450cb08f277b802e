package server

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"gatewatch/app/api"
	"gatewatch/app/api/jsonhttp"
	"gatewatch/app/api/loopback"
	"gatewatch/conn/history"
)

// quick answers a request without a network.
func quick(s *Server, method, path, query, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://"+s.hosts[0]+path, strings.NewReader(body))
	r.URL.RawQuery = query
	r.Header.Set("Authorization", "Bearer "+s.token)
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, r)
	return w
}

func unheard(b Backend) *Server {
	return &Server{
		backend: b, log: slog.New(slog.DiscardHandler), token: "t", hosts: []string{"127.0.0.1:1"},
		ln: loopback.Limit(nowhere{}, 8), costly: make(chan struct{}, 1),
	}
}

func TestUptimeQuery(t *testing.T) {
	for query, want := range map[string]struct {
		days int
		err  string
	}{
		"":                                 {7, ""},
		"days=1":                           {1, ""},
		"days=30":                          {30, ""},
		"days=3660":                        {3660, ""},
		"days=0":                           {0, `days="0" is not a whole number from 1 to 3660`},
		"days=3661":                        {0, `days="3661" is not a whole number from 1 to 3660`},
		"days=-7":                          {0, `days="-7" is not a whole number from 1 to 3660`},
		"days=7d":                          {0, `days="7d" is not a whole number from 1 to 3660`},
		"days=":                            {0, `days="" is not a whole number from 1 to 3660`},
		"days":                             {0, `days="" is not a whole number from 1 to 3660`},
		"days=1e2":                         {0, `days="1e2" is not a whole number from 1 to 3660`},
		"days=%0A":                         {0, `days="\n" is not a whole number from 1 to 3660`},
		"days=" + "9999999999999999999999": {0, `days="9999999999999999999999" is not a whole number from 1 to 3660`},
		"days=" + strings.Repeat("7", 999): {
			0, `days="` + strings.Repeat("7", 49) + `…" is not a whole number from 1 to 3660`,
		},
		"days=7&days=8": {0, "the parameter days is given more than once"},
		"Days=7":        {0, `unknown parameter "Days"; there are days`},
		"limit=7":       {0, `unknown parameter "limit"; there are days`},
		"=":             {0, `unknown parameter ""; there are days`},
		"days=%zz":      {0, "the query after the ? cannot be read"},
		"days=7;x":      {0, "the query after the ? cannot be read"},
	} {
		b := &memory{}
		res := quick(unheard(b), "GET", "/uptime", query, "")
		expect(t, query, res, want.err)
		if b.days != want.days {
			t.Errorf("%q: %d days, want %d", query, b.days, want.days)
		}
	}
}

func TestLogQuery(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC)
	const times = " is not a time in RFC 3339, such as 2026-11-23T09:30:00Z"
	for query, want := range map[string]struct {
		q   api.LogQuery
		err string
	}{
		"":                                  {api.LogQuery{Limit: 100}, ""},
		"limit=1":                           {api.LogQuery{Limit: 1}, ""},
		"limit=1000":                        {api.LogQuery{Limit: 1000}, ""},
		"after=0":                           {api.LogQuery{Limit: 100}, ""},
		"after=9223372036854775807":         {api.LogQuery{After: 1<<63 - 1, Limit: 100}, ""},
		"since=2026-11-23T09:30:00Z":        {api.LogQuery{Since: at, Limit: 100}, ""},
		"since=2026-11-23T20:30:00%2B11:00": {api.LogQuery{Since: at, Limit: 100}, ""},
		"since=2026-11-23T09:30:00.25Z&limit=5&after=3": {api.LogQuery{
			Since: at.Add(250 * time.Millisecond), After: 3,
			Limit: 5,
		}, ""},
		"limit=0":    {api.LogQuery{}, `limit="0" is not a whole number from 1 to 1000`},
		"limit=1001": {api.LogQuery{}, `limit="1001" is not a whole number from 1 to 1000`},
		"limit=":     {api.LogQuery{}, `limit="" is not a whole number from 1 to 1000`},
		"after=-1":   {api.LogQuery{}, `after="-1" is not the seq of a record, a whole number`},
		"after=":     {api.LogQuery{}, `after="" is not the seq of a record, a whole number`},
		"after=9223372036854775808": {
			api.LogQuery{}, `after="9223372036854775808" is not the seq of a record, a whole number`,
		},
		"since=":           {api.LogQuery{}, `since=""` + times},
		"since=today":      {api.LogQuery{}, `since="today"` + times},
		"since=2026-11-23": {api.LogQuery{}, `since="2026-11-23"` + times},
		// a + means a space
		"since=2026-11-23T20:30:00+11:00": {api.LogQuery{}, `since="2026-11-23T20:30:00 11:00"` + times},
		"since=2026-02-30T00:00:00Z":      {api.LogQuery{}, `since="2026-02-30T00:00:00Z"` + times},
		"after=1&after=2":                 {api.LogQuery{}, "the parameter after is given more than once"},
		"until=x":                         {api.LogQuery{}, `unknown parameter "until"; there are since, after, limit`},
	} {
		b := &memory{}
		res := quick(unheard(b), "GET", "/log", query, "")
		expect(t, query, res, want.err)
		if !b.query.Since.Equal(want.q.Since) || b.query.After != want.q.After || b.query.Limit != want.q.Limit {
			t.Errorf("%q: %+v, want %+v", query, b.query, want.q)
		}
	}
}

// expect holds an answer to 400 with this text, or to 200 without one.
func expect(t *testing.T, what string, res *httptest.ResponseRecorder, text string) {
	t.Helper()
	var f jsonhttp.Failure
	if err := json.Unmarshal(res.Body.Bytes(), &f); err != nil {
		t.Errorf("%q: %v", what, err)
	}
	if want := map[bool]int{true: 200, false: 400}[text == ""]; res.Code != want || f.Error != text {
		t.Errorf("%q: %d %s, want %d %s", what, res.Code, f.Error, want, text)
	}
}

func FuzzQuery(f *testing.F) {
	for _, q := range []string{
		"", "days=7", "days=%zz", "since=2026-11-23T09:30:00Z&after=1&limit=2",
		"limit=1&limit=2", "x=\xff", "since=9999-12-31T23:59:59%2B23:59", ";",
	} {
		f.Add(q)
	}
	b := &memory{}
	s := unheard(b)
	f.Fuzz(func(t *testing.T, query string) {
		for _, path := range []string{"/uptime", "/log"} {
			b.days, b.query = 0, api.LogQuery{}
			res := quick(s, "GET", path, query, "")
			asked := b.days != 0 || b.query.Limit != 0
			switch {
			case res.Code == 400:
				readable(t, res.Body.Bytes())
				if asked {
					t.Errorf("%q is refused, and yet asked for", query)
				}
			case res.Code != 200 || !asked:
				t.Errorf("%d, asked %v", res.Code, asked)
			case path == "/uptime" && (b.days < 1 || b.days > api.MaxDays), path == "/log" &&
				(b.query.Limit < 1 || b.query.Limit > api.MaxRecords):
				t.Errorf("%d days, %+v", b.days, b.query)
			}
		}
	})
}

// readable holds a failure to a text that a person can read.
func readable(t *testing.T, body []byte) {
	t.Helper()
	var f jsonhttp.Failure
	if err := json.Unmarshal(body, &f); err != nil || f.Error == "" || len(f.Error) > 1000 || !utf8.Valid(body) {
		t.Errorf("%v: %q", err, body)
	}
	if i := strings.IndexFunc(f.Error, func(r rune) bool { return r < ' ' }); i >= 0 {
		t.Errorf("%q has a control character", f.Error)
	}
}

// TestOtherMethods asks for each address in a way that it does not have.
func TestOtherMethods(t *testing.T) {
	s := unheard(&memory{})
	for _, r := range s.routes() {
		res := quick(s, "DELETE", r.path, "", "")
		if allow := res.Header().Get("Allow"); res.Code != 405 || !slices.Contains(strings.Split(allow, ", "),
			r.method) {
			t.Errorf("DELETE %s: %d, Allow %q, want %s", r.path, res.Code, allow, r.method)
		}
	}
}

func TestClientRemembers(t *testing.T) {
	b := &memory{records: []history.Record{{Seq: 8, What: history.Lost, Counts: history.Down, Time: now, Local: now}}}
	s := serve(t, b)
	c := api.NewClient(s.Card())
	ctx := t.Context()

	want, _ := b.Uptime(ctx, 30)
	b.days = 0
	up, err := c.Uptime(ctx, 30)
	if err != nil || b.days != 30 || !same(up, want) {
		t.Errorf("uptime of %d days %+v, %v", b.days, up, err)
	}
	q := api.LogQuery{Since: time.Date(2026, 11, 23, 9, 30, 0, 123456789, newYork), After: 7, Limit: 50}
	l, err := c.Log(ctx, q)
	if err != nil || !b.query.Since.Equal(q.Since) || b.query.After != 7 || b.query.Limit != 50 || !l.More ||
		!same(l.Records, b.records) {
		t.Errorf("asked %+v, log %+v, %v", b.query, l, err)
	}
	_, err = c.Log(ctx, api.LogQuery{})
	if err != nil || !reflect.DeepEqual(b.query, api.LogQuery{Limit: defaultRecords}) {
		t.Errorf("asked %+v, %v", b.query, err)
	}
	if a, err := c.Alerts(ctx); err != nil || !same(a, b.Alerts()) {
		t.Errorf("alerts %+v, %v", a, err)
	}
	for _, channel := range []string{"", "email", `a"b`} {
		got, err := c.TestAlerts(ctx, channel)
		if err != nil || len(got.Results) != 2 || b.tested[len(b.tested)-1] != channel {
			t.Errorf("test of %q: %+v, %v; tested %q", channel, got, err, b.tested)
		}
	}
	if _, err := c.TestAlerts(ctx, "pigeon"); err == nil || !strings.Contains(err.Error(), "no such channel") {
		t.Errorf("test of no channel: %v", err)
	}
	if _, err := c.Uptime(ctx, 0); err == nil || !strings.Contains(err.Error(), "from 1 to 3660") {
		t.Errorf("uptime of no days: %v", err)
	}
}

// same compares what two values are in JSON.
func same(a, b any) bool {
	var x, y any
	ja, erra := json.Marshal(a)
	jb, errb := json.Marshal(b)
	return erra == nil && errb == nil && json.Unmarshal(ja, &x) == nil && json.Unmarshal(jb, &y) == nil &&
		reflect.DeepEqual(x, y)
}

// TestLongAnswersFit sends the largest answers that can be asked for.
func TestLongAnswersFit(t *testing.T) {
	b := &long{}
	s := serve(t, b)
	c := api.NewClient(s.Card())
	if u, err := c.Uptime(t.Context(), api.MaxDays); err != nil || len(u.Days) != api.MaxDays {
		t.Errorf("%d days, %v", len(u.Days), err)
	}
	l, err := c.Log(t.Context(), api.LogQuery{Limit: api.MaxRecords})
	if err != nil || len(l.Records) != api.MaxRecords {
		t.Errorf("%d records, %v", len(l.Records), err)
	}
}

// long is a backend that has as much to tell as is asked for.
type long struct{ memory }

func (b *long) Uptime(_ context.Context, days int) (api.Uptime, error) {
	u := api.Uptime{
		At: now, Zone: "UTC", ObservedSince: &now, Periods: []api.Period{}, Days: []api.Period{}, Spans: []api.Span{},
	}
	for range days {
		u.Days = append(u.Days, api.PeriodOf("2026-11-24", account))
	}
	return u, nil
}

func (b *long) Log(_ context.Context, q api.LogQuery) (api.Log, error) {
	r := history.Record{
		Seq: 1 << 60, Time: now, Local: now, What: history.AttemptFailed, Counts: history.Down, Run: 1 << 30,
		Session: 1 << 30,
		Cause:   "disclaimer_unsettled", Code: 10141, Attempts: 1 << 30, Seconds: 1234567.891,
		Detail: strings.Repeat("\x01", 300),
	}
	return api.Log{Records: slices.Repeat([]history.Record{r}, q.Limit)}, nil
}

// unhurried answers about history as late as the server allows.
type unhurried struct{ long }

func (b *unhurried) Uptime(ctx context.Context, days int) (api.Uptime, error) {
	time.Sleep(api.CostlyLimit - time.Second)
	return b.long.Uptime(ctx, days)
}

func (b *unhurried) Log(ctx context.Context, q api.LogQuery) (api.Log, error) {
	time.Sleep(api.CostlyLimit - time.Second)
	return b.long.Log(ctx, q)
}

// TestLateHistory has a client wait for history as long as the server may take for it.
func TestLateHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := unheard(&unhurried{})
		srv, ln := s.limited(), &pipes{make(chan net.Conn), make(chan struct{})}
		ended := make(chan error)
		go func() { ended <- srv.Serve(ln) }()
		wire := &http.Transport{DialContext: ln.dial}
		c := api.ClientOver(wire, api.Card{URL: "http://" + s.hosts[0], Token: s.token})
		if _, err := c.Uptime(t.Context(), 1); err != nil {
			t.Error(err)
		}
		if _, err := c.Log(t.Context(), api.LogQuery{Limit: 1}); err != nil {
			t.Error(err)
		}
		wire.CloseIdleConnections()
		_ = srv.Close()
		<-ended
	})
}

// pipes is a listener without a network.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
