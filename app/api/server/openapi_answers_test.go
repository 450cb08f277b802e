package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"gatewatch/app/api"
	"gatewatch/app/api/proof"
	"gatewatch/app/settings"
	"gatewatch/conn"
	"gatewatch/conn/history"
	"gatewatch/conn/ib"
	"gatewatch/engine/ledger"
	"gatewatch/engine/rules"
)

// TestOpenAPIAnswers sends good and bad requests to a server; the document describes each answer, and has no answer
// that none of them gets.
func TestOpenAPIAnswers(t *testing.T) {
	paused := snapshots["paused"]
	b := &memory{fakeBackend: fakeBackend{status: told(&paused)}}
	d := describe(t, serve(t, b))
	bearer := "Authorization: Bearer x"
	for _, r := range d.s.routes() {
		target := r.path
		if target == "/proof" {
			target += "?nonce=0123456789abcdef"
		}
		if r.method == "GET" && !strings.HasSuffix(r.path, "/events") {
			d.check(call{method: r.method, target: target, code: 200})
		}
		if r.access == open && !strings.HasSuffix(r.path, "/events") {
			d.check(call{method: r.method, target: target, code: 200, headers: []string{"Authorization: -"}})
		}
		// A request that keeps to the document but for the token, and comes from elsewhere.
		right := call{method: r.method, target: target, body: goodBodies[r.path]}
		switch {
		case r.method == "GET":
			right.body = ""
		case r.access == coded:
			right.body = `{"code": "C"}`
		}
		for _, header := range []string{"Origin: http://example.com", "Origin: null"} {
			c := right
			c.headers, c.code = []string{header}, 403
			d.check(c)
		}
		c := right
		c.headers, c.code, c.wrong = []string{bearer}, 401, r.access == owner
		d.check(c)
		if r.access == owner {
			c.headers = []string{"Authorization: -"}
			d.check(c)
		}
		if r.method != "GET" {
			d.hurt(r.method, r.path)
			limit := map[string]int{"/settings": maxSettings, "/rules/save": maxSettings, "/rules": maxRules}[r.path]
			d.check(call{
				method: r.method, target: r.path, body: `{"x": "` + strings.Repeat("x", max(limit, maxBody)) + `"}`,
				code:  413,
				wrong: d.body(r.method, r.path) != nil,
			})
		}
	}
	for _, c := range []call{
		{method: "GET", target: "/uptime?days=1", code: 200},
		{method: "GET", target: "/uptime?days=3660", code: 200},
		{method: "GET", target: "/uptime?days=0", code: 400, wrong: true},
		{method: "GET", target: "/uptime?days=3661", code: 400, wrong: true},
		{method: "GET", target: "/uptime?days=-1", code: 400, wrong: true},
		{method: "GET", target: "/uptime?days=7.5", code: 400, wrong: true},
		{method: "GET", target: "/uptime?days=week", code: 400, wrong: true},
		{method: "GET", target: "/uptime?days=", code: 400, wrong: true},
		{method: "GET", target: "/uptime?day=7", code: 400}, // OpenAPI cannot forbid other parameters
		{method: "GET", target: "/log?since=2026-11-23T09:30:00Z&after=7&limit=1000", code: 200},
		{method: "GET", target: "/log?since=2026-11-23T09:30:00.123%2B11:00", code: 200},
		{method: "GET", target: "/log?since=yesterday", code: 400, wrong: true},
		{method: "GET", target: "/log?since=2026-11-23", code: 400, wrong: true},
		{method: "GET", target: "/log?after=-1", code: 400, wrong: true},
		{method: "GET", target: "/log?after=x", code: 400, wrong: true},
		{method: "GET", target: "/log?limit=0", code: 400, wrong: true},
		{method: "GET", target: "/log?limit=1001", code: 400, wrong: true},
		{method: "GET", target: "/log?before=7", code: 400},
		{method: "GET", target: "/diagnostics", code: 200},
		{method: "GET", target: "/diagnostics?goroutines=1", code: 200},
		{method: "GET", target: "/diagnostics?goroutines=2", code: 400, wrong: true},
		{method: "GET", target: "/diagnostics?stacks=1", code: 400},
		{method: "POST", target: "/connect_ib", code: 202},
		{method: "POST", target: "/disconnect_ib", code: 202},
		{method: "POST", target: "/show", code: 202},
		{method: "POST", target: "/quit", code: 202},
		{method: "PUT", target: "/settings", body: "{}", code: 200},
		{method: "PUT", target: "/settings", body: string(defaults(t)), code: 200},
		{method: "PUT", target: "/settings", body: "{}", headers: []string{`If-Match: "s1"`}, code: 200},
		{
			method: "PUT", target: "/rules", body: `{"rules": [` + sampleText + `]}`, headers: []string{
				`If-Match: "r1"`,
			},
			code: 200,
		},
		{method: "POST", target: "/alerts/test", code: 200},
		{method: "POST", target: "/alerts/test", body: "{}", code: 200},
		{method: "POST", target: "/alerts/test", body: `{"channel": "email"}`, code: 200},
		{method: "POST", target: "/alerts/test", body: `{"channel": "pigeon"}`, code: 404},
		{method: "POST", target: "/alerts/test", body: `{"channel": 7}`, code: 400, wrong: true},
		{method: "POST", target: "/alerts/test", body: `{"chanel": "email"}`, code: 400, wrong: true},
		{method: "POST", target: "/alerts/test", body: `["email"]`, code: 400, wrong: true},
		// the validator reads the first value alone
		{method: "POST", target: "/alerts/test", body: `{"channel": "email"} {}`, code: 400},
		{method: "POST", target: "/alerts/test", body: `email`, code: 400, wrong: true},
		{method: "POST", target: "/secrets", body: `{"name": "mail", "value": "secret"}`, code: 200},
		{method: "POST", target: "/secrets", body: `{"name": "a/b", "value": "secret"}`, code: 400},
		{method: "POST", target: "/secrets", body: `{"name": "mail"}`, code: 400, wrong: true},
		{method: "POST", target: "/secrets", body: `{"name": "b", "value": "x://_stored_@y", "before": "env:B"}`, code: 200},
		{method: "POST", target: "/secrets/address", body: `{"reference": "keyring:mail"}`, code: 200},
		{method: "POST", target: "/secrets/address", body: `{"reference": "file:none"}`, code: 404},
		{method: "POST", target: "/secrets/address", body: `{"name": "mail"}`, code: 400, wrong: true},
		{method: "POST", target: "/secrets/delete", body: `{"reference": "keyring:mail"}`, code: 202},
		{method: "POST", target: "/secrets/delete", body: `{"reference": "file:none"}`, code: 404},
		{method: "POST", target: "/secrets/delete", body: `{"name": "mail"}`, code: 400, wrong: true},
		{method: "POST", target: "/session", body: `{"code": "` + codeOf(d.s) + `"}`, code: 200},
		{method: "POST", target: "/session", body: `{"code": "x"}`, code: 403},
		{method: "GET", target: "/proof", code: 400, wrong: true},
		{method: "GET", target: "/proof?nonce=short", code: 400, wrong: true},
		{method: "GET", target: "/proof?nonce=" + strings.Repeat("x", proof.MaxNonce+1), code: 400, wrong: true},
		{method: "POST", target: "/session", body: `{"code": ""}`, code: 400},
		{method: "POST", target: "/session", body: `{"token": "x"}`, code: 400, wrong: true},
		{method: "GET", target: "/nowhere", code: 404},
		{method: "POST", target: "/alerts/tests", code: 404},
		{method: "GET", target: "/alerts/test", code: 405},
		{method: "DELETE", target: "/settings", code: 405},
		{method: "POST", target: "/openapi.json", code: 405},
	} {
		d.check(c)
	}
	for _, s := range snapshots {
		b.status = told(&s)
		b.status.Muted = &now
		d.check(call{method: "GET", target: "/status", code: 200})
	}

	b.hangs.Store(true)
	d.check(call{method: "GET", target: "/status", code: 504})
	b.hangs.Store(false)

	// Each way in which the backend can refuse.
	b.err = errors.New("cannot")
	for _, r := range []string{"/connect_ib", "/disconnect_ib", "/show", "/alerts/test"} {
		d.check(call{method: "POST", target: r, code: 503})
	}
	d.check(call{method: "POST", target: "/secrets", body: `{"name": "mail", "value": "secret"}`, code: 503})
	d.check(call{method: "POST", target: "/secrets/address", body: `{"reference": "keyring:mail"}`, code: 503})
	d.check(call{method: "POST", target: "/secrets/delete", body: `{"reference": "keyring:mail"}`, code: 503})
	d.check(call{method: "GET", target: "/uptime", code: 500})
	d.check(call{method: "GET", target: "/autostart", code: 500})
	// changed, but no one knows to what
	d.check(call{method: "POST", target: "/autostart", body: `{"on": false}`, code: 500})
	d.check(call{method: "GET", target: "/log", code: 500})
	d.check(call{method: "GET", target: "/metrics", code: 500})
	d.check(call{method: "GET", target: "/diagnostics", code: 500})
	b.err = &api.Conflict{Reason: "in use"}
	d.check(call{method: "POST", target: "/secrets/delete", body: `{"reference": "keyring:mail"}`, code: 409})
	b.err = api.ErrNoChannels
	d.check(call{method: "POST", target: "/alerts/test", code: 409})
	b.err = conn.ErrAlreadyConnected
	d.check(call{method: "POST", target: "/connect_ib", code: 200})
	b.err = conn.ErrAlreadyPaused
	d.check(call{method: "POST", target: "/disconnect_ib", code: 200})
	bad := settings.Problems{{Line: 1, Column: 2, Key: "x", Text: "unknown key"}}
	b.saved = bad
	d.check(call{method: "PUT", target: "/settings", body: `{"x": 1}`, code: 422, wrong: true})
	b.saved = api.ErrChanged
	d.check(call{method: "PUT", target: "/settings", body: "{}", code: 412})
	b.saved = errors.New("disk full")
	d.check(call{method: "PUT", target: "/settings", body: "{}", code: 500})
	d.check(call{method: "GET", target: "/settings/text", code: 500})
	for code, err := range map[int]error{
		409: &api.Conflict{Reason: "not connected"}, 412: api.ErrChanged, 422: bad,
		500: errors.New("disk full"),
	} {
		b.trade = err
		d.check(call{method: "PUT", target: "/rules", body: `{"rules": []}`, code: code})
		if code == 409 || code == 500 {
			d.check(call{method: "GET", target: "/rules/text", code: code})
		}
	}
	b.trade = nil
	b.err = nil

	for path, answers := range map[string]map[int]error{
		"/rules/save": {
			200: nil, 404: api.ErrNoRule, 409: &api.Conflict{Reason: "not connected"}, 422: bad,
			500: errors.New("disk full"),
		},
		"/rules/activate": {
			200: nil, 404: api.ErrNoRule, 409: &api.Conflict{Reason: "not connected"}, 422: bad,
			500: errors.New("disk full"), 504: &api.Unanswered{Reason: "silent"},
		},
		"/rules/preview": {
			200: nil, 409: &api.Conflict{Reason: "not connected"}, 422: bad, 500: errors.New("disk full"),
			504: &api.Unanswered{Reason: "silent"},
		},
		"/rules/deactivate": {
			200: nil, 404: api.ErrNoRule, 409: &api.Conflict{Reason: "not connected"}, 422: bad,
			500: errors.New("disk full"),
		},
		"/rules/delete": {
			200: nil, 404: api.ErrNoRule, 409: &api.Conflict{Reason: "not connected"}, 422: bad,
			500: errors.New("disk full"),
		},
		"/instruments/resolve": {
			200: nil, 409: &api.Conflict{Reason: "not connected"}, 422: api.ErrNoContract, 503: errors.New("odd"),
			504: &api.Unanswered{Reason: "silent"},
		},
		"/orders/cancel": {
			202: nil, 404: api.ErrNoOrder, 409: &api.Conflict{Reason: "not connected"},
			503: errors.New("odd"),
		},
		"/orders/cancel_all": {202: nil, 409: &api.Conflict{Reason: "not connected"}, 503: errors.New("odd")},
		"/orders/change": {
			202: nil, 404: api.ErrNoOrder, 409: &api.Conflict{Reason: "not connected"},
			503: errors.New("odd"),
		},
		"/autostart": {200: nil, 409: &api.Conflict{Reason: "a demo"}, 503: errors.New("odd")},
		"/mute":      {202: nil},
		"/clients/allow": {
			202: nil, 409: &api.Conflict{Reason: "off"}, 428: &api.Unconfirmed{Reason: "a LIVE account"},
			503: errors.New("odd"),
		},
		"/clients/read_only": {202: nil, 409: &api.Conflict{Reason: "off"}, 503: errors.New("odd")},
		"/trading/stop":      {202: nil, 409: &api.Conflict{Reason: "off"}, 503: errors.New("odd")},
		"/trading/arm": {
			202: nil, 409: &api.Conflict{Reason: "not connected"}, 428: &api.Unconfirmed{Reason: "a LIVE account"},
			503: errors.New("odd"),
		},
		"/trading/disarm": {202: nil, 409: &api.Conflict{Reason: "not connected"}, 503: errors.New("odd")},
	} {
		for code, err := range answers {
			b.trade = err
			d.check(call{method: "POST", target: path, body: goodBodies[path], code: code})
		}
		if d.body("POST", path) == nil {
			continue
		}
		d.check(call{method: "POST", target: path, body: `{"x": 1}`, code: 400, wrong: true})
		d.check(call{method: "POST", target: path, body: `[]`, code: 400, wrong: true})
		if d.body("POST", path).Value.Required {
			d.check(call{method: "POST", target: path, code: 400, wrong: true})
		}
		d.check(call{method: "POST", target: path, body: goodBodies[path] + " {}", code: 400})
	}

	d.s.costly <- struct{}{}
	d.check(call{method: "GET", target: "/uptime", code: 503})
	d.check(call{method: "GET", target: "/log", code: 503})
	<-d.s.costly
	for i := range maxStreams {
		defer d.listen([]string{"/events", "/events?window=1", "/guard/events"}[i%3])()
	}
	d.check(call{method: "GET", target: "/events", code: 503})
	d.check(call{method: "GET", target: "/guard/events", code: 503})

	for path, item := range d.doc.Paths.Map() {
		for method, op := range item.Operations() {
			for code := range op.Responses.Map() {
				if answer := fmt.Sprintf("%s %s %s", method, path, code); !d.seen[answer] {
					t.Errorf("%s is described, but no request was answered so", answer)
				}
			}
		}
	}
	if !d.seen["404"] || !d.seen["405"] {
		t.Error("no wrong address, or no wrong method, was asked for")
	}
}

