package sim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"gatewatch/conn/sim"
)

// call makes one request of the control port, without keeping the connection.
func call(t testing.TB, g *sim.Gateway, method, path, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+g.ControlAddr()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func withControl(t testing.TB) *sim.Gateway {
	return startSim(t, sim.Config{Control: "127.0.0.1:0", Farms: []sim.Farm{}})
}

// TestControlVerbs calls every fault that GET / lists, and each must be accepted as it is listed there.
func TestControlVerbs(t *testing.T) {
	g := withControl(t)
	status, help := call(t, g, "GET", "/", "")
	if status != 200 {
		t.Fatalf("GET /: %d", status)
	}
	query := map[string]string{
		"notice": "?code=2104&text=x", "error": "?id=3&code=354&text=x", "price": "?symbol=AAPL&price=5",
		"1300": "?port=0&grace=1h",
		"slow": "?delay=1ms&rate=100000", "lag": "?by=1ms", "farm": "?code=2119&name=usfarm", "restart": "?for=1ms",
		"skew": "?by=-1h", "stall": "?at=none",
		"truncate": "?stall=true", "garbage": "?bytes=10", "326": "?n=2",
		"unanswered": "?what=executions&n=-1", "read-only": "?on=true", "by-hand": "?symbol=AAPL&limit=1.5&id=-3",
	}
	for _, name := range []string{
		"drop", "reset", "freeze", "thaw", "refuse", "accept", "accept-silent", "accept-close", "slow", "lag",
		"ticks-only", "garbage", "garbage-frame",
		"truncate", "oversize", "stall", "326", "10141", "unanswered", "read-only", "discard-cancels", "by-hand",
		"reset-ids", "1300", "farm", "notice", "error", "restart", "skew", "price", "clear",
		"1100", "1101", "1102", "2103", "2105", "2107", "2108", "2110", "2119", "2157", "2158", "10197", "354",
	} {
		if !strings.Contains(help, "  "+name+" ") && (name[0] < '0' || name[0] > '9') {
			t.Errorf("GET / does not list %s", name)
		}
		status, body := call(t, g, "POST", "/fault/"+name+query[name], "")
		var answer struct {
			OK    bool
			Fault string
			Error string
			Port  int
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 || !answer.OK ||
			answer.Fault != name {
			t.Errorf("%s: %d %s", name, status, body)
		}
		if name == "1300" && answer.Port == 0 {
			t.Error("1300 does not tell the port")
		}
	}
	if status, body := call(t, g, "POST", "/fault/clear", ""); status != 200 {
		t.Fatalf("clear: %s", body)
	}
	waitFor(t, func() bool { return g.State().Listening })
	ready(t, g, 225, 1).alive()
}

func TestControlRefuses(t *testing.T) {
	g := withControl(t)
	for _, c := range []struct {
		method, path, body string
		header             []string
		want               int
		say                string
	}{
		{"POST", "/fault/nonsense", "", nil, 404, "unknown fault"},
		{"GET", "/fault/drop", "", nil, 405, ""},
		{"POST", "/state", "", nil, 405, ""},
		{"GET", "/nowhere", "", nil, 404, ""},
		{"POST", "/fault/drop?hard=1", "", nil, 400, "no parameter"},
		{"POST", "/fault/restart?for=soon", "", nil, 400, "duration"},
		{"POST", "/fault/restart?for=-1s", "", nil, 400, "0 or more"},
		{"POST", "/fault/326?n=many", "", nil, 400, "number"},
		{"POST", "/fault/unanswered?what=weather", "", nil, 400, "completed-orders"},
		{"POST", "/fault/read-only?on=2", "", nil, 400, "true or false"},
		{"POST", "/fault/326?n=1&n=2", "", nil, 400, "2 times"},
		{"POST", "/fault/notice", "", nil, 400, "code is missing"},
		{"POST", "/fault/stall?at=sideways", "", nil, 400, "one-field"},
		{"POST", "/fault/price?symbol=NOSUCH&price=1", "", nil, 400, "unknown symbol"},
		{"POST", "/script", "at 5s fly", nil, 400, "line 1"},
		{"POST", "/script", strings.Repeat("# long\n", 200_000), nil, 413, ""},
		{"POST", "/fault/drop", "", []string{"Host", "evil.example"}, 403, "not allowed"},
		{"POST", "/fault/drop", "", []string{"Host", "127.0.0.1.evil.example:80"}, 403, "not allowed"},
		{"POST", "/fault/drop", "", []string{"Origin", "https://evil.example"}, 403, "not allowed"},
		{"POST", "/fault/drop", "", []string{"Origin", "null"}, 403, "not allowed"},
		{"POST", "/fault/thaw", "", []string{"Host", "localhost:1", "Origin", "http://localhost:8080"}, 200, ""},
		{"POST", "/fault/thaw", "", []string{"Host", "[::1]:99"}, 200, ""},
	} {
		status, body := call(t, g, c.method, c.path, c.body, c.header...)
		if status != c.want || !strings.Contains(body, c.say) {
			t.Errorf("%s %s %v: %d %s, want %d with %q", c.method, c.path, c.header, status, body, c.want, c.say)
		}
	}
}

func TestControlState(t *testing.T) {
	g := withControl(t)
	w := ready(t, g, 178, 9)
	w.subscribe(1, "AAPL")
	w.next(81)
	w.send(4711)
	w.errorCode(505)
	g.Notice(1100, "")
	_, body := call(t, g, "GET", "/state", "")
	var s sim.State
	if err := json.Unmarshal([]byte(body), &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Connections) != 1 || s.Addr != g.Addr() || !s.Listening || !s.UpstreamLost ||
		s.Rejected["unknown-id"] != 1 ||
		s.Counters.Ready != 1 || s.Counters.Requests != 3 || len(s.Faults) != 1 || s.Faults[0] != "upstream-lost" {
		t.Errorf("state %s", body)
	}
	if c := s.Connections[0]; c.ClientID != 9 || c.Version != 178 || !c.Ready || c.Subscriptions != 1 ||
		c.Requests != 3 {
		t.Errorf("connection %+v", c)
	}
}

func TestParseScript(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"# only a comment\n\n", ""},
		{"at 5s drop\nafter 3s 1100 # lost\nafter 2s 1102\nevery 30s 2104 farm=usfarm\nloop 60s", ""},
		{"at 0s notice code=354 text=\"no \\\"data\\\" # not a comment\"", ""},
		{"at 1m30s restart for=10s\nloop", ""},
		{"at 5s", "line 1: at needs"},
		{"\nat soon drop", "line 2: \"soon\""},
		{"at -1s drop", "line 1"},
		{"when 5s drop", "line 1: unknown word"},
		{"at 5s fly", "line 1: unknown fault"},
		{"at 5s drop hard=1", "line 1: drop has no parameter"},
		{"at 5s restart for=soon", "line 1: restart: for=soon"},
		{"at 5s restart 10s", "line 1: \"10s\" is not key=value"},
		{"at 5s 326 n=1 n=2", "line 1: n is given twice"},
		{"at 5s notice text=x", "line 1: notice: code is missing"},
		{"at 5s price symbol=AAPL price=cheap", "line 1: price: price=cheap"},
		{"at 5s notice code=1 text=\"open", "line 1: quote without end"},
		{"at 5s notice code=1 text=\"a\"b", "line 1: text right after"},
		{"every 1ms drop", "line 1: every needs"},
		{"loop", "loop without"},
		{"at 5s drop\nloop 1s", "shorter"},
		{"at 0s drop\nloop", "shorter"},
		{"at 5s drop\nloop 6s\nat 7s drop", "line 3: loop must be the last"},
		{"at 5s drop\nloop 6s 7s", "line 2"},
		{strings.Repeat("#", 2<<20), "longer"},
	} {
		_, err := sim.ParseScript(c.text)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%.60q: %v, want %q", c.text, err, c.want)
		}
	}
}

