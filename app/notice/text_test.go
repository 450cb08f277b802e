package notice

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
)

func TestWords(t *testing.T) {
	up := []happening{{0, started}, {2 * s, connected}}
	after := func(h ...happening) []happening { return append(slices.Clone(up), h...) }
	garbled := lostNow
	garbled.Cause, garbled.Detail = ib.CauseBroken, "read: <b>reset</b>\n\x1b[31m & more"
	blocked := []Notice{
		{
			Kind: GuardClosed, Key: "guard_closed", Urgent: true, Title: "Orders are blocked",
			Body: "Gateway does not answer the question about open orders, so orders cannot be " +
				"confirmed.\nGatewatch asks again, then reconnects by itself. If this lasts, restart Gateway and " +
				"check your orders in TWS.",
		},
		{
			Kind: GuardClosed, Key: "guard_closed", Urgent: true, Title: "Orders are blocked",
			Body: "Gateway's API is read-only: it takes no orders (IB code 321).\nIn Gateway: Configure, " +
				"Settings, API, Settings: untick “Read-Only API”. Gatewatch notices it within 30 s.",
		},
	}
	for _, c := range []struct {
		name   string
		events []happening
		end    time.Duration
		want   []Notice // of these the words, and who may do what
	}{
		{"an outage", after(happening{31*m + 2*s, lostNow}, happening{31*m + 3*s, failed},
			happening{35*m + 14*s, connected}), h, []Notice{
			{
				Kind: Lost, Key: "incident-2", Incident: 2, Urgent: true, Connect: true,
				Title: "Connection to Gateway lost",
				Body: "Since 09:31:02.\nConnection refused: nothing listens on 127.0.0.1:4002.\nStart IB Gateway or " +
					"TWS and log in. In its API settings enable “ActiveX and Socket Clients” and compare the port in " +
					"settings.json (gateway.port). `gatewatch doctor` shows which ports are open.",
			},
			{
				Kind: Back, Key: "incident-2", Incident: 2, Title: "Reconnected after 4 min 12 s (09:31:02–09:35:14)",
				Body: "The connection has been stable since 09:35:14.",
			},
		}},
		{"never connected", []happening{{0, started}, {s, failed}, {2 * m, connected}}, h, []Notice{
			{
				Kind: Lost, Key: "incident-1", Incident: 1, Urgent: true, Connect: true,
				Title: "No connection to Gateway",
				Body: "Since 09:00:00.\nConnection refused: nothing listens on 127.0.0.1:4002.\nStart IB Gateway or " +
					"TWS and log in. In its API settings enable “ActiveX and Socket Clients” and compare the port in " +
					"settings.json (gateway.port). `gatewatch doctor` shows which ports are open.",
			},
			{
				Kind: Back, Key: "incident-1", Incident: 1, Title: "Connected after 2 min (09:00:00–09:02:00)",
				Body: "The connection has been stable since 09:02:00.",
			},
		}},
		{"upstream", after(happening{m, farAway}), h, []Notice{
			{
				Kind: Lost, Key: "incident-2", Incident: 2, Urgent: true, Title: "IBKR unreachable",
				Body: "Since 09:01:00.\nGateway has lost its connection to IBKR's servers (IB code 1100).\nGateway " +
					"restores this by itself. If it lasts, check the internet connection and IBKR's system " +
					"status page.",
			},
		}},
		{"outside text", after(happening{m, garbled}), h, []Notice{
			{
				Kind: Lost, Key: "incident-2", Incident: 2, Urgent: true, Connect: true,
				Title: "Connection to Gateway lost",
				Body: "Since 09:01:00.\nThe connection to Gateway broke (read: <b>reset</b> [31m & more).\nGateway " +
					"may be restarting, as it does every day: it is back in about a minute. If not, start it and " +
					"log in.",
			},
		}},
		{"overnight", after(happening{14 * h, lostNow}, happening{16 * h, connected}), 17 * h, []Notice{
			{
				Kind: Lost, Key: "incident-2", Incident: 2, Urgent: true, Connect: true,
				Title: "Connection to Gateway lost",
				Body: "Since 23:00:00.\nGateway closed the connection.\nGateway may be restarting, as it does every " +
					"day: it is back in about a minute. If not, start it and log in.",
			},
			{
				Kind: Back, Key: "incident-2", Incident: 2, Title: "Reconnected after 2 h (Wed 23:00:00–01:00:00)",
				Body: "The connection has been stable since 01:00:00.",
			},
		}},
		{"after the reset window", after(happening{h, windowOpens}, happening{h + 15*m, lostWithin},
			happening{2 * h, windowEnds}), 3 * h, []Notice{
			{
				Kind: Lost, Key: "incident-2", Incident: 2, Urgent: true, Connect: true,
				Title: "Connection to Gateway lost",
				Body: "The reset window is over, and the connection is not back. Since 10:15:00.\nGateway closed the " +
					"connection.\nGateway may be restarting, as it does every day: it is back in about a minute. If " +
					"not, start it and log in.",
			},
		}},
		{"unstable", after(flaps(m, 40, 2*s, 60*s)...), 2 * h, []Notice{
			{
				Kind: Unstable, Key: "incident-5", Incident: 5, Urgent: true, Title: "The connection is unstable",
				Body: "4 drops since 09:01:00. Single drops are not shown until it has been up for 10 " +
					"minutes.\nGateway closed the connection.",
			},
			{
				Kind: Digest, Key: "incident-5", Incident: 5, Title: "The connection is still unstable",
				Body: "33 drops since 09:01:00, not connected for 1 min 6 s in all. Connected since 09:34:06.",
			},
			{
				Kind: Calm, Key: "incident-5", Incident: 5, Title: "The connection is stable again",
				Body: "40 drops since 09:01:00, not connected for 1 min 20 s in all. Connected since 09:41:20.",
			},
		}},
		{"competing", after(happening{m, competing}), h, []Notice{
			{
				Kind: Competing, Key: "competing_session", Title: "Market data taken by another session",
				Body: "There are no prices: another session of the same user has taken the market data (IB code " +
					"10197).\nLog out of the other session (TWS, mobile, client portal) to get the market data " +
					"back here.",
			},
		}},
		{"orders blocked", after(happening{m, unconfirmed}, happening{m + s, lostNow}, happening{m + 2*s, connected},
			happening{3 * m, unconfirmed},
			happening{4 * m, readOnly}, happening{5 * m, confirmed}), h, blocked},
		{"orders blocked in the reset window", after(happening{m, windowOpens}, happening{2 * m, readOnly},
			happening{3 * m, unconfirmed},
			happening{4 * m, ev(conn.EventWindowEnded, conn.Degraded)}, happening{5 * m, readOnly},
			happening{6 * m, lostNow}, happening{6*m + s, connected}), h, blocked},
		{"through the reset window", after(happening{h - m, lostNow},
			happening{h, ev(conn.EventWindowStarted, conn.ResetWindow)},
			happening{h + 10*m, connected}, happening{h + 30*m, lostWithin}, happening{h + 40*m, connected},
			happening{2 * h, ev(conn.EventWindowEnded, conn.Connected)}), 4 * h, []Notice{
			{
				Kind: Lost, Key: "incident-2", Incident: 2, Urgent: true, Connect: true,
				Title: "Connection to Gateway lost",
				Body: "Since 09:59:00.\nGateway closed the connection.\nGateway may be restarting, as it does every " +
					"day: it is back in about a minute. If not, start it and log in.",
			},
			{
				Kind: Back, Key: "incident-2", Incident: 2, Title: "Connected again since 10:40:00",
				Body: "It was lost at 09:59:00 and came and went in between.",
			},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{p: defaultPolicy()}
			var got []Notice
			for _, n := range w.play(c.events, c.end) {
				if !n.n.At.Equal(begin.Add(n.at)) {
					t.Errorf("%v says it was reported at %v", n, n.n.At)
				}
				n.n.At = time.Time{}
				got = append(got, n.n)
			}
			if len(got) != len(c.want) {
				t.Fatalf("%d notices, want %d: %+v", len(got), len(c.want), got)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("got\n%+v\nwant\n%+v", got[i], c.want[i])
				}
			}
		})
	}
}

