package ui

import (
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/api"
	"gatewatch/app/wording"
	"gatewatch/conn/ib"
)

// trading is what is shown of trading as a whole, in words and shapes.
type trading struct {
	shape   Shape
	word    string
	reason  string
	armed   bool
	may     bool   // the button can be pressed
	confirm string // what is asked before arming, empty if nothing is
	arm     string // the button that arms
}

// tradingOf returns the state of trading by the status st, nil before the first, while the resident program is there
// or, since lost, is not.
func tradingOf(st *api.Status, lost absence, now time.Time) trading {
	if st == nil || lost.is() {
		t := trading{shape: Unknown, word: wording.TradingNotKnown, reason: wording.LookingForGatewatch}
		switch {
		case lost.hangs:
			t.reason = wording.OnceItResponds
		case lost.is():
			t.reason = wording.OnceItRuns
		}
		return t
	}
	l := api.ShownOf(st, now).Trading
	t := trading{
		shape: named[l.Shape], word: l.Text, reason: l.More, armed: st.Trading.Armed,
		may: st.Trading.Armed || st.Connected,
	}
	var more []string
	if l.At != nil {
		more = append(more, "since "+clock(*l.At, now))
	}
	more = append(more, st.Trading.Lines()...)
	if len(more) > 0 {
		t.reason = strings.TrimSpace(t.reason + "\n" + upper(strings.Join(more, " · ")))
	}
	t.confirm, t.arm = st.Trading.Confirm, "Turn on "+wording.IfLive(ib.Mode(st.Gateway.Mode))+"trading"
	return t
}

// upper returns s with a capital at its start.
func upper(s string) string { return wording.Upper(s) }

// armBar says whether trading is on, and arms it or stops it.
type armBar struct {
	content  *fyne.Container
	sign     *sign
	word     *widget.Label
	reason   *widget.Label
	failed   *widget.Label // why the last arming or stopping failed
	button   *button
	question *question
	arm      func(live bool)
	disarm   func()
	now      trading
}

func newArmBar(k *keys, arm func(live bool), disarm func()) *armBar {
	b := &armBar{
		sign: newSign(signSize), word: bold(""), reason: fine(""), failed: wrapped(""), arm: arm,
		disarm: disarm,
	}
	b.word.Truncation = fyne.TextTruncateEllipsis
	b.failed.Importance = widget.DangerImportance
	b.button = newButton(k, wording.TurnOnTrading, b.press)
	b.question = newQuestion(k)
	first := container.NewBorder(nil, nil, container.NewCenter(b.sign.image), container.NewCenter(b.button), b.word)
	asks := container.New(stacked{2}, first, b.question.content) // before words which may grow
	b.content = container.New(stacked{-4}, asks, b.reason, b.failed)
	show(b.failed, false)
	return b
}

func (b *armBar) press() {
	switch {
	case b.now.armed:
		b.disarm()
	case b.now.confirm != "":
		b.question.ask(b.now.confirm, "Leave it off", b.now.arm, func() { b.arm(true) })
	default:
		b.arm(false)
	}
}

// render shows the state of trading; busy is true while trading is being turned on, and failure says why the last
// attempt did not work.
func (b *armBar) render(t trading, busy bool, failure string) {
	b.now = t
	b.sign.set(t.shape)
	setText(b.word, t.word)
	showText(b.reason, t.reason)
	showText(b.failed, failure)
	name, importance := wording.TurnOnTrading, widget.MediumImportance
	switch {
	case t.armed:
		name, importance = wording.TurnOffTrading, widget.HighImportance
	case t.confirm != "":
		name, importance = t.arm+"…", widget.DangerImportance
	}
	if b.button.Text != name || b.button.Importance != importance {
		b.button.Text, b.button.Importance = name, importance
		b.button.Refresh()
	}
	// Stopping never has to wait for an answer. What was pressed keeps the focus until then, which what is disabled
	// does not.
	enable(b.button, t.may && (t.armed || !busy || b.question.keys.focused(b.button)))
	if t.armed || !t.may || t.confirm == "" {
		b.question.drop()
	}
}

// question asks once more before something that cannot be undone. Its answers are elsewhere than the button that was
// pressed, so that pressing that twice does nothing: the focus goes to the answer that leaves things as they are.
type question struct {
	keys    *keys
	before  fyne.Focusable // had the focus when it was asked, and gets it back
	content *fyne.Container
	words   *widget.Label
	no, yes *button
	then    func()
	asked   bool // just now: the answers may have to be scrolled to
}

func newQuestion(k *keys) *question {
	q := &question{keys: k, words: wrapped("")}
	q.no = newButton(k, "", q.drop)
	q.yes = newDanger(k, "", func() {
		then := q.then
		q.drop()
		if then != nil {
			then()
		}
	})
	sign := container.NewVBox(padded(8, 0, fixed(Impaired, 18)))
	answers := container.NewVBox(container.NewHBox(q.no, q.yes)) // beside the words, which may grow
	q.content = padded(4, 0, container.NewBorder(nil, nil, sign, answers, q.words))
	q.content.Hide()
	return q
}

// ask asks, and withdraws what was asked before.
func (q *question) ask(words, no, yes string, then func()) {
	if q.keys.asks != nil {
		q.keys.asks.drop()
	}
	q.then, q.asked, q.keys.asks, q.before = then, true, q, nil
	if q.keys.canvas != nil {
		q.before = q.keys.canvas.Focused()
	}
	setText(q.words, words)
	q.no.SetText(no)
	q.yes.SetText(yes)
	show(q.content, true)
	q.keys.focus(q.no)
}

func (q *question) drop() {
	if q.then = nil; q.keys.asks == q {
		q.keys.asks = nil
	}
	answered := q.keys.focused(q.no) || q.keys.focused(q.yes)
	show(q.content, false)
	if answered && q.before != nil {
		q.keys.focus(q.before)
	}
}

// say asks in other words.
func (q *question) say(words string) { setText(q.words, words) }

// reveal scrolls once to the answers. The toolkit has laid them out when time has gone by.
func (q *question) reveal() {
	if q.asked && q.open() {
		q.asked = false
		q.keys.reveal(q.yes)
	}
}

// open reports whether an answer is awaited.
func (q *question) open() bool { return q.content.Visible() }
