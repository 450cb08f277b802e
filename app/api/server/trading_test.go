package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/api/jsonhttp"
	"gatewatch/app/settings"
	"gatewatch/conn"
	"gatewatch/engine/rules"
)

// TestTradingBodies holds each request with a body to what reaches the backend: all of it, or nothing.
func TestTradingBodies(t *testing.T) {
	const (
		save     = `the body is not {"name": "OLD NAME, or empty", "rule": {...}}`
		named    = `the body is not {"name": "NAME OF A RULE"}`
		arm      = `the body is not {"live": true} or {}`
		resolve  = `the body is not an instrument such as {"symbol": "AAPL", "currency": "USD"}`
		cancel   = `the body is not {"id": NUMBER}, the id of an order`
		readOnly = `the body is not {"client_id": NUMBER, "read_only": true or false}`
		all      = `the body is not {}; to cancel one order, use POST /orders/cancel`
		change   = `the body is not {"id": NUMBER} with at least one of "quantity" (above 0), "limit_price" and "stop_price"`
		anything = ""
	)
	for _, c := range []struct {
		path, body string
		code       int
		want       string // what the backend is asked, or the error
	}{
		{"/rules/save", `{"name": "dip", "rule": ` + sampleText + `}`, 200, `save "dip": ` + sampleText},
		// the backend judges the rule
		{"/rules/save", `{"rule": {"x": 1, "x": [ ]}}`, 200, `save "": {"x": 1, "x": [ ]}`},
		{
			"/rules/save", `{"name": "dip", "rule": {}, "name": "dip"}`, 400,
			`the body has the key "name" twice; remove one`,
		},
		{"/orders/cancel", `{"id": 7, "ID": 8}`, 400, `the body has the key "ID" twice; remove one`},
		{"/rules/save", `{"name": "", "rule": "x"}`, 200, `save "": "x"`},
		{"/rules/save", `{"name": "dip"}`, 400, save},
		{"/rules/save", `{"name": 7, "rule": {}}`, 400, save},
		{"/rules/save", `{"rule": {}, "activate": true}`, 400, save},
		{"/rules/save", `{"rule": {]}`, 400, save},
		{"/rules/save", `{"rule": {}} x`, 400, save},
		{"/rules/save", `{"rule": {}}{}`, 400, save},
		{"/rules/save", ``, 400, save},
		{"/rules/save", `null`, 400, save},
		{"/rules/activate", ` {"name": "my \"dip\""} `, 200, `activate "my \"dip\""`},
		{"/rules/activate", `{"name": ""}`, 400, named},
		{"/rules/activate", `{}`, 400, named},
		{"/rules/activate", `"dip"`, 400, named},
		{"/rules/activate", `{"name": "dip", "x": 1}`, 400, named},
		{"/rules/deactivate", `{"name": "dip"}`, 200, `deactivate "dip"`},
		{"/rules/deactivate", `{"name": "dip"}{}`, 400, named},
		{"/rules/delete", `{"name": "dip"}`, 200, `delete "dip"`},
		{"/rules/delete", ``, 400, named},
		{"/instruments/resolve", `{"symbol": "AAPL", "type": "STK"}`, 200, "resolve {ConID:0 Symbol:AAPL Type:STK " +
			"Exchange: Primary: Currency: Local:}"},
		{
			"/instruments/resolve", `{"con_id": 265598}`, 200,
			"resolve {ConID:265598 Symbol: Type: Exchange: Primary: Currency: Local:}",
		},
		{"/instruments/resolve", `{"local_symbol": "ESZ6", "type": "FUT"}`, 200, "resolve {ConID:0 Symbol: Type:FUT " +
			"Exchange: Primary: Currency: Local:ESZ6}"},
		{"/instruments/resolve", `{"currency": "USD"}`, 400, resolve},
		{"/instruments/resolve", `{"symbol": "AAPL", "typ": "STK"}`, 400, resolve},
		{"/instruments/resolve", `{"con_id": 1.5}`, 400, resolve},
		{"/instruments/resolve", ``, 400, resolve},
		{"/orders/cancel", `{"id": 9007199254740993}`, 202, "cancel 9007199254740993"},
		{"/orders/cancel", `{"id": 0}`, 400, cancel},
		{"/orders/cancel", `{"id": -7}`, 400, cancel},
		{"/orders/cancel", `{"id": "7"}`, 400, cancel},
		{"/orders/cancel", `{"id": 7, "all": true}`, 400, cancel},
		{"/orders/cancel", `{}`, 400, cancel},
		{"/orders/cancel_all", ` {} `, 202, "cancel all"},
		{"/orders/cancel_all", `{"id": 7}`, 400, all},
		{"/orders/cancel_all", ``, 400, all},
		{"/orders/cancel_all", `[]`, 400, all},
		{"/orders/cancel_all", `{}{}`, 400, all},
		{"/orders/change", `{"id": 7, "quantity": 50}`, 202, `change {"id":7,"quantity":50}`},
		{
			"/orders/change", `{"id": 7, "quantity": null, "limit_price": -1.5, "stop_price": 0}`, 202,
			`change {"id":7,"limit_price":-1.5,"stop_price":0}`,
		},
		{"/orders/change", `{"id": 7}`, 400, change},
		{"/orders/change", `{"id": 7, "limit_price": null}`, 400, change},
		{"/orders/change", `{"limit_price": 1}`, 400, change},
		{"/orders/change", `{"id": 7, "quantity": 0}`, 400, change},
		{"/orders/change", `{"id": 7, "limit_price": 1e999}`, 400, change},
		{"/orders/change", `{"id": 7, "price": 1}`, 400, change},
		{"/clients/allow", `{"live": true}`, 202, "allow programs, live true"},
		{"/clients/read_only", `{"client_id": 0, "read_only": true}`, 202, "client id 0 read-only true"},
		{"/clients/read_only", `{"read_only": true}`, 400, readOnly},
		{"/clients/read_only", `{"client_id": -3}`, 400, readOnly},
		{"/trading/stop", ``, 202, "stop trading"},
		{"/trading/arm", ` `, 202, "arm"},
		{"/trading/arm", `{}`, 202, "arm"},
		{"/trading/arm", `{"live": false}`, 202, "arm"},
		{"/trading/arm", ` {"live": true}`, 202, "arm live"},
		{"/trading/arm", `{"live": 1}`, 400, arm},
		{"/trading/arm", `{"Live!": true}`, 400, arm},
		{"/trading/arm", `{"live": true}{}`, 400, arm},
		{"/trading/disarm", anything, 202, "disarm"},
	} {
		b := &memory{}
		res := quick(unheard(b), "POST", c.path, "", c.body)
		got := strings.Join(b.asked, ", ")
		if c.code == 400 {
			var f jsonhttp.Failure
			if err := json.Unmarshal(res.Body.Bytes(), &f); err != nil || got != "" {
				t.Errorf("%s %s: %v, asked %s", c.path, c.body, err, got)
			}
			got = f.Error
		}
		if res.Code != c.code || got != c.want {
			t.Errorf("%s %s: %d %s, want %d %s", c.path, c.body, res.Code, got, c.code, c.want)
		}
	}
}

