package conn

import (
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gatewatch/conn/calendar"
	"gatewatch/conn/ib"
)

// TestEveryCode holds the code table against the meanings that IBKR publishes.
func TestEveryCode(t *testing.T) {
	type is struct {
		state State
		guard ib.GuardReason
		emit  string
		do    string
	}
	fine := is{state: Connected}
	lost := is{state: UpstreamLost, guard: ib.GuardUpstream, emit: "upstream_lost"}
	broken := is{state: Degraded, emit: "farm"}
	dropped := is{state: Reconnecting, guard: ib.GuardSocket, emit: "lost", do: "close"}
	notice := is{state: Connected, emit: "notice"}
	want := map[int]is{
		1100: lost, 2110: lost, 1101: notice, 1102: notice, 2172: notice,
		2103: broken, 2105: broken, 2157: broken,
		2104: {state: Connected, emit: "market_farm_ok"}, 2106: fine, 2158: fine, 2107: fine, 2108: fine, 2119: fine,
		10197: {state: Degraded, emit: "competing_session"},
		502:   dropped, 504: dropped, 507: dropped,
		100: notice, 321: notice, 326: notice, 10141: notice,
		10182: notice, 10167: notice, 354: notice, 399: notice, 0: notice,
	}
	for code := range codeTable {
		if _, ok := want[code]; !ok {
			t.Errorf("code %d is in the table and not here", code)
		}
	}
	for code, w := range want {
		p := newPlay(nil)
		for i, r := range opening {
			p.act(t, i, r)
		}
		p.act(t, code, row{in: onCode(code), do: w.do, emit: w.emit, state: w.state, guard: w.guard})
	}
}

func TestUpstreamLostBeforeReady(t *testing.T) {
	p := newPlay(reconciling)
	for i, r := range []row{
		{in: onStart, do: "dial", emit: "started", state: Connecting, guard: ib.GuardSocket},
		{in: func(p *play) input {
			return inSocket{session: 1, port: 4002, up: true}
		}, state: Connecting, guard: ib.GuardAPI},
		{in: onCode(2110), state: Connecting, guard: ib.GuardAPI},
		{in: onReady, emit: "connected, upstream_lost", state: UpstreamLost, guard: ib.GuardUpstream},
		{in: onCode(1102), do: "reconcile", emit: "upstream_restored", state: Connected, guard: ib.GuardReconciling},
	} {
		p.act(t, i, r)
		if n := p.m.snapshot(p.cfg); n.State == UpstreamLost && (n.Cause != ib.CauseUpstream || n.Code != 2110 ||
			n.Detail != "text") {
			t.Errorf("%+v", n)
		}
	}
}

func TestOutageBeginsWithUpstream(t *testing.T) {
	p := newPlay(nil)
	for i, r := range []row{
		opening[0], opening[1],
		{in: onCode(1100), emit: "upstream_lost", state: UpstreamLost, guard: ib.GuardUpstream},
		{after: time.Minute, in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
		{after: time.Second, in: onReady, do: "dial", emit: "connected", state: Connected},
	} {
		p.act(t, i, r)
	}
	if e := p.last[0]; e.Duration != time.Minute+time.Second || e.Attempt != 1 {
		t.Errorf("%+v", e)
	}
	// The next outage begins by itself.
	p.act(t, 5, row{after: time.Minute, in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket})
	p.act(t, 6, row{after: time.Second, in: onReady, do: "dial", emit: "connected", state: Connected})
	if e := p.last[0]; e.Duration != time.Second {
		t.Errorf("%+v", e)
	}
}

func TestDelaysStayWithinTheirJitter(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		cfg := testConfig(4002)
		cfg.Jitter = rapid.Float64Range(0, 0.999).Draw(r, "jitter")
		n := rapid.IntRange(0, 10).Draw(r, "waits")
		full := cfg.Delays[min(n, 3)]
		got := cfg.delay(n, rapid.Float64Range(0, 0.999).Draw(r, "random"))
		if least := time.Duration((1 - cfg.Jitter) * float64(full)); got > full || got < least-1 || got <= 0 {
			r.Fatalf("delay %v, want %v to %v", got, least, full)
		}
	})
}

func TestPortIsWatchedOnlyAfterARefusalHere(t *testing.T) {
	refused := func() (*Config, *model) {
		cfg := testConfig(4002)
		return &cfg, &model{phase: idle, refused: true, waits: 1}
	}
	for name, c := range map[string]struct {
		change func(*Config, *model)
		want   bool
	}{
		"refused":         {func(*Config, *model) {}, true},
		"localhost":       {func(c *Config, _ *model) { c.Host = "localhost" }, true},
		"capitals":        {func(c *Config, _ *model) { c.Host = "LocalHost." }, true},
		"IPv6":            {func(c *Config, _ *model) { c.Host = "::1" }, true},
		"IPv6 with zone":  {func(c *Config, _ *model) { c.Host = "::1%lo" }, true},
		"IPv4 in IPv6":    {func(c *Config, _ *model) { c.Host = "::ffff:127.0.0.2" }, true},
		"another machine": {func(c *Config, _ *model) { c.Host = "192.0.2.1" }, false},
		"a name":          {func(c *Config, _ *model) { c.Host = "gateway.example" }, false},
		"switched off":    {func(c *Config, _ *model) { c.WatchLocalPort = false }, false},
		"not refused":     {func(_ *Config, m *model) { m.refused = false }, false},
		"paused":          {func(_ *Config, m *model) { m.paused = true }, false},
		"in a window":     {func(_ *Config, m *model) { m.window.Active = true }, false},
		"trying":          {func(_ *Config, m *model) { m.phase = trying }, false},
		"up":              {func(_ *Config, m *model) { m.phase = up }, false},
	} {
		cfg, m := refused()
		c.change(cfg, m)
		if got := m.watching(cfg); got != c.want {
			t.Errorf("%s: watching %v", name, got)
		}
	}
}