// goodBodies are bodies that are accepted, by the path.
var goodBodies = map[string]string{
	"/settings":            "{}",
	"/rules":               `{"rules": []}`,
	"/autostart":           `{"on": true}`,
	"/mute":                `{"until": null}`,
	"/rules/save":          `{"name": "dip", "rule": ` + sampleText + `}`,
	"/rules/preview":       `{"rule": ` + sampleText + `}`,
	"/rules/activate":      `{"name": "dip"}`,
	"/rules/deactivate":    `{"name": "dip"}`,
	"/rules/delete":        `{"name": "dip"}`,
	"/instruments/resolve": `{"symbol": "AAPL"}`,
	"/orders/cancel":       `{"id": 7}`,
	"/orders/cancel_all":   `{}`,
	"/orders/change":       `{"id": 7, "limit_price": 230.5}`,
	"/trading/arm":         `{"live": true}`,
	"/clients/allow":       `{"live": true}`,
	"/clients/read_only":   `{"client_id": 7, "read_only": true}`,
	"/secrets":             `{"name": "mail", "value": "secret"}`,
	"/secrets/address":     `{"reference": "keyring:mail"}`,
	"/secrets/delete":      `{"reference": "keyring:mail"}`,
}

// sampleText is a rule as a trader writes it.
const sampleText = `{
  "name": "dip",
  "instrument": {"symbol": "AAPL"},
  "conditions": [{"price": "last", "is": "at_or_below", "value": 230.50}],
  "action": {"do": "notify"}
}`

