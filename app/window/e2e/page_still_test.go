package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"gatewatch/conn"
)

// middle returns where the middle of a button is that can be seen.
func (b *tab) middle(label string) (x, y float64) {
	b.t.Helper()
	button := fmt.Sprintf(`[...document.querySelectorAll("button")]`+
		`.find(e => e.offsetParent && (e.ariaLabel || e.textContent) === %q)`, label)
	b.until(`(e => Boolean(e) && !e.disabled)(`+button+`)`, "true")
	at := b.text(`(r => (r.left + r.width / 2) + " " + (r.top + r.height / 2))(` + button + `.getBoundingClientRect())`)
	if _, err := fmt.Sscan(at, &x, &y); err != nil {
		b.t.Fatalf("%q stands at %q: %v", label, at, err)
	}
	return x, y
}

func (b *tab) hover(x, y float64) { b.run(input.DispatchMouseEvent(input.MouseMoved, x, y)) }

// TestPageButtonsStayUnderTheMouse shows that what the page says moves no button of a card, and that a button of a list
// that slides under a resting mouse is not pressed in place of the one that stood there, before people can see it.
func TestPageButtonsStayUnderTheMouse(t *testing.T) {
	t.Parallel()
	need(t, shell)
	p := newDesk(noon(t))
	b := visit(t, p, true, false)
	b.until(orderShown+`.length`, "7")
	x, y := b.middle("Turn on trading")
	p.change(func() {
		p.status.State, p.status.Connected = conn.Reconnecting, false
		p.status.Cause, p.status.Hint = "Nothing listens.", "Start Gateway."
		p.status.Layers.API, p.status.Layers.Socket = false, false
	})
	b.until(`document.getElementById("banner").hidden`, "false")
	if at := b.text(fmt.Sprintf(`document.elementFromPoint(%v, %v).id`, x, y)); at != "arm" {
		t.Errorf("the banner has moved the button that turns trading on: %q stands there", at)
	}
	x, y = b.middle("Connect now")
	p.change(func() { p.status.Hint = strings.Repeat("Start Gateway and log in. ", 30) })
	b.until(`document.getElementById("hint").textContent.length > 500`, "true")
	if at := b.text(fmt.Sprintf(`document.elementFromPoint(%v, %v).id`, x, y)); at != "connect" {
		t.Errorf("a longer hint has moved the button that connects: %q stands there", at)
	}
	p.change(func() {
		p.status.State, p.status.Connected = conn.Connected, true
		p.status.Layers.API, p.status.Layers.Socket = true, true
	})
	b.until(`document.getElementById("banner").hidden`, "true")

	b.run(chromedp.Evaluate(`clearInterval(looking); $("orders").scrollIntoView()`, nil)) // the test says when it looks
	x, y = b.middle("Cancel order 1038")
	b.hover(x, y)
	replace := func(id int64) { // by another order, in its place
		p.change(func() {
			p.desk.orders.Orders = slices.Clone(p.desk.orders.Orders)
			p.desk.orders.Orders[0].ID = id
			p.status.Trading.OrdersOpen++
		})
		b.until(fmt.Sprintf(`document.elementFromPoint(%v, %v).ariaLabel`, x, y), fmt.Sprintf("Cancel order %d", id))
	}
	replace(1039)
	b.run(chromedp.MouseClickXY(x, y))
	if asks := b.text(`document.querySelectorAll("[aria-busy]").length`) + p.took(); asks != "0" {
		t.Errorf("a click that was meant for another order: %s", asks)
	}
	b.run(chromedp.MouseClickXY(x, y))
	b.expect(p, "cancel 1039")
	replace(1040)
	b.run(chromedp.Evaluate(`look(); look()`, nil))
	b.run(chromedp.MouseClickXY(x, y))
	b.expect(p, "cancel 1040")
}