// TestTradingRefusals holds each way in which the backend can refuse to its answer.
func TestTradingRefusals(t *testing.T) {
	bad := settings.Problems{{Line: 3, Column: 7, Key: "action.do", Text: "is odd"}}
	for err, want := range map[error]int{ // 0: what the kind of request has for errors without a status of their own
		nil:                                              0,
		&api.Conflict{Reason: "not connected"}:           409,
		fmt.Errorf("no: %w", api.ErrNoRule):              404,
		fmt.Errorf("no: %w", api.ErrNoOrder):             404,
		fmt.Errorf("no: %w", api.ErrNoContract):          422,
		fmt.Errorf("x: %w", &api.Conflict{Reason: "no"}): 409,
		&api.Unconfirmed{Reason: "a LIVE account"}:       428,
		&api.Unanswered{Reason: "Gateway is silent"}:     504,
		errors.New("disk full"):                          0,
		context.DeadlineExceeded:                         0,
	} {
		for path, body := range goodBodies {
			own, ok := map[string][2]int{
				"rules": {200, 500}, "instruments": {200, 503}, "orders": {202, 503}, "trading": {202, 503},
				"clients": {202, 503},
			}[strings.Split(path, "/")[1]]
			if !ok || path == "/rules" {
				continue
			}
			b := &memory{}
			b.trade = err
			res := quick(unheard(b), "POST", path, "", body)
			code := want
			switch {
			case err == nil:
				code = own[0]
			case want == 0:
				code = own[1]
			}
			var f jsonhttp.Failure
			if res.Code != code || err != nil && (json.Unmarshal(res.Body.Bytes(), &f) != nil ||
				f.Error != err.Error()) {
				t.Errorf("%s with %v: %d %s, want %d", path, err, res.Code, res.Body, code)
			}
		}
	}
	some := &memory{}
	some.trade = &api.Remark{Text: "2 orders belong to client id 3"}
	if res := quick(unheard(some), "POST", "/orders/cancel_all", "", "{}"); res.Code != 202 ||
		!strings.Contains(res.Body.String(), `"message": "2 orders belong to client id 3"`) {
		t.Errorf("%d %s", res.Code, res.Body)
	}
	b := &memory{}
	b.trade = bad
	res := quick(unheard(b), "POST", "/rules/save", "", goodBodies["/rules/save"])
	var refusal api.Refusal
	if err := json.Unmarshal(res.Body.Bytes(), &refusal); err != nil || res.Code != 422 ||
		!reflect.DeepEqual(settings.Problems(refusal.Problems), bad) {
		t.Errorf("%d %+v, %v", res.Code, refusal, err)
	}
	if res := quick(unheard(b), "POST", "/instruments/resolve", "",
		goodBodies["/instruments/resolve"]); res.Code != 422 {
		t.Errorf("an instrument at fault: %d", res.Code)
	}
	if res := quick(unheard(&memory{}), "POST", "/instruments/resolve", "", `{"symbol": "NONE"}`); res.Code != 422 {
		t.Errorf("an instrument that is none: %d %s", res.Code, res.Body)
	}
}