func defaults(t *testing.T) []byte {
	t.Helper()
	body, err := settings.Marshal(settings.Default())
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// constants are those of a type, by its source.
func constants(t *testing.T, typ reflect.Type) []constant {
	t.Helper()
	found := commentsOf(t, typ).constants
	if len(found) < 4 {
		t.Fatalf("only %v of %v", found, typ)
	}
	return found
}

// TestOpenAPIKnowsAll holds every word that a record, a status and a span can have to the document, and one that is
// none.
func TestOpenAPIKnowsAll(t *testing.T) {
	b := &memory{}
	d := describe(t, serve(t, b))
	entry := history.Record{
		Seq: 1, Time: now, Local: now, Run: 1, Session: 2, Code: 326, Attempts: 3, Seconds: 1.5,
		Detail: "x",
	}
	record := func(change func(*history.Record)) {
		r := entry
		change(&r)
		b.records = append(b.records, r)
	}
	for _, c := range constants(t, reflect.TypeFor[history.What]()) {
		record(func(r *history.Record) { r.What = history.What(c.value) })
	}
	for _, c := range constants(t, reflect.TypeFor[ib.Cause]()) {
		record(func(r *history.Record) { r.What, r.Cause = history.Lost, ib.Cause(c.value) })
	}
	for _, k := range history.Kinds {
		record(func(r *history.Record) { r.What, r.Counts = history.Started, k })
	}
	d.check(call{method: "GET", target: "/log", code: 200})
	b.status = api.StatusOf(&conn.Snapshot{State: conn.Paused}, now, "v1", 17, begun)
	for _, c := range constants(t, reflect.TypeFor[ib.GuardReason]()) {
		b.status.Guard.ReasonID = ib.GuardReason(c.value)
		d.check(call{method: "GET", target: "/status", code: 200})
		d.check(call{method: "GET", target: "/guard", code: 200})
	}
	for _, c := range constants(t, reflect.TypeFor[rules.State]()) {
		b.rule = rules.State(c.value)
		d.check(call{method: "GET", target: "/rules", code: 200})
	}
	for _, c := range constants(t, reflect.TypeFor[ledger.OrderState]()) {
		b.state = ledger.OrderState(c.value)
		d.check(call{method: "GET", target: "/orders", code: 200})
	}
	d.check(call{method: "GET", target: "/positions", code: 200})
	for _, c := range constants(t, reflect.TypeFor[conn.FarmState]()) {
		b.status.Layers.Farms = map[string]conn.FarmState{"usfarm": conn.FarmState(c.value)}
		d.check(call{method: "GET", target: "/status", code: 200})
	}

	// The checks above can fail.
	for schema, body := range map[string]string{
		"Record":      `{"seq":1,"time":"2026-11-24T00:00:00Z","local":"2026-11-24T00:00:00Z","event":"abducted","counts":"down","run":1}`,
		"Answer":      `{"accepted":true,"extra":1}`,
		"Failure":     `{}`,
		"Span":        `{"from":"yesterday","until":"2026-11-24T00:00:00Z","kind":"down"}`,
		"Probe":       `{"round_trip_ms":null,"clock_skew_seconds":0}`,
		"GuardReason": `"tired"`,
		"Settings":    `{"gateway":{"port":70000}}`,
		"RuleState":   `"asleep"`,
		"OrderState":  `"lost"`,
		"Condition":   `{"price":"last","is":"near","value":1}`,
		"Order":       `{"side":"BUY","quantity":0,"type":"MKT"}`,
		"Only":        `{"days":["day"]}`,
		"Rule":        `{"name":"x","instrument":{},"conditions":[],"action":{"do":"notify"}}`,
	} {
		var v any
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			t.Fatal(err)
		}
		if err := d.doc.Components.Schemas[schema].Value.VisitJSON(v, openapi3.EnableJSONSchema2020()); err == nil {
			t.Errorf("%s is a %s", body, schema)
		}
	}
}