func TestScriptRuns(t *testing.T) {
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, Control: "127.0.0.1:0"})
	w := ready(t, g, 225, 1)
	start := time.Now()
	status, body := call(t, g, "POST", "/script", "at 20ms 1100\nafter 30ms 1102 text=back\nloop 80ms\n")
	if status != 202 {
		t.Fatalf("%d %s", status, body)
	}
	for range 2 {
		w.errorCode(1100)
		if e := w.errorCode(1102); e.GetErrorMsg() != "back" {
			t.Errorf("text %q", e.GetErrorMsg())
		}
	}
	if d := time.Since(start); d < 130*time.Millisecond {
		t.Errorf("two rounds in %v", d)
	}
	if n := g.State().Scripts; n != 1 {
		t.Errorf("%d scripts running", n)
	}
	call(t, g, "DELETE", "/script", "")
	waitFor(t, func() bool { return g.State().Scripts == 0 })
	_ = g.Clear()
	fromConfig := startSim(t, sim.Config{Script: "every 10ms 2104 farm=fromscript", Farms: []sim.Farm{}})
	w = ready(t, fromConfig, 225, 1)
	if e := w.anyError(); !strings.Contains(e.GetErrorMsg(), "fromscript") {
		t.Errorf("notice %q", e.GetErrorMsg())
	}
}