func TestTradingWantsTheToken(t *testing.T) {
	b := &memory{}
	s := serve(t, b)
	for _, r := range s.routes() {
		if r.method == "GET" || r.access == coded {
			continue
		}
		for _, header := range []string{
			"Authorization: -", "Authorization: Bearer x",
			"Authorization: Bearer " + s.Token() + "x",
		} {
			if res, _ := ask(t, s, r.method, r.path, goodBodies[r.path], header); res.StatusCode != 401 {
				t.Errorf("%s with %s: %s", r.path, header, res.Status)
			}
		}
	}
	if n := b.commands(); n != 0 {
		t.Errorf("%d commands carried out: %q", n, b.asked)
	}
}

func TestTradingTooMuch(t *testing.T) {
	for _, r := range unheard(&memory{}).routes() {
		if r.method != "POST" || r.path == "/connect_ib" || r.path == "/disconnect_ib" || r.path == "/show" ||
			r.access == coded {
			continue
		}
		limit := maxBody
		if r.path == "/rules/save" {
			limit = maxSettings
		}
		body := goodBodies[r.path]
		b := &memory{}
		if res := quick(unheard(b), "POST", r.path, "", body+strings.Repeat(" ", limit-len(body))); res.Code/100 != 2 {
			t.Errorf("%s with %d bytes: %d %s", r.path, limit, res.Code, res.Body)
		}
		b = &memory{}
		if res := quick(unheard(b), "POST", r.path, "", body+strings.Repeat(" ", limit+1-len(body))); res.Code != 413 ||
			len(b.asked)+len(b.tested) > 0 {
			t.Errorf("%s with %d bytes: %d, asked %q", r.path, limit+1, res.Code, b.asked)
		}
	}
}