func TestSearchStaysWithItsKindOfAccount(t *testing.T) {
	for name, c := range map[string]struct {
		port, hint  int
		mode, found ib.Mode
		want        []int
	}{
		"all":                {0, 0, ib.AnyMode, ib.AnyMode, []int{4002, 7497, 4001, 7496}},
		"where it was":       {0, 7497, ib.AnyMode, ib.Paper, []int{7497, 4002}},
		"on another port":    {0, 4444, ib.AnyMode, ib.Live, []int{4444, 4001, 7496}},
		"paper":              {0, 0, ib.Paper, ib.AnyMode, []int{4002, 7497}},
		"live":               {0, 0, ib.Live, ib.AnyMode, []int{4001, 7496}},
		"the one that's set": {5000, 7497, ib.AnyMode, ib.Paper, []int{5000}},
	} {
		m := model{portHint: c.hint, found: c.found}
		if got := m.ports(&Config{Port: c.port, Mode: c.mode}); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestShownTimeFollowsTheClock(t *testing.T) {
	p := newPlay(func(c *Config) { c.Delays = []time.Duration{time.Hour} })
	for i, r := range []row{
		opening[0], opening[1],
		{in: onLost, emit: "lost", state: Reconnecting, guard: ib.GuardSocket},
		{after: time.Minute, in: onClock(-3 * time.Hour), state: Reconnecting, guard: ib.GuardSocket},
	} {
		p.act(t, i, r)
	}
	if in := p.m.snapshot(p.cfg).Attempt.NextAt.Sub(p.wall); in != 59*time.Minute {
		t.Errorf("next attempt is shown in %v", in)
	}
}

// TestEveryFieldIsNews changes each field of a snapshot: subscribers hear of it, except of what changes all the time.
func TestEveryFieldIsNews(t *testing.T) {
	// GuardSince changes with Guard and Opened, and what is known of a layer with that layer.
	quietFields := map[string]bool{
		"Seq": true, "At": true, "Probe": true, "Skew": true, "GuardSince": true,
		"Layers.Since.Socket": true, "Layers.Since.API": true, "Layers.Since.Upstream": true,
		"Layers.Since.Farms": true,
	}
	var walk func(v reflect.Value, name string, check func(string))
	walk = func(v reflect.Value, name string, check func(string)) {
		switch v.Kind() {
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[time.Time]() {
				v.Set(reflect.ValueOf(time.Unix(1, 0)))
				check(name)
				return
			}
			for i := range v.NumField() {
				walk(v.Field(i), name+"."+v.Type().Field(i).Name, check)
			}
			return
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.String:
			v.SetString(v.String() + "x")
		case reflect.Int, reflect.Int64:
			v.SetInt(v.Int() + 1)
		case reflect.Uint64:
			v.SetUint(v.Uint() + 1)
		case reflect.Map:
			v.Set(reflect.ValueOf(map[string]FarmState{"farm": FarmBroken}))
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		default:
			t.Fatalf("%s is of kind %s", name, v.Kind())
		}
		check(name)
	}
	changed := &Snapshot{}
	before := *changed
	walk(reflect.ValueOf(changed).Elem(), "", func(name string) {
		if same := changed.same(&before); same != quietFields[name[1:]] {
			t.Errorf("a change of %s is news: %v", name, !same)
		}
		before = *changed
	})
}

func TestSnapshotOwnsItsFarms(t *testing.T) {
	p := newPlay(nil)
	for i, r := range []row{opening[0], opening[1], {in: onFarm(2103), emit: "farm", state: Degraded}} {
		p.act(t, i, r)
	}
	n, before := p.m.snapshot(p.cfg), p.m
	p.act(t, 3, row{in: onFarm(2104), emit: "market_farm_ok, farm", state: Connected})
	if n.Layers.Farms["usfarm"] != FarmBroken || before.farms["usfarm"] != FarmBroken {
		t.Errorf("changed in place: snapshot %v, model %v", n.Layers.Farms, before.farms)
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := testConfig(4002)
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	window := func(w calendar.Window) func(*Config) { return func(c *Config) { c.Calendar = calendar.Calendar{w} } }
	for name, change := range map[string]func(*Config){
		"no host":           func(c *Config) { c.Host = "" },
		"port":              func(c *Config) { c.Port = 65536 },
		"negative port":     func(c *Config) { c.Port = -1 },
		"timeout":           func(c *Config) { c.ConnectTimeout = 0 },
		"poll":              func(c *Config) { c.Poll = 0 },
		"soft":              func(c *Config) { c.Soft = 0 },
		"hard at soft":      func(c *Config) { c.Hard = c.Soft },
		"no delays":         func(c *Config) { c.Delays = nil },
		"zero delay":        func(c *Config) { c.Delays = []time.Duration{time.Second, 0} },
		"jitter":            func(c *Config) { c.Jitter = 1 },
		"jitter is NaN":     func(c *Config) { c.Jitter = math.NaN() },
		"window, no zone":   window(calendar.Window{Length: time.Hour}),
		"window, hour":      window(calendar.Window{Hour: 24, Length: time.Hour, Location: time.UTC}),
		"window, minute":    window(calendar.Window{Minute: -1, Length: time.Hour, Location: time.UTC}),
		"window, too long":  window(calendar.Window{Length: 8 * 24 * time.Hour, Location: time.UTC}),
		"window, backwards": window(calendar.Window{Length: -1, Location: time.UTC}),
	} {
		cfg := testConfig(4002)
		change(&cfg)
		if _, err := New(cfg, quiet); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
