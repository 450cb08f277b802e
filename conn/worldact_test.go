package conn

import (
	"errors"
	"maps"
	"slices"
	"time"

	"gatewatch/conn/ib"
)

// Codes that a world's Gateway says: every one of the table and a few of no effect.
var worldCodes = append(slices.Sorted(maps.Keys(codeTable)), 100, 321, 399, 10167, 0, -1)

var worldCauses = []ib.Cause{
	ib.CauseRefused, ib.CauseRefused, ib.CauseClosedEarly, ib.CauseNoAnswer, ib.CauseClientIDInUse,
	ib.CauseDisclaimer, ib.CauseUnreachable,
	ib.CauseNotReady, ib.CauseClosedLogin, ib.CauseUnsupported, ib.CauseTooNew, ib.CauseGarbage,
	ib.CausePortChanged, ib.CauseClient,
}

// live plays the given number of turns, or as many as there is something to choose from.
func (w *world) liveThrough(turns int) {
	w.feed(inStart{})
	for range turns {
		if !w.c.more() {
			break
		}
		w.turn()
	}
	w.feed(inStop{})
	if w.live != 0 || w.trying != 0 || w.up {
		w.Fatalf("stopped with session %d, attempt %d, up %v", w.live, w.trying, w.up)
	}
}

func (w *world) turn() {
	switch w.c.pick(17) {
	case 0, 1, 2, 3:
		w.pass(time.Duration(1+w.c.pick(20)) * time.Second)
	case 4, 5, 6:
		w.answerAttempt()
	case 7:
		w.lose(w.live)
	case 8:
		w.code(w.m.session, worldCodes[w.c.pick(len(worldCodes))])
	case 9:
		w.reconciled()
	case 10:
		w.frozen = !w.frozen
	case 11:
		w.sleepOrSetClock()
	case 12:
		w.feed(inCommand{connect: w.c.pick(3) > 0, reply: make(chan error, 1)})
	case 13:
		w.feed(inConfigure{cfg: w.config(), reply: make(chan error, 1)})
	case 14:
		w.feed(inPortOpen{port: 4002})
	case 15:
		w.stale()
	case 16:
		w.askForAnOrder()
	}
}

// askForAnOrder has the session ask for Gateway's time by itself.
func (w *world) askForAnOrder() {
	if w.live != 0 && w.asked == 0 && (w.answered == 0 || w.mono-w.answered >= ib.MinProbeGap) {
		w.asked, w.seen.Asked = w.mono, w.mono
	}
}

// answer answers the time request, if there is one.
func (w *world) answer() {
	if w.asked == 0 || w.live == 0 {
		return
	}
	asked := w.asked
	w.asked, w.seen.Asked, w.answered, w.seen.Heard = 0, 0, w.mono, w.mono
	if w.mono-asked < w.cfg.Soft {
		w.provenBy = asked
	}
	w.feed(inNews{ib.Answered{Session: w.live, Asked: asked, RTT: w.mono - asked}})
}

// pass lets time go by, looking at the clock whenever the model asks for it.
func (w *world) pass(d time.Duration) {
	for end := w.mono + d; w.mono < end; {
		w.advance(min(w.m.deadline(w.cfg), end) - w.mono)
		w.feed(inTick{})
		if !w.frozen && w.c.pick(3) > 0 {
			w.answer()
		}
	}
}

func (w *world) advance(d time.Duration) {
	w.mono += d
	w.wall = w.wall.Add(d)
	if !w.frozen && w.live != 0 && w.c.pick(4) == 0 {
		w.seen.Heard = w.mono
		w.seen.MarketAt = w.mono
	}
}

func (w *world) answerAttempt() {
	s := w.trying
	if s == 0 {
		return
	}
	port := DefaultPorts[w.c.pick(len(DefaultPorts))]
	w.upstream = true
	w.feed(inSocket{session: s, port: port, up: w.c.pick(4) > 0})
	if w.c.pick(4) == 0 {
		w.code(s, []int{1100, 2110, 1102, 2104}[w.c.pick(4)])
	}
	w.trying = 0
	if w.c.pick(2) == 0 {
		w.feed(inFailed{session: s, err: &ib.AttemptError{
			Cause: worldCauses[w.c.pick(len(worldCauses))], Port: port,
			Text: "port 7496",
		}})
		return
	}
	w.live = s
	w.seen = ib.Evidence{Session: s, Heard: w.mono}
	w.frozen, w.asked, w.answered = false, 0, 0
	if w.provenBy = w.mono; w.gap > w.dialAt {
		w.provenBy = 0
	}
	mode := []ib.Mode{ib.AnyMode, ib.Paper, ib.Live}[w.c.pick(3)]
	w.feed(inReady{session: s, gateway: ib.Gateway{
		Host: w.cfg.Host, Port: port, ServerVersion: 225, Mode: mode,
		Accounts: 1,
	}})
}

func (w *world) lose(session uint64) {
	if session == w.live {
		w.live = 0
	}
	w.feed(inLost{session: session, cause: ib.CauseClosed})
}

func (w *world) code(session uint64, code int) {
	if session != 0 && (session == w.live || session == w.trying) {
		switch codeTable[code].effect {
		case effectUpstreamLost:
			w.upstream = false
		case effectRestored:
			w.upstream = true
		}
	}
	farm := []string{"usfarm", "hfarm"}[w.c.pick(2)]
	w.feed(inNews{ib.Said{Session: session, Request: -1, Code: code, Text: "port 4001:" + farm}})
}

func (w *world) reconciled() {
	if len(w.runs) == 0 {
		return
	}
	run := w.runs[w.c.pick(len(w.runs))]
	if w.c.pick(4) == 0 {
		run.err = errors.New("no answer")
	}
	w.feed(run)
}

// sleepOrSetClock lets time pass while no one looks, on both clocks or on the wall's alone, which may go back, too.
func (w *world) sleepOrSetClock() {
	d := []time.Duration{time.Second, time.Minute, 50 * time.Minute, 7 * time.Hour, 3 * 24 * time.Hour}[w.c.pick(5)]
	switch w.c.pick(4) {
	case 0:
		w.wall = w.wall.Add(-d)
		w.feed(inTick{})
		return
	case 1:
		w.mono += d
		w.wall = w.wall.Add(d)
	default:
		w.wall = w.wall.Add(d)
	}
	if d > time.Second {
		w.gap = w.mono
	}
	w.feed(inTick{})
}

// stale feeds what belongs to a session that is over, or never was.
func (w *world) stale() {
	s := w.m.session + 1 - uint64(w.c.pick(5))
	if s == w.m.session {
		s += 7
	}
	switch w.c.pick(5) {
	case 0:
		w.feed(inReady{session: s, gateway: ib.Gateway{Port: 4002, Mode: ib.Paper}})
	case 1:
		w.feed(inFailed{session: s, err: &ib.AttemptError{Cause: ib.CauseRefused}})
	case 2:
		w.lose(s)
	case 3:
		w.code(s, worldCodes[w.c.pick(len(worldCodes))])
	case 4:
		w.feed(inReconciled{session: s, run: w.m.run})
	}
}
