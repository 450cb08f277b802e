package notice

import (
	"slices"
	"time"

	"gatewatch/app/wording"
	"gatewatch/conn"
)

// Reminded is what was reported of the end of IBKR's support for Gateway's version. It outlives the program: Gateway
// says it on each connection.
type Reminded struct {
	From string `json:"from"` // the day, or Gateway's text if that names none
	Days int    `json:"days"` // how many were left when it was reported last
}

// supportDays are the days before the end of support on which it is reported again; 0 is the end itself.
var supportDays = []int{7, 3, 1, 0}

// support reports that support for Gateway's version ends: when that is new, and again when the end comes near.
func (t *turn) support() {
	u, before := t.in.Unsupported, t.st.support
	if u == (conn.Unsupported{}) || t.muted() || !t.due(t.st.grace) {
		return
	}
	days, ok := wording.DaysLeft(u, t.now)
	now := Reminded{From: u.Text, Days: days}
	if ok {
		now.From = u.From.Format(time.DateOnly)
	}
	nearer := ok && slices.ContainsFunc(supportDays, func(d int) bool { return days <= d && d < before.Days })
	if now.From == before.From && !nearer {
		return
	}
	t.st.support = now
	t.notify(Notice{
		Kind: Support, Key: string(Support), Title: wording.UnsupportedTitle(u, t.now),
		Body: wording.Unsupported(u, t.now),
	})
}

// supportNext returns when support may have something to report next; zero if nothing is known of an end.
func (t *turn) supportNext() time.Time {
	if t.in.Unsupported == (conn.Unsupported{}) {
		return time.Time{}
	}
	if t.muted() {
		return t.awake()
	}
	return wording.Tomorrow(t.now.Local())
}
