package server

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/conn"
	"gatewatch/conn/ib"
)

// TestWhoMayAsk sends every request without the token. What is open to all is named here once more: a new route is not
// among them unless someone decides it twice.
func TestWhoMayAsk(t *testing.T) {
	public := []string{
		"GET /", "GET /status", "GET /events", "GET /guard", "GET /guard/events", "GET /metrics", "GET /healthz",
		"GET /openapi.json", "GET /proof",
	}
	b := &memory{}
	s := serve(t, b)
	for _, r := range s.routes() {
		name := r.method + " " + r.path
		if slices.Contains(public, name) != (r.access == open) {
			t.Errorf("%s is for %q", name, r.access)
		}
		if r.access == open {
			continue
		}
		if r.access == coded {
			if _, status := exchanged(t, s, "guess"); status != 403 {
				t.Errorf("%s without a code: %d", name, status)
			}
			continue
		}
		for _, method := range []string{r.method, map[string]string{"GET": "HEAD"}[r.method]} {
			if method == "" {
				continue
			}
			res, body := ask(t, s, method, r.path, goodBodies[r.path], "Authorization: -")
			if res.StatusCode != 401 || len(body) > 200 {
				t.Errorf("%s %s without the token: %s, %s", method, r.path, res.Status, body)
			}
		}
	}
	if b.commands() != 0 {
		t.Errorf("%d commands were carried out", b.commands())
	}
	if res, _ := ask(t, s, "GET", "/events?window=1", "", "Authorization: -"); res.StatusCode != 401 {
		t.Errorf("a stranger passes for the window: %s", res.Status)
	}
}

// personal stands in for a text that may hold anything.
const personal = "DU1234567 of /home/alice"

// fill puts personal into every text that v is made of, but for words of a fixed list, which have a type of their own.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if v.Type().PkgPath() == "" && v.CanSet() {
			v.SetString(personal)
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field)
		}
	case reflect.Slice:
		if v.CanSet() {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		}
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Pointer:
		if v.CanSet() {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem())
		}
	case reflect.Map:
		if v.CanSet() {
			v.Set(reflect.MakeMap(v.Type()))
			v.SetMapIndex(reflect.ValueOf(personal), reflect.Zero(v.Type().Elem()))
		}
	}
}

// TestOpenStatusIsImpersonal fills every text of a status. What is left of them without the token is named here.
func TestOpenStatusIsImpersonal(t *testing.T) {
	var st api.Status
	fill(reflect.ValueOf(&st).Elem())
	st.Trading.ReasonID = "instrument" // one of a fixed list
	raw, err := json.Marshal(st.Open())
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	var found []string
	var look func(at string, v any)
	look = func(at string, v any) {
		switch v := v.(type) {
		case string:
			if strings.Contains(v, personal) {
				found = append(found, at)
			}
		case []any:
			for _, one := range v {
				look(at, one)
			}
		case map[string]any:
			for key, one := range v {
				look(at+"."+key, one)
				look(at, key)
			}
		}
	}
	look("", got)
	slices.Sort(found)
	// Words of the program's own: what fails in it, a kind of account, a date, names of its parts, of the day, what
	// ports answer, whether trading is on and numbers of rules and orders, and its version.
	want := []string{
		".failing.hint", ".failing.hint", ".failing.step", ".failing.step", ".failing.text", ".failing.text",
		".faults.part", ".faults.part", ".gateway.mode", ".gateway.unsupported_from", ".programs.confirm",
		".programs.text", ".restart.hint", ".restart.text", ".today.name", ".trading.confirm", ".trading.counts",
		".trading.counts", ".trading.text", ".tried.text", ".tried.text", ".tried.usually", ".tried.usually",
		".version",
	}
	if !slices.Equal(found, want) {
		t.Errorf("texts %v are shown to all, want %v", found, want)
	}
}

// TestOpenStatusOfTrouble holds what anyone sees while Gateway and the network say personal things.
func TestOpenStatusOfTrouble(t *testing.T) {
	for _, c := range constants(t, reflect.TypeFor[ib.Cause]()) {
		s := conn.Snapshot{
			State: conn.Degraded, Cause: ib.Cause(c.value), Code: 1300, Detail: personal, Guard: ib.GuardProbe,
			Gateway: ib.Gateway{Host: "alices-laptop.example.com", Port: 4002, Mode: ib.Live},
			Layers: conn.Layers{Socket: true, API: true, Upstream: true, Farms: map[string]conn.FarmState{
				personal:    conn.FarmBroken,
				"usfarm.nj": conn.FarmOK,
			}},
		}
		st := api.StatusOf(&s, now, "v1", 17, begun)
		st.Trading = api.Trading{Reason: "no order leaves: " + personal, ReasonID: "instrument", RulesProblem: personal}
		server := serve(t, &fakeBackend{status: st})
		for _, path := range []string{"/status", "/guard"} {
			_, body := ask(t, server, "GET", path, "", "Authorization: -")
			if !json.Valid([]byte(body)) || strings.Contains(body, "alice") || strings.Contains(body, "DU123") {
				t.Errorf("%s, %s: %s", c.value, path, body)
			}
		}
		open := st.Open()
		if open.State != st.State || open.CauseID != st.CauseID || open.Code != st.Code ||
			(open.Cause == "") != (st.Cause == "") ||
			(open.Hint == "") != (st.Hint == "") || open.Headline == "" || open.Trading.Reason == "" {
			t.Errorf("%s says too little: %+v", c.value, open)
		}
		if open.Layers.Farms["usfarm.nj"] != conn.FarmOK || len(open.Layers.Farms) != 2 {
			t.Errorf("farms %v", open.Layers.Farms)
		}
		if _, all := ask(t, server, "GET", "/status", ""); !strings.Contains(all, "alices-laptop") {
			t.Errorf("%s: the owner sees less: %s", c.value, all)
		}
	}
}

// TestOpenEvents holds both streams to the same: each is as the answer to the request that it follows.
func TestOpenEvents(t *testing.T) {
	st := told(&conn.Snapshot{
		State: conn.Reconnecting, Cause: ib.CauseUnreachable, Detail: personal,
		Gateway: ib.Gateway{Host: "127.0.0.1"},
	})
	s := serve(t, &fakeBackend{status: st})
	for header, want := range map[string]bool{"": true, "Authorization: -": false} {
		got := firstEvent(t, s, "/events", header)
		if strings.Contains(got, personal) != want || !strings.Contains(got, `"cause_id":"unreachable"`) {
			t.Errorf("with %q: %s", header, got)
		}
		_ = firstEvent(t, s, "/guard/events", header)
	}
}

// firstEvent returns the data of the first event of a stream.
func firstEvent(t *testing.T, s *Server, path, header string) string {
	t.Helper()
	lines, end := stream(t, s, path, header)
	defer end()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end) && lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			return data
		}
	}
	t.Fatalf("%s with %q: no event", path, header)
	return ""
}
