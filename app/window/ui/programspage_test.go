package ui

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"gatewatch/app/api"
)

// withPrograms is a status with a guarded port.
func withPrograms() api.Status {
	st := connected()
	st.Programs = api.ProgramState{Port: 4100, Listening: true, Connected: 2, Unknown: 1, Text: "2 programs connected"}
	return st
}

func programsAtPort() api.Programs {
	return api.Programs{State: withPrograms().Programs, Mode: "guard", Programs: []api.Program{
		{
			Number: 4, ClientID: 7, PID: 4711, Text: "python3 (client id 7)", Since: noon.Add(-3 * time.Hour),
			Sent: 12, Refused: 2, Working: 3, Unknown: 1,
		},
		{Number: 9, ClientID: 8, Text: "client id 8", Since: noon.Add(-time.Minute), ReadOnly: true},
	}}
}

func programOrders() api.ProgramOrders {
	return api.ProgramOrders{Orders: []api.ProgramOrder{
		{
			Number: 3, At: noon.Add(-time.Minute), Program: "python3 (client id 7)",
			Text:  "BUY 100 AAPL STK LMT 230.5 DAY",
			State: "refused", StateText: "refused by Gatewatch; nothing was sent", Reason: "Gateway did not answer",
		},
		{
			Number: 2, At: noon.Add(-2 * time.Minute), Program: "python3 (client id 7)",
			Text:  "SELL 5 MSFT STK MKT DAY",
			State: "rejected", StateText: "rejected", Code: 201, Detail: "no shares",
		},
		{
			Number: 1, At: noon.Add(-time.Hour), Program: "python3 (client id 7)", Text: "BUY 1 ES FUT LMT 6000 GTC",
			State: "unknown", StateText: "unknown: look in TWS", Open: true,
		},
	}}
}

func TestProgramsPage(t *testing.T) {
	v, _, a := acting(t)
	v.Status(connected(), noon)
	if v.tabs[pagePrograms].Visible() {
		t.Error("without a guarded port there is a page for programs")
	}
	st := withPrograms()
	v.Status(st, noon)
	if !v.tabs[pagePrograms].Visible() {
		t.Fatal("with a guarded port there is no page for programs")
	}
	v.open(pagePrograms)
	if !slices.Contains(a.asked, "programs") {
		t.Fatalf("asked %q", a.asked)
	}
	v.Programs(programsAtPort(), programOrders(), nil)
	p := v.others
	if len(p.rows) != 2 || !p.rows[0].may.Checked || p.rows[1].may.Checked || len(p.orders.rows) != 3 ||
		!strings.HasPrefix(p.orders.rows[0].name.Text, "BUY 1 ES") ||
		!strings.Contains(p.orders.rows[2].more.Text, "IB code 201: no shares") {
		t.Errorf("%d rows, %d orders, first %+v", len(p.rows), len(p.orders.rows), p.orders.rows[0])
	}
	a.asked = nil
	test.Tap(p.stop)
	p.rows[0].may.SetChecked(false)
	if want := []string{"stop trading", "read-only 7 true"}; !slices.Equal(a.asked, want) {
		t.Errorf("asked %q, want %q", a.asked, want)
	}

	// Stopped, and orders can be for a live account: letting them trade asks first.
	list := programsAtPort()
	list.State.Stopped, st.Programs.Stopped, st.Programs.Confirm = true, true, "This is a LIVE account."
	v.Status(st, noon)
	v.Programs(list, programOrders(), nil)
	if p.stop.Visible() || !p.allow.Visible() {
		t.Error("stopped, and it can be stopped again")
	}
	a.asked = nil
	test.Tap(p.allow)
	if len(a.asked) != 0 || !p.confirm.open() {
		t.Errorf("it does not ask, but does %q", a.asked)
	}
	test.Tap(p.confirm.yes)
	if want := []string{"allow programs, live true"}; !slices.Equal(a.asked, want) {
		t.Errorf("asked %q, want %q", a.asked, want)
	}
	st.Programs.Confirm = ""
	v.Status(st, noon)
	a.asked = nil
	test.Tap(p.allow)
	if want := []string{"allow programs, live false"}; !slices.Equal(a.asked, want) {
		t.Errorf("asked %q, want %q", a.asked, want)
	}
	v.ProgramsDone(errors.New("disk full"))
	if !p.note.Visible() || !strings.Contains(p.note.Text, "disk full") {
		t.Errorf("a failure is not shown: %q", p.note.Text)
	}

	// The port is turned off while its page is open.
	v.Status(connected(), noon)
	if v.page != pageStatus || v.tabs[pagePrograms].Visible() {
		t.Errorf("page %d is open", v.page)
	}
}

// TestProgramsThatComeAndGo shows one program after another, each with a client id of its own.
func TestProgramsThatComeAndGo(t *testing.T) {
	v, _, _ := acting(t)
	v.Status(withPrograms(), noon)
	v.open(pagePrograms)
	list := programsAtPort()
	list.Programs = list.Programs[:1]
	for i := range 4 * mostGone {
		list.Programs[0].Number, list.Programs[0].ClientID = uint64(i), int64(i)
		v.Programs(list, programOrders(), nil)
		if n := len(v.others.rows); n > mostGone+2 || v.others.rows[n-1].client != int64(i) {
			t.Fatalf("%d rows, the last of client id %d after %d", n, v.others.rows[n-1].client, i)
		}
	}
}
