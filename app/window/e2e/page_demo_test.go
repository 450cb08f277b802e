package e2e

import "testing"

// TestPageOfADemo has the page say DEMO in the place of PAPER.
func TestPageOfADemo(t *testing.T) {
	t.Parallel()
	need(t, "chromium")
	p := newDesk(noon(t))
	b := visit(t, p, true, false)
	b.until(`document.getElementById("badge").textContent`, "PAPER")
	p.change(func() { p.status.Demo = true })
	b.until(`document.getElementById("badge").textContent`, "DEMO")
	b.until(`document.title.startsWith("DEMO · ")`, "true")
}