func FuzzTrading(f *testing.F) {
	for _, body := range goodBodies {
		f.Add(body)
	}
	for _, body := range []string{
		"", "null", "{}", `{"id":1e3}`, `{"rule":` + strings.Repeat("[", 20000),
		`{"name":"\ud800"}`, "\xff", `{"id":7,"id":8}`,
	} {
		f.Add(body)
	}
	b := &memory{}
	s := unheard(b)
	f.Fuzz(func(t *testing.T, body string) {
		for path := range goodBodies {
			if path == "/settings" || path == "/rules" || path == "/autostart" {
				continue
			}
			b.asked = nil
			res := quick(s, "POST", path, "", body)
			switch {
			case slices.Contains([]int{400, 413}, res.Code):
				readable(t, res.Body.Bytes())
				if len(b.asked) > 0 {
					t.Errorf("%s: %d for %q, and yet asked %q", path, res.Code, body, b.asked)
				}
			case !slices.Contains([]int{200, 202, 422}, res.Code), len(b.asked) != 1:
				t.Errorf("%s: %d for %q, asked %q", path, res.Code, body, b.asked)
			}
		}
	})
}

// TestListsAreNeverNull asks a backend that has nothing to tell.
func TestListsAreNeverNull(t *testing.T) {
	s := unheard(&empty{})
	for path, want := range map[string]string{
		"/rules": `{"may_edit":false,"path":"","problems":[],"reason":"","rules":[]}`,
		"/orders": `{"blocked":[],"cancelling":{"asked":0,"confirmed":0,"failed":0,"text":""},"orders":[],` +
			`"problem":""}`,
		"/positions": `{"at":null,"current":false,"positions":[],"reason":""}`,
	} {
		if got := compact(t, quick(s, "GET", path, "", "").Body.String()); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
	b := &bare{rules: (&memory{}).Rules()}
	if got := quick(unheard(b), "GET", "/rules", "", "").Body.String(); strings.Contains(got, `"candidates": null`) ||
		b.rules.Rules[1].Candidates != nil {
		t.Errorf("a rule without candidates: %s; the backend's own now has %v", got, b.rules.Rules[1].Candidates)
	}
}

type empty struct{ fakeBackend }

func (*empty) Rules() api.Rules   { return api.Rules{} }
func (*empty) Orders() api.Orders { return api.Orders{} }

func (*empty) Positions(context.Context) api.Positions { return api.Positions{} }

func TestClientTrades(t *testing.T) {
	b := &memory{}
	b.status = told(&conn.Snapshot{State: conn.Connected, Session: 3, Seq: 9})
	s := serve(t, b)
	c := api.NewClient(s.Card())
	ctx := t.Context()
	rule, err := json.Marshal(sampleRule())
	if err != nil {
		t.Fatal(err)
	}
	quantity := 50.0
	commands := map[string]func() (any, error){
		`save "dip": ` + string(rule): func() (any, error) { return c.SaveRule(ctx, "dip", sampleRule()) },
		`save "": ` + string(rule):    func() (any, error) { return c.SaveRule(ctx, "", sampleRule()) },
		`activate "a \"b\""`:          func() (any, error) { return c.ChangeRule(ctx, api.ActivateRule, `a "b"`) },
		`deactivate "dip"`:            func() (any, error) { return c.ChangeRule(ctx, api.DeactivateRule, "dip") },
		`delete "dip"`:                func() (any, error) { return c.ChangeRule(ctx, api.DeleteRule, "dip") },
		"cancel 7":                    func() (any, error) { return c.CancelOrder(ctx, 7) },
		"cancel all":                  func() (any, error) { return c.CancelOrders(ctx) },
		`change {"id":7,"quantity":50}`: func() (any, error) {
			return c.ChangeOrder(ctx, api.OrderChange{ID: 7, Quantity: &quantity})
		},
		"arm":      func() (any, error) { return c.Arm(ctx, false) },
		"arm live": func() (any, error) { return c.Arm(ctx, true) },
		"disarm":   func() (any, error) { return c.Disarm(ctx) },
		"resolve " + fmt.Sprintf("%+v", spelled{Symbol: "AAPL"}): func() (any, error) {
			return c.Resolve(ctx, rules.Instrument{Symbol: "AAPL"})
		},
	}
	for want, do := range commands {
		b.asked, b.trade = nil, nil
		got, err := do()
		if err != nil || !slices.Equal(b.asked, []string{want}) {
			t.Errorf("%s: %v, asked %q", want, err, b.asked)
		}
		switch got := got.(type) {
		case api.Rules:
			if !same(got, s.rules()) {
				t.Errorf("%s: %+v", want, got)
			}
		case api.Answer:
			if !got.Accepted {
				t.Errorf("%s: %+v", want, got)
			}
		case []api.Candidate:
			if len(got) != 1 || got[0].Instrument.ConID != 265598 {
				t.Errorf("%s: %+v", want, got)
			}
		}
		b.trade = &api.Conflict{Reason: "not connected to Gateway"}
		var conflict *api.Conflict
		if _, err := do(); !errors.As(err, &conflict) || conflict.Reason != "not connected to Gateway" {
			t.Errorf("%s in conflict: %v", want, err)
		}
		b.trade = &api.Unconfirmed{Reason: "a LIVE account"}
		if _, err := do(); !errors.As(err, new(*api.Unconfirmed)) {
			t.Errorf("%s unconfirmed: %v", want, err)
		}
		b.trade = errors.New("disk full")
		if _, err := do(); err == nil || !strings.Contains(err.Error(), "disk full") || errors.As(err, &conflict) {
			t.Errorf("%s with a full disk: %v", want, err)
		}
	}
	b.trade = api.ErrNoRule
	for _, name := range []string{
		`save "dip": ` + string(rule), `activate "a \"b\""`, `deactivate "dip"`,
		`delete "dip"`,
	} {
		if _, err := commands[name](); !errors.Is(err, api.ErrNoRule) {
			t.Errorf("%s without a rule: %v", name, err)
		}
	}
	b.trade = api.ErrNoOrder
	for _, name := range []string{"cancel 7", `change {"id":7,"quantity":50}`} {
		if _, err := commands[name](); !errors.Is(err, api.ErrNoOrder) {
			t.Errorf("%s without an order: %v", name, err)
		}
	}
	b.trade = settings.Problems{{File: "rules.json", Line: 1, Column: 9, Key: "action.do", Text: "is odd"}}
	var problems settings.Problems
	if _, err := c.SaveRule(ctx, "", sampleRule()); !errors.As(err, &problems) || len(problems) != 1 ||
		problems[0].Key != "action.do" || problems[0].Text != "is odd" {
		t.Errorf("a rule at fault: %v", err)
	}
	b.trade = nil
	if found, err := c.Resolve(ctx, rules.Instrument{Symbol: "NONE"}); !errors.Is(err, api.ErrNoContract) ||
		len(found) > 0 {
		t.Errorf("no contract: %v, %v", found, err)
	}
	if r, err := c.Rules(ctx); err != nil || !same(r, s.rules()) || !reflect.DeepEqual(r.Rules[0].Rule, sampleRule()) {
		t.Errorf("rules %+v, %v", r, err)
	}
	if o, err := c.Orders(ctx); err != nil || !same(o, s.orders()) || len(o.Orders) != 2 {
		t.Errorf("orders %+v, %v", o, err)
	}
	if g, err := c.Guard(ctx); err != nil || g != s.guard() || g.Session != 3 || !g.Armed {
		t.Errorf("guard %+v, %v", g, err)
	}
}

// TestSlowGateway asks for what Gateway takes long to answer.
func TestSlowGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &late{wait: askLimit - time.Second}
		c, end := piped(t, b)
		defer end()
		if srv := unheard(b).limited(); b.wait <= srv.WriteTimeout {
			t.Fatal("no other answer takes so long")
		}
		if found, err := c.Resolve(t.Context(), rules.Instrument{Symbol: "AAPL"}); err != nil || len(found) != 1 {
			t.Errorf("%v, %v", found, err)
		}
		b.wait = 2 * askLimit
		began := time.Now()
		if _, err := c.Resolve(t.Context(), rules.Instrument{Symbol: "AAPL"}); err == nil ||
			!strings.Contains(err.Error(), "503") || time.Since(began) != askLimit {
			t.Errorf("without an end: %v after %v", err, time.Since(began))
		}
	})
}

// late is a backend whose Gateway takes its time.
type late struct {
	fakeBackend
	wait time.Duration
}

func (b *late) Resolve(ctx context.Context, _ rules.Instrument) ([]api.Candidate, error) {
	select {
	case <-time.After(b.wait):
		return []api.Candidate{{Text: "AAPL"}}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
