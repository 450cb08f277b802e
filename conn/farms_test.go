package conn

import (
	"fmt"
	"testing"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/conn/ib/ibtest"
)

// farmRow says what the state is after a notice.
type farmRow struct {
	code int
	text string
	want string // the farm that is broken, empty for none
}

func TestFarmsClearOnlyThemselves(t *testing.T) {
	const restored = "Connectivity between IBKR and Trader Workstation has been restored - data maintained."
	for name, rows := range map[string][]farmRow{
		"without an ASCII colon": {
			{2103, "市场数据连接中断：usfarm", "usfarm"},
			{2103, "市场数据连接中断：hfarm", "hfarm"},
			{2104, "市场数据连接正常：hfarm", "usfarm"},
			{2104, "市场数据连接正常：usfarm", ""},
		},
		"names that cannot be read": {
			{2103, "kaputt", "market data"},
			{2104, "gut", "market data"},
			{2108, "schläft", "market data"},
			{2104, "Market data farm connection is OK:usfarm", "market data"},
			{1101, "restored, data lost", ""},
		},
		"1102 lists the farms": {
			{2103, "broken:usfarm", "usfarm"},
			{2103, "broken:hfarm", "hfarm"},
			{2105, "broken:ushmds", "hfarm"},
			{1100, "lost", "-"},
			{1102, restored + " All data farms are connected: hfarm; ushmds.", "usfarm"},
			{1102, restored + " All data farms are connected: usfarm.", ""},
		},
		"1102 lists none": {{2103, "broken:usfarm", "usfarm"}, {1100, "lost", "-"}, {1102, restored, "usfarm"}},
		"1102 lists those that are not connected": {
			{2103, "broken:usfarm", "usfarm"},
			{2104, "OK:hfarm", "usfarm"},
			{1100, "lost", "-"},
			{1102, restored + " The following farms are connected: usfarm. The following farms are not connected: " +
				"hfarm; secdefil.", "hfarm"},
		},
		"1102 when none is connected": {
			{2103, "broken:usfarm", "usfarm"},
			{1100, "lost", "-"},
			{
				1102, restored + " The following farms are connected: . The following farms are not connected: usfarm.",
				"usfarm",
			},
		},
		"1101 with a list": {
			{2103, "broken:usfarm", "usfarm"},
			{2103, "broken:hfarm", "hfarm"},
			{1101, "restored - data lost. All data farms are connected: hfarm.", "usfarm"},
		},
	} {
		p := newPlay(nil)
		for i, r := range opening {
			p.act(t, i, r)
		}
		for i, r := range rows {
			p.feed(inNews{ib.Said{Session: p.m.session, Request: -1, Code: r.code, Text: r.text}})
			got := "-"
			if p.m.upstream {
				_, got = p.m.trouble()
			}
			if got != r.want {
				t.Errorf("%s, step %d: %q is broken, want %q", name, i, got, r.want)
			}
		}
	}
}

// TestErrorsAboutOneRequest has codes that end a session come with the number of one request: they are about that
// alone.
func TestErrorsAboutOneRequest(t *testing.T) {
	for _, v := range ibtest.Versions {
		g, s, r := connect(t, v, nil)
		for _, request := range []int{7, 1<<31 - 1<<24 + 1, 1<<31 - 1<<16 + 1, 1<<31 - 1<<10} { // an order, too
			for _, code := range []int{502, 504, 507} {
				g.Peer().About(request, code, "Not connected")
			}
		}
		g.Peer().Code(399, "the end")
		ibtest.Eventually(t, "notices", func() bool {
			return len(r.of(EventNotice)) > 0 && r.of(EventNotice)[len(r.of(EventNotice))-1].Detail == "the end"
		})
		if n := s.Snapshot(); n.Session != 1 || n.Lost != 0 {
			t.Errorf("version %d: %+v", v, n)
		}
		g.Peer().Code(504, "Not connected")
		await(t, s, fmt.Sprintf("version %d: loss", v), 10*time.Second, func(n *Snapshot) bool { return n.Lost == 1 })
	}
}
