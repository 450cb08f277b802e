package notice

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gatewatch/conn"
)

// TestSupport plays what is reported of the end of support, from one start of the program to the next.
func TestSupport(t *testing.T) {
	y, mo, d := begin.Date()
	in := func(days int) conn.Unsupported {
		return conn.Unsupported{Text: "on", From: time.Date(y, mo, d+days, 0, 0, 0, 0, time.UTC)}
	}
	up := []happening{{0, started}, {2 * s, connected}}
	after := func(h ...happening) []happening { return append(slices.Clone(up), h...) }
	midnight := time.Date(y, mo, d+1, 0, 0, 0, 0, begin.Location()).Sub(begin)
	on := func(days int) string { return fmt.Sprint(midnight + time.Duration(days-1)*day) }
	for name, c := range map[string]struct {
		ends     conn.Unsupported
		reported Reminded
		events   []happening
		muted    func(time.Duration) time.Duration
		end      time.Duration
		want     []string
	}{
		"first seen, and as it comes near": {ends: in(15), events: up, end: 20 * day, want: []string{
			"2s", on(8), on(12), on(14), on(15),
		}},
		"reported by a run before": {
			ends: in(15), reported: Reminded{in(15).From.Format(time.DateOnly), 16},
			events: up, end: 6 * day,
		},
		"reported before, on another day": {
			ends: in(15), reported: Reminded{"2026-01-01", 2}, events: up, end: day,
			want: []string{"2s"},
		},
		"the program was off for days": {
			ends: in(2), reported: Reminded{in(2).From.Format(time.DateOnly), 15}, events: up,
			end: day / 2, want: []string{"2s"},
		},
		"reported today": {
			ends: in(3), reported: Reminded{in(3).From.Format(time.DateOnly), 3}, events: up,
			end: day / 2,
		},
		"connects often": {
			ends: in(15), events: after(flaps(m, 20, s, 10*m)...), end: day / 2,
			want: []string{"2s"},
		},
		"over": {ends: in(-3), events: up, end: 20 * day, want: []string{"2s"}},
		"over, and reported before": {
			ends: in(-3), reported: Reminded{in(-3).From.Format(time.DateOnly), 1}, events: up,
			end: 20 * day, want: []string{"2s"},
		},
		"over, and reported": {
			ends: in(-3), reported: Reminded{in(-3).From.Format(time.DateOnly), -1},
			events: up, end: 20 * day,
		},
		"without a day": {
			ends: conn.Unsupported{Text: "soon"}, events: up, end: 20 * day,
			want: []string{"2s"},
		},
		"without a day, reported": {
			ends: conn.Unsupported{Text: "soon"}, reported: Reminded{From: "soon"}, events: up,
			end: 20 * day,
		},
		"paused": {
			ends: in(15), events: after(happening{3 * s, paused}),
			reported: Reminded{in(15).From.Format(time.DateOnly), 15}, end: 20 * day,
		},
		"muted": {ends: in(15), events: up, muted: func(time.Duration) time.Duration {
			return 90 * m
		}, end: day / 2, want: []string{"1h30m0s"}},
		"supported": {events: up, end: 20 * day},
	} {
		w := &world{p: defaultPolicy(), ends: c.ends, muted: c.muted}
		w.st.support = c.reported
		var got []string
		for _, n := range w.play(c.events, c.end) {
			if n.n.Kind == Support {
				got = append(got, n.at.String())
				if n.n.Title == "" || !strings.Contains(n.n.Body, "10.50 or newer") || n.n.Key == "" {
					t.Errorf("%s: %+v", name, n.n)
				}
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: reported at %v, want %v", name, got, c.want)
		}
	}
}
