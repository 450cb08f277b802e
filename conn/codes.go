package conn

import (
	"maps"

	"gatewatch/conn/ib"
	"gatewatch/conn/texts"
)

// codeEffect is what a code from Gateway does to the connection as a whole.
type codeEffect uint8

const (
	effectNone         codeEffect = iota // reported as a notice
	effectUpstreamLost                   // Gateway lost IBKR
	effectRestored                       // Gateway has IBKR again
	effectFarm                           // one data farm changed
	effectCompeting                      // another session took the market data
	effectFailsSession                   // the client side gave up
	effectUnsupported                    // IBKR ends its support for this version of Gateway
	effectInvalid                        // a request makes no sense, or the API is read-only
)

// codeMarketFarmOK says that a market data farm is connected.
const codeMarketFarmOK = 2104

type codeRow struct {
	effect codeEffect
	farm   FarmState
	kind   string // of farm, where Gateway gives no name
	cause  ib.Cause
}

// codeTable maps message numbers to effects. Numbers only: texts are localised and change.
//
// Source: IBKR's API reference, "Message codes".
var codeTable = map[int]codeRow{
	1100: {effect: effectUpstreamLost, cause: ib.CauseUpstream},
	2110: {effect: effectUpstreamLost, cause: ib.CauseUpstream},
	1102: {effect: effectRestored}, // what Gateway followed, it still does

	2103: {effect: effectFarm, farm: FarmBroken, kind: "market data"},
	2105: {effect: effectFarm, farm: FarmBroken, kind: "historical data"},
	2157: {effect: effectFarm, farm: FarmBroken, kind: "security definitions"},
	2104: {effect: effectFarm, farm: FarmOK, kind: "market data"},
	2106: {effect: effectFarm, farm: FarmOK, kind: "historical data"},
	2158: {effect: effectFarm, farm: FarmOK, kind: "security definitions"},
	2107: {effect: effectFarm, farm: FarmDormant, kind: "historical data"},
	2108: {effect: effectFarm, farm: FarmDormant, kind: "market data"},
	2119: {effect: effectFarm, farm: FarmConnecting, kind: "market data"},

	10197: {effect: effectCompeting, cause: ib.CauseCompeting},

	502: {effect: effectFailsSession, cause: ib.CauseClient},
	504: {effect: effectFailsSession, cause: ib.CauseClient},
	507: {effect: effectFailsSession, cause: ib.CauseClient},

	ib.CodeInvalid:  {effect: effectInvalid},
	ib.CodeDataLost: {effect: effectRestored},
	2172:            {effect: effectUnsupported},
}

// lateNotice handles a code that was still decoded after its session's end. It says nothing about the layers any
// more, but is reported: it may be the reason for the end, or say what became of an order.
func (s *step) lateNotice(in ib.Said) {
	switch codeTable[in.Code].effect {
	case effectNone, effectInvalid, effectUnsupported:
		s.emitNotice(in)
	}
}

func (s *step) notice(in ib.Said) {
	m := &s.m
	row := codeTable[in.Code]
	switch row.effect {
	case effectUpstreamLost:
		m.upstreamLost = s.now.Mono
		if !m.upstream {
			return // 1100 repeats
		}
		m.upstream, m.reconciled = false, false
		m.cause, m.code, m.detail = row.cause, in.Code, in.Text
		if m.phase == up {
			s.lostUpstream()
		}
	case effectRestored:
		s.restored(in)
	case effectFarm:
		if in.Code == codeMarketFarmOK {
			s.emit(Event{Kind: EventMarketFarmOK, Code: in.Code, Detail: in.Text})
		}
		name := texts.FarmName(in.Text, row.kind)
		if name == row.kind && row.farm != FarmBroken {
			return // it is not known which farm it is, and it must not clear another one
		}
		s.farm(name, row.farm, in.Code)
	case effectCompeting:
		if !m.competing {
			s.emit(Event{Kind: EventCompeting, Cause: row.cause, Code: in.Code, Detail: in.Text, Request: in.Request})
		} else if in.Request > 0 {
			s.emitNotice(in)
		}
		m.competing, m.competingAt = true, s.now.Mono
	case effectFailsSession:
		if in.Own {
			s.emitNotice(in)
		} else if m.phase == up {
			s.drop(row.cause, in.Code, in.Text)
		}
	case effectUnsupported:
		m.unsupported, m.unsupportedIn = unsupportedIn(in.Text), m.session
		s.emitNotice(in)
	case effectInvalid:
		if m.readOnly && in.Request < 0 {
			return // it repeats with each question
		}
		s.emitNotice(in)
		s.invalid(in)
	case effectNone:
		s.emitNotice(in)
	}
}

// emitNotice reports a code that changes nothing here, or not only here.
func (s *step) emitNotice(in ib.Said) {
	s.emit(Event{Kind: EventNotice, Session: in.Session, Code: in.Code, Detail: in.Text, Request: in.Request})
}

// lostUpstream begins an outage of upstream in a session that is up. Its cause is the model's.
func (s *step) lostUpstream() {
	m := &s.m
	m.upstreamDownAt = s.now.Moment
	s.emit(Event{Kind: EventUpstreamLost, Cause: m.cause, Code: m.code, Detail: m.detail})
}

func (s *step) restored(in ib.Said) {
	m := &s.m
	was := m.upstream
	m.upstream = true
	if m.phase != up {
		return
	}
	if in.Code == ib.CodeDataLost {
		m.competing = false // every subscription is made again
	}
	d := s.lasted(m.upstreamDownAt)
	m.upstreamDownAt = ib.Moment{}
	if was {
		// A restore without a loss: the loss was before this session, or its notice was missed.
		s.emit(Event{Kind: EventNotice, Code: in.Code, Detail: in.Text})
	} else {
		s.emit(Event{Kind: EventUpstreamRestored, Code: in.Code, Detail: in.Text, Duration: d})
	}
	s.restoredFarms(in)
	s.reconcile(0)
}

// restoredFarms takes in which farms the text of a restore lists. A farm that it does not list stays as it was.
func (s *step) restoredFarms(in ib.Said) {
	lists := texts.FarmLists(in.Text)
	for i, list := range lists {
		for _, name := range list {
			old := s.m.farms[name]
			switch {
			case i == 0:
				s.farm(name, FarmOK, in.Code)
			case i == 1 && old != "" && old != FarmDormant:
				s.farm(name, FarmBroken, in.Code)
			}
		}
	}
	// of all farms; then the one is well, too, whose name could not be read
	if in.Code == ib.CodeDataLost || len(lists) == 1 && len(lists[0]) > 0 {
		for _, broken := range []int{2103, 2105, 2157} {
			if kind := codeTable[broken].kind; s.m.farms[kind] == FarmBroken {
				s.farm(kind, FarmOK, in.Code)
			}
		}
	}
}

func (s *step) farm(name string, state FarmState, code int) {
	m := &s.m
	old, known := m.farms[name]
	if old == state || (!known && len(m.farms) >= 64) {
		return
	}
	farms := map[string]FarmState{}
	maps.Copy(farms, m.farms)
	farms[name], m.farms = state, farms
	if old == FarmBroken || state == FarmBroken {
		s.emit(Event{Kind: EventFarm, Code: code, Detail: name, Farm: state})
	}
}
