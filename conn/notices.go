package conn

import (
	"time"
)

// lateNotice handles a code that was still decoded after its session's end. It says nothing about the layers any
// more, but is told: it may be the reason for the end, or an order's fate.
func (s *step) lateNotice(in inCode) {
	switch codeTable[in.code].effect {
	case effectNone, effectInvalid, effectUnsupported:
		s.tell(Event{Kind: EventNotice, Session: in.session, Code: in.code, Detail: in.text, Request: in.request})
	case effectPortChanged:
		if in.session == s.m.session {
			s.m.portHint = portIn(in.text)
		}
	}
}

// notice handles a code from Gateway.
func (s *step) notice(in inCode) {
	m := &s.m
	row := codeTable[in.code]
	switch row.effect {
	case effectUpstreamLost:
		if !m.upstream {
			return // 1100 repeats
		}
		m.upstream, m.reconciled = false, false
		m.cause, m.code, m.detail = row.cause, in.code, in.text
		if m.phase == up {
			m.upstreamDownAt = s.now.wall
			s.tell(Event{Kind: EventUpstreamLost, Cause: row.cause, Code: in.code, Detail: in.text})
		}
	case effectRestoredLost, effectRestoredKept:
		s.restored(in)
	case effectFarm:
		if in.code == codeMarketFarmOK {
			s.tell(Event{Kind: EventMarketFarmOK, Code: in.code, Detail: in.text})
		}
		name := farmName(in.text, row.kind)
		if name == row.kind && row.farm != FarmBroken {
			return // of which farm it is cannot be told, and it must not clear another one
		}
		s.farm(name, row.farm, in.code)
	case effectCompeting:
		if !m.competing {
			s.tell(Event{Kind: EventCompeting, Cause: row.cause, Code: in.code, Detail: in.text, Request: in.request})
		} else if in.request > 0 {
			s.tell(Event{Kind: EventNotice, Code: in.code, Detail: in.text, Request: in.request})
		}
		m.competing, m.competingAt = true, s.now.mono
	case effectPortChanged:
		if m.phase == up {
			m.portHint = portIn(in.text)
			s.do(doClose{m.session})
			s.sessionLost(m.session, row.cause, in.code, in.text)
		}
	case effectFailsAttempt:
		if m.phase == up {
			s.tell(Event{Kind: EventNotice, Code: in.code, Detail: in.text, Request: in.request})
		} // else the attempt itself reports it
	case effectFailsSession:
		if in.own {
			s.tell(Event{Kind: EventNotice, Code: in.code, Detail: in.text, Request: in.request})
		} else if m.phase == up {
			s.do(doClose{m.session})
			s.sessionLost(m.session, row.cause, in.code, in.text)
		}
	case effectUnsupported:
		m.unsupported, m.unsupportedIn = unsupportedIn(in.text), m.session
		s.tell(Event{Kind: EventNotice, Code: in.code, Detail: in.text, Request: in.request})
	case effectInvalid:
		if m.readOnly && in.request < 0 {
			return // it repeats with each question
		}
		s.tell(Event{Kind: EventNotice, Code: in.code, Detail: in.text, Request: in.request})
		s.invalid(in)
	case effectNone:
		s.tell(Event{Kind: EventNotice, Code: in.code, Detail: in.text, Request: in.request})
	}
}

func (s *step) restored(in inCode) {
	m := &s.m
	was := m.upstream
	m.upstream = true
	if m.phase != up {
		return
	}
	if in.code == 1101 {
		m.competing = false // every subscription is made anew
	}
	var d time.Duration
	if !m.upstreamDownAt.IsZero() {
		d = max(0, s.now.wall.Sub(m.upstreamDownAt))
	}
	m.upstreamDownAt = time.Time{}
	if was {
		// A restore without a loss: the loss was before this session, or its notice was missed.
		s.tell(Event{Kind: EventNotice, Code: in.code, Detail: in.text})
	} else {
		s.tell(Event{Kind: EventUpstreamRestored, Code: in.code, Detail: in.text, Duration: d})
	}
	s.restoredFarms(in)
	s.reconcile(0)
}

// restoredFarms takes in which farms the text of a restore lists. A farm that it does not list stays as it was.
func (s *step) restoredFarms(in inCode) {
	lists := farmLists(in.text)
	for i, list := range lists {
		for _, name := range list {
			old := s.m.farms[name]
			switch {
			case i == 0:
				s.farm(name, FarmOK, in.code)
			case i == 1 && old != "" && old != FarmDormant:
				s.farm(name, FarmBroken, in.code)
			}
		}
	}
	if in.code == 1101 || len(lists) == 1 && len(lists[0]) > 0 { // of all farms; then the one is well, too, whose name could not be read
		for _, broken := range []int{2103, 2105, 2157} {
			if kind := codeTable[broken].kind; s.m.farms[kind] == FarmBroken {
				s.farm(kind, FarmOK, in.code)
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
	m.farms = cloneFarms(m.farms)
	m.farms[name] = state
	if old == FarmBroken || state == FarmBroken {
		s.tell(Event{Kind: EventFarm, Code: code, Detail: name, Farm: state})
	}
}
