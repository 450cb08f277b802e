package sim

import (
	"time"
)

// interval is a time in which an instrument trades.
type interval struct {
	from, to time.Time
	opening  bool // from is the begin of a session
}

// zoneOf is the zone in which an instrument's exchange writes times, and its name as contract details have it.
func (g *Gateway) zoneOf(in *instrument) (*time.Location, string) {
	if in.secType() == "FUT" {
		if zone, err := time.LoadLocation("America/Chicago"); err == nil {
			return zone, "US/Central"
		}
	}
	return g.zone, "US/Eastern"
}

// sessions are the minutes of a day between which an instrument trades, in regular hours or in all.
func (in *instrument) sessions(day time.Weekday, regular bool) [][2]int {
	weekday := day != time.Saturday && day != time.Sunday
	const hour = 60
	switch {
	case in.secType() == "STK" && !weekday || day == time.Saturday:
		return nil
	case in.secType() == "STK" && regular:
		return [][2]int{{9*hour + 30, 16 * hour}}
	case in.secType() == "STK":
		return [][2]int{{4 * hour, 20 * hour}}
	case in.secType() == "FUT" && regular && !weekday:
		return nil
	case in.secType() == "FUT" && regular:
		return [][2]int{{8*hour + 30, 16 * hour}}
	}
	end, begin := 16*hour, 17*hour // in Chicago
	if in.secType() == "CASH" {
		end, begin = 17*hour, 17*hour+15
	}
	switch day {
	case time.Sunday:
		return [][2]int{{begin, 24 * hour}}
	case time.Friday:
		return [][2]int{{0, end}}
	}
	return [][2]int{{0, end}, {begin, 24 * hour}}
}

// dayEnds is when the next day of trading ends for an instrument. The market itself goes on.
func (g *Gateway) dayEnds(in *instrument, regular bool) time.Time {
	zone, _ := g.zoneOf(in)
	now := g.nowLocked().In(zone)
	for day := midnight(now); ; day = day.AddDate(0, 0, 1) {
		for _, s := range in.sessions(day.Weekday(), regular) {
			end := time.Date(day.Year(), day.Month(), day.Day(), 0, s[1], 0, 0, zone)
			if s[1] < 24*60 && end.After(now) { // else it goes on on the next day
				return end
			}
		}
	}
}

// tradingDay is the times of one day in which there were trades: its sessions, and all times since the simulator was
// started, whose markets never close.
type tradingDay struct {
	date      time.Time // midnight
	intervals []interval
	regular   bool // it has a session
}

// dayOf returns the trading day that begins at a midnight, up to a time.
func (g *Gateway) dayOf(in *instrument, midnight time.Time, regular bool, until time.Time) tradingDay {
	day := tradingDay{date: midnight}
	next := midnight.AddDate(0, 0, 1)
	opened := g.startedAt()
	for _, s := range in.sessions(midnight.Weekday(), regular) {
		y, m, d := midnight.Date()
		at := func(minute int) time.Time { return time.Date(y, m, d, 0, minute, 0, 0, midnight.Location()) }
		i := interval{at(s[0]), at(s[1]), true}
		if i.from.Before(until) {
			day.regular = true
		}
		if i.to.After(opened) { // from the start on there is one interval
			i.to = latest(opened, i.from)
		}
		i.to = earliest(i.to, until)
		day.add(i)
	}
	day.add(interval{latest(opened, midnight), earliest(next, until), false})
	return day
}

// add adds an interval that is not empty, and joins it to the last one if they touch.
func (d *tradingDay) add(i interval) {
	n := len(d.intervals)
	switch {
	case !i.from.Before(i.to):
	case n > 0 && d.intervals[n-1].to.Equal(i.from):
		d.intervals[n-1].to = i.to
	default:
		d.intervals = append(d.intervals, i)
	}
}

// barAt is when the bar begins that a time of an interval belongs to. Bars are aligned to the day, but the first one of
// a session begins with it.
func (d *tradingDay) barAt(i interval, t time.Time, size time.Duration) time.Time {
	at := d.date.Add(t.Sub(d.date).Truncate(size))
	if i.opening {
		return latest(at, i.from)
	}
	return at
}

// midnight is when the day of a time began in its zone.
func midnight(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, t.Location())
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// startedAt is when the simulator was started, by the gateway's clock.
func (g *Gateway) startedAt() time.Time { return g.nowLocked().Add(-g.elapsed()) }