func TestWordsForReadersElsewhere(t *testing.T) {
	w := &world{p: defaultPolicy()}
	w.p.Remote = true
	events := []happening{{0, started}, {2 * s, connected}, {m, lostNow}, {2 * m, connected}, {3 * m, competing}}
	events = append(events, flaps(h, 40, 2*s, 60*s)...)
	all := w.play(events, 3*h)
	if len(all) != 6 {
		t.Fatalf("%d notices: %v", len(all), all)
	}
	for _, n := range all {
		if !strings.HasSuffix(n.n.Body, "\nGateway: 127.0.0.1:4002, PAPER, seen from desk.") {
			t.Errorf("%v does not say which Gateway: %q", n, n.n.Body)
		}
	}
}

// TestWordsOfASearch names the ports that were tried, and no other: another Gateway may listen there.
func TestWordsOfASearch(t *testing.T) {
	p := defaultPolicy()
	p.Remote = true
	missed := failed
	missed.Tried = []ib.PortTry{{Port: 4002, Cause: ib.CauseRefused}, {Port: 7497, Cause: ib.CauseRefused}}
	var st State
	var said []Notice
	for _, h := range []happening{
		{0, started}, {2 * s, connected}, {m, lostNow}, {m + s, missed}, {m + 6*s, conn.Event{}},
	} {
		in := Input{Event: h.e, Gateway: ib.Gateway{Host: "127.0.0.1"}}
		st, said, _ = p.Step(st, in, begin.Add(h.at))
	}
	if len(said) != 1 || !strings.Contains(said[0].Body, "nothing listens on 127.0.0.1 (ports 4002, 7497).") ||
		!strings.Contains(said[0].Body, "\nGateway: 127.0.0.1 (ports 4002, 7497).") {
		t.Errorf("%v", said)
	}
}

func TestClockWords(t *testing.T) {
	was := time.Local
	defer func() { time.Local = was }()
	time.Local = zone(t, "America/New_York")
	for _, c := range []struct{ at, other, want string }{
		{"2026-11-24T15:00:00Z", "2026-11-24T16:00:00Z", "10:00:00"},
		{"2026-11-24T04:00:00Z", "2026-11-24T16:00:00Z", "Mon 23:00:00"},
		{"2026-11-10T15:00:00Z", "2026-11-24T16:00:00Z", "10 Nov 10:00:00"},
		{"2026-11-01T05:30:00Z", "2026-11-01T06:40:00Z", "01:30:00 EDT"}, // 01:30 comes twice
		{"2026-11-01T06:30:00Z", "2026-11-01T06:40:00Z", "01:30:00"},
		{"2026-03-08T02:00:00Z", "2026-03-08T12:00:00Z", "Sat 21:00:00 EST"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		other, err2 := time.Parse(time.RFC3339, c.other)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if got := clock(at, other); got != c.want {
			t.Errorf("%s as of %s: %q, want %q", c.at, c.other, got, c.want)
		}
	}
}
