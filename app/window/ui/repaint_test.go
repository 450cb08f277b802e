package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// painting is the app of a test, which counts what is painted again.
type painting struct {
	fyne.App
	driver countingDriver
}

func (p *painting) Driver() fyne.Driver { return &p.driver }

type countingDriver struct {
	fyne.Driver
	painted []string
}

func (d *countingDriver) CanvasForObject(o fyne.CanvasObject) fyne.Canvas {
	return &countingCanvas{d.Driver.CanvasForObject(o), d}
}

type countingCanvas struct {
	fyne.Canvas
	driver *countingDriver
}

func (c *countingCanvas) Refresh(o fyne.CanvasObject) {
	c.driver.painted = append(c.driver.painted, fmt.Sprintf("%T", o))
	c.Canvas.Refresh(o)
}

// counted counts from now on what is painted again.
func counted(t *testing.T) *countingDriver {
	before := fyne.CurrentApp()
	counting := &painting{App: before, driver: countingDriver{Driver: before.Driver()}}
	fyne.SetCurrentApp(counting)
	t.Cleanup(func() { fyne.SetCurrentApp(before) })
	return &counting.driver
}

// TestMinimised loses the connection while no one can see the window.
func TestMinimised(t *testing.T) {
	title, asked := "", 0
	v, w := stage(t, theme.VariantLight, fyne.NewSize(520, 680), Actions{
		Title: func(s string) { title = s }, Trade: Trade{Rules: func() { asked++ }},
	})
	v.Settings(inForce())
	v.Status(armed(), noon)
	v.open(pageRules)
	v.Rules(someRules(), nil)
	settle(w)
	driver := counted(t)
	v.Hidden(true)
	driver.painted, asked = nil, 0
	v.Status(reconnecting(), noon)
	for s := range 10 {
		v.Tick(noon.Add(time.Duration(s) * time.Second))
	}
	if n := len(driver.painted); n > 0 || asked > 0 {
		t.Errorf("%d objects are painted, such as %s; rules are asked for %d times", n, driver.painted[0], asked)
	}
	if !strings.Contains(title, "No connection") {
		t.Errorf("the title is %q", title)
	}
	v.Hidden(false)
	if len(driver.painted) == 0 || asked != 1 || !strings.Contains(v.head.headline.Text, "No connection") {
		t.Errorf("seen again: %d objects are painted, rules are asked for %d times, it says %q", len(driver.painted),
			asked, v.head.headline.Text)
	}
}

// TestNothingIsPaintedAgain takes in what is known already, in every scene: that costs no frame.
func TestNothingIsPaintedAgain(t *testing.T) {
	for name, play := range scenes() {
		t.Run(name, func(t *testing.T) {
			v, w := stage(t, theme.VariantLight, fyne.NewSize(520, 680), Actions{})
			play(v)
			settle(w)
			v.Tick(v.now) // scrolls once to the answers of a question
			driver := counted(t)
			for what, again := range map[string]func(){
				"tick": func() { v.Tick(v.now) },
				"status": func() {
					if v.st != nil && !v.lost.is() {
						v.Status(*v.st, v.now)
					}
				},
				"rules": func() {
					if v.rules.known != nil && v.page == pageRules && !v.rules.busy {
						v.Rules(*v.rules.known, nil)
					}
				},
				"orders": func() {
					if v.orders.known != nil && v.page == pageOrders {
						v.Orders(*v.orders.known, nil)
					}
				},
				"settings": func() {
					if v.form.desk.view != nil {
						v.Settings(*v.form.desk.view)
					}
				},
			} {
				again()
				if n := len(driver.painted); n > 0 {
					t.Errorf("%s: %d objects are painted again, such as %s", what, n, driver.painted[0])
				}
				driver.painted = nil
			}
		})
	}
}
