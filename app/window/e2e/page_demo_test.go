package e2e

import (
	"testing"
	"time"

	"gatewatch/conn"
)

// TestPageOfADemo says DEMO in the place of PAPER, and in the title, also of an outage that lasts.
func TestPageOfADemo(t *testing.T) {
	t.Parallel()
	need(t, shell)
	p := newDesk(noon(t))
	b := visit(t, p, true, false)
	b.until(`document.getElementById("badge").textContent`, "PAPER")
	p.change(func() { p.status.Demo = true })
	b.until(`document.getElementById("badge").textContent`, "DEMO")
	b.until(`document.title`, "DEMO · Connected · Gatewatch")
	lost := noon(t).Add(-time.Hour)
	p.change(func() { p.status.State, p.status.Since, p.status.LostAt = conn.Reconnecting, noon(t), &lost })
	b.until(`document.title`, "DEMO · No connection · Gatewatch")
	b.until(disconnected, "true")
	b.until(`document.getElementById("since").textContent.startsWith("since 9 Mar 11:00 · ")`, "true")
}
