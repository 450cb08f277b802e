package ui

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"gatewatch/app/api"
	"gatewatch/conn"
	"gatewatch/engine/ledger"
)

// TestButtonsStayUnderTheMouse has what the window says change while it is open: no button moves for that.
func TestButtonsStayUnderTheMouse(t *testing.T) {
	for _, size := range []fyne.Size{fyne.NewSize(520, 680), MinSize} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			v, w := stage(t, theme.VariantLight, size, (&acts{}).actions())
			places := map[string]fyne.Position{}
			// look compares where the right ends of things are with where they were, as far as they can be seen.
			look := func(when string, things map[string]fyne.CanvasObject) {
				t.Helper()
				settle(w)
				for name, o := range things {
					at := fyne.CurrentApp().Driver().AbsolutePositionForObject(o).AddXY(o.Size().Width, 0)
					if !shown(o, v.content) {
						continue
					}
					if was, known := places[name]; known && was != at {
						t.Errorf("%s: %s stands at %v, before at %v", when, name, at, was)
					}
					places[name] = at
				}
			}
			v.Settings(inForce())
			wordy := reconnecting()
			wordy.Cause, wordy.Hint = strings.Repeat(wordy.Cause+" ", 2), strings.Repeat(wordy.Hint, 2)
			degraded := armed()
			degraded.State, degraded.Cause, degraded.Hint = conn.Degraded, "A farm is down.", wordy.Hint
			degraded.Headline = "Connected, US stock data (New Jersey) down"
			degraded.Layers.Farms["usfarm.nj"] = conn.FarmBroken
			for when, st := range map[string]api.Status{
				"connected": connected(), "on": armed(), "off": unarmed(), "reconnecting": reconnecting(),
				"in many words": wordy, "degraded": degraded, "first": lookingForTheFirst(),
			} {
				v.Status(st, noon)
				look(when, map[string]fyne.CanvasObject{
					"last tab": v.tabs[pageSettings], "trading": v.status.arm.button, "banner": v.status.alarm.button,
					"Disconnect": v.status.leave,
				})
			}
			v.Lost(api.ErrNotResponding, noon)
			look("not responding", map[string]fyne.CanvasObject{"last tab": v.tabs[pageSettings]})

			v.Status(armed(), noon)
			v.open(pageRules)
			list := someRules()
			v.Rules(list, nil)
			rule := map[string]fyne.CanvasObject{"Delete": ruleAt(v, 1).remove}
			look("a rule", rule)
			list.Rules[1].Why = strings.Repeat("It waits. ", 20)
			v.Rules(list, nil)
			look("a rule that says more", rule)
			list.Rules[1].Why, list.Rules[1].Price = "", nil
			v.Rules(list, nil)
			look("a rule that says less", rule)

			v.open(pageOrders)
			orders := someOrders()
			v.Orders(orders, nil)
			order := map[string]fyne.CanvasObject{"Cancel order": orderAt(v, 1).cancel, "Cancel all": v.orders.all}
			look("an order", order)
			orders.Orders[1].State, orders.Orders[1].StateText = ledger.Unknown, "unknown"
			orders.Cancelling.Text = strings.Repeat("1 of 3 is confirmed. ", 5)
			v.Orders(orders, nil)
			look("an order that cannot be changed any more", order)
			v.OrderDone(0, errors.New("no"))
			look("a failure", order)
			v.Status(reconnecting(), noon)
			look("disconnected", order)

			v.Status(withPrograms(), noon)
			v.open(pagePrograms)
			programs := programsAtPort()
			v.Programs(programs, programOrders(), nil)
			switches := map[string]fyne.CanvasObject{"Stop": v.others.stop, "switch": v.others.rows[1].may}
			look("programs", switches)
			programs.Programs = programs.Programs[1:]
			v.Programs(programs, programOrders(), nil)
			look("the first program has gone", switches)
			if r := v.others.rows[0]; !strings.HasPrefix(r.counts.Text, "Not connected any more. 12 sent") {
				t.Errorf("a program that has gone: %q", r.counts.Text)
			}
			back := programsAtPort().Programs[0]
			back.Number = 10
			programs.Programs = append(programs.Programs, back)
			v.Programs(programs, programOrders(), nil)
			look("it is back", switches)
			if r := v.others.rows; len(r) != 2 || r[0].number != 10 || r[0].gone {
				t.Errorf("%d rows, the first %+v", len(r), r[0])
			}
			programs.State.Text = strings.Repeat("2 programs connected, ", 5)
			v.Programs(programs, programOrders(), nil)
			delete(switches, "switch")
			look("in many words", switches)
			programs.Programs = nil
			v.open(pagePrograms)
			v.Programs(programs, programOrders(), nil)
			if len(v.others.rows) != 0 {
				t.Error("opened again, the page lists programs that have gone")
			}
		})
	}
}
