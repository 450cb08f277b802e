package ui

import (
	"slices"
	"time"

	"gatewatch/app/wording"
	"gatewatch/conn/history"
)

// incident is a time in which orders were blocked, by an outage or on a connection that was up, or a moment in which
// orders of a program were refused or became unknown.
type incident struct {
	from, until time.Time // until is now while it lasts
	lasts       bool
	cause       string
	blocked     string // what was not possible
	orders      bool   // orders of a program were refused, or became unknown, at one moment
}

// incidentsOf finds the incidents in records of the connection log, the newest first. Planned outages, pauses and sleep
// are none.
func incidentsOf(records []history.Record, now time.Time) []incident {
	var list []incident
	var outage, guard *incident
	end := func(one **incident, at time.Time) {
		if *one != nil {
			(*one).until = at
			list = append(list, **one)
			*one = nil
		}
	}
	for i := range records {
		r := &records[i]
		switch {
		case r.Counts == history.Down && outage == nil:
			end(&guard, r.Time)
			outage = &incident{from: r.Time, cause: wording.RecordCause(r), blocked: "orders and prices"}
		case r.Counts == history.Down:
			if outage.cause == "" {
				outage.cause = wording.RecordCause(r)
			}
		default:
			end(&outage, r.Time)
		}
		switch r.What {
		case history.OrdersBlocked:
			if guard == nil && outage == nil {
				guard = &incident{from: r.Time, cause: wording.RecordCause(r), blocked: "orders"}
			}
		case history.OrdersConfirmed, history.Stopped, history.Crashed, history.Disconnected:
			end(&guard, r.Time)
		case history.ProgramRefused, history.ProgramUnknown:
			list = append(list, incident{from: r.Time, until: r.Time, cause: wording.Record(r), orders: true})
		}
	}
	for _, one := range []*incident{outage, guard} {
		if one != nil {
			one.until, one.lasts = now, true
			list = append(list, *one)
		}
	}
	slices.SortStableFunc(list, func(a, b incident) int { return b.from.Compare(a.from) })
	return list
}

// entry is the incident in one line, and in full for those who look at it.
func (i *incident) entry(now time.Time) entryTexts {
	one := entryTexts{
		key: i.from.String(), shape: Down, name: upper(i.cause), value: clock(i.from, now),
		word: length(i.until.Sub(i.from).Seconds()),
	}
	if i.cause == "" {
		one.name = "Cause not known"
	}
	if i.blocked == "orders" || i.orders {
		one.shape = Blocked
	}
	if i.orders {
		one.word = ""
	}
	if i.lasts {
		one.word, one.bad = "lasts", true
	}
	return one
}

// text says all about the incident.
func (i *incident) text(now time.Time) string {
	if i.orders {
		return i.cause + ". At " + clock(i.from, now) + "."
	}
	end := " until " + clock(i.until, now) + ", " + length(i.until.Sub(i.from).Seconds())
	if i.lasts {
		end = ", it lasts for " + span(i.until.Sub(i.from))
	}
	words := "From " + clock(i.from, now) + end + ". Not possible: " + i.blocked + "."
	if i.cause != "" {
		words = upper(i.cause) + ". " + words
	}
	return words
}

// within returns those that lie in the given time, as far as they do.
func within(list []incident, from, until time.Time) []incident {
	var some []incident
	for _, i := range list {
		if i.until.After(from) && i.from.Before(until) {
			some = append(some, i)
		}
	}
	return some
}
