package sim

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// row is one value of a replayed market.
type row struct {
	at    time.Duration // since the start of the file, and since the start of the gateway once the file has begun
	kind  int32         // its tick type
	value float64
}

// replay is a market that follows a file.
type replay struct {
	rows   []row
	done   int  // rows that have taken effect
	volume bool // the file has it
}

// replayFields are the fields of a row and their tick types.
var replayFields = map[string]int32{
	"bid": tickBid, "ask": tickAsk, "last": tickLast,
	"bidsize": tickBidSize, "asksize": tickAskSize, "lastsize": tickLastSize,
	"open": tickOpen, "high": tickHigh, "low": tickLow, "close": tickClose, "volume": tickVolume, "halted": tickHalted,
}

// parseReplay reads rows of time, symbol, field and value, as a CSV file has them, and returns those of each symbol.
// The time is in seconds since the start (12.5), a duration since then (1m30s) or a time (2026-01-05T14:30:00Z,
// 2026-01-05 14:30:00.5, or Unix time in seconds or milliseconds), which counts from that of the first row. The fields
// are bid, ask, last, bid_size, ask_size, last_size, open, high, low, close, volume and halted; a price of -1 says that
// there is none. A first line of headings and lines that begin with # are left out. Errors name the line.
func parseReplay(text string) (map[string][]row, error) {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	r.FieldsPerRecord, r.Comment, r.TrimLeadingSpace, r.ReuseRecord = 4, '#', true, true
	rows := map[string][]row{}
	clock := replayClock{}
	for first := true; ; first = false {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && first && strings.EqualFold(strings.TrimSpace(fields[0]), "time") {
			continue
		}
		line := 0
		if err == nil {
			line, _ = r.FieldPos(0)
			err = clock.add(rows, fields)
		} else if bad, ok := errors.AsType[*csv.ParseError](err); ok {
			line, err = bad.Line, bad.Err
		}
		if err != nil {
			return nil, fmt.Errorf("replay line %d: %w", line, err)
		}
	}
	if len(rows) == 0 {
		return nil, errors.New("replay: no rows")
	}
	return rows, nil
}

// replayClock reads the times of rows.
type replayClock struct {
	first time.Time // of the first row that has a time
	last  time.Duration
}

func (c *replayClock) add(rows map[string][]row, fields []string) error {
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	at, err := c.read(fields[0])
	if err != nil {
		return err
	}
	if at < c.last {
		return fmt.Errorf("time %q is before that of the row above", fields[0])
	}
	c.last = at
	kind, ok := replayFields[strings.ToLower(strings.ReplaceAll(fields[2], "_", ""))]
	if !ok {
		return fmt.Errorf("unknown field %q: bid, ask, last, bid_size, ask_size, last_size, open, high, low, close, "+
			"volume or halted", fields[2])
	}
	value, err := strconv.ParseFloat(fields[3], 64)
	if err != nil || math.IsNaN(value) || math.Abs(value) > 1e12 {
		return fmt.Errorf("value %q is not a number", fields[3])
	}
	switch kind {
	case tickBid, tickAsk, tickLast, tickOpen, tickHigh, tickLow, tickClose:
		if !(value > 0 || value == -1) {
			return fmt.Errorf("price %v: must be above 0, or -1 for none", value)
		}
	default:
		if value < 0 || value != math.Trunc(value) {
			return fmt.Errorf("%s %v: must be a whole number of 0 or more", fields[2], value)
		}
	}
	symbol := strings.Clone(fields[1])
	rows[symbol] = append(rows[symbol], row{at, kind, value})
	return nil
}

func (c *replayClock) read(s string) (time.Duration, error) {
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		switch {
		case f >= 1e11 && f < 1e14:
			return c.since(time.UnixMilli(int64(f))), nil
		case f >= 1e9 && f < 1e11:
			return c.since(time.UnixMicro(int64(f * 1e6))), nil
		case f >= 0 && f < 1e9:
			return time.Duration(f * float64(time.Second)), nil
		}
		return 0, fmt.Errorf("time %q is out of range", s)
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return d, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02T15:04:05", "20060102 15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return c.since(t), nil
		}
	}
	return 0, fmt.Errorf("time %q: not seconds (12.5), a duration (1m30s) or a time (2026-01-05T14:30:00Z)", s)
}

// since is a time as one since the start, which the first row with a time sets.
func (c *replayClock) since(t time.Time) time.Duration {
	if c.first.IsZero() {
		c.first = t.Add(-c.last)
	}
	return t.Sub(c.first)
}

// loadReplay makes the markets of a file follow it.
func (g *Gateway) loadReplay(text string) error {
	all, err := parseReplay(text)
	if err != nil {
		return err
	}
	for symbol, rows := range all {
		list, err := g.namedLocked(symbol)
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		for _, q := range list {
			q.follow(rows)
		}
	}
	return nil
}

// follow makes a market follow rows. Until they begin, it has the first values of each kind.
func (q *quote) follow(rows []row) {
	has := func(kind int32) bool {
		return slices.ContainsFunc(rows, func(r row) bool { return r.kind == kind && r.value > 0 })
	}
	r := &replay{volume: has(tickVolume)}
	bid, ask, last := has(tickBid), has(tickAsk), has(tickLast)
	for _, one := range rows {
		r.rows = append(r.rows, one)
		step := q.in.step(one.value)
		switch { // what the file leaves out is a tick away
		case one.kind == tickLast && !bid && !ask:
			r.rows = append(r.rows, row{one.at, tickBid, one.value}, row{one.at, tickAsk, round(one.value + step)})
		case one.kind == tickBid && !ask:
			r.rows = append(r.rows, row{one.at, tickAsk, round(one.value + step)})
		case one.kind == tickAsk && !bid:
			r.rows = append(r.rows, row{one.at, tickBid, round(one.value - step)})
		}
		if one.kind == tickBid && !last {
			r.rows = append(r.rows, row{one.at, tickLast, one.value})
		}
	}
	q.replay = r
	q.moment = moment{bidSize: 100, askSize: 100, lastSize: 100}
	for _, one := range slices.Backward(r.rows) { // the first of each kind stays
		if one.kind == tickBid || one.kind == tickAsk || one.kind == tickLast || one.kind == tickVolume {
			q.moment.set(one)
		}
	}
	q.high, q.low, q.day.open, q.day.close = q.last, q.last, q.last, q.last
	for _, one := range slices.Backward(r.rows) {
		if one.kind == tickHigh || one.kind == tickLow || one.kind == tickOpen || one.kind == tickClose {
			q.set(one)
		}
	}
	q.legs = []leg{{from: math.MinInt64, pinned: q.bid}}
	for _, one := range r.rows {
		if one.kind == tickBid && one.value > 0 {
			q.legs = append(q.legs, leg{from: one.at, pinned: one.value})
		}
	}
}

// set takes over a value.
func (m *moment) set(r row) {
	switch r.kind {
	case tickBid:
		m.bid = r.value
	case tickAsk:
		m.ask = r.value
	case tickLast:
		m.last = r.value
	case tickBidSize:
		m.bidSize = int64(r.value)
	case tickAskSize:
		m.askSize = int64(r.value)
	case tickLastSize:
		m.lastSize = int64(r.value)
	case tickVolume:
		m.volume = int64(r.value)
	}
}

func (q *quote) set(r row) {
	q.moment.set(r)
	switch r.kind {
	case tickLast:
		if r.value > 0 {
			q.high, q.low = max(q.high, r.value), min(q.low, r.value)
		}
	case tickHigh:
		q.high = r.value
	case tickLow:
		q.low = r.value
	case tickOpen:
		q.day.open = r.value
	case tickClose:
		q.day.close = r.value
	case tickHalted:
		q.halted = int(r.value)
	}
}

// beginReplay starts the file, with the first request for data or an order of one of its instruments.
func (g *Gateway) beginReplay() {
	if g.replaying {
		return
	}
	g.replaying = true
	start := g.elapsed()
	for _, q := range g.quotes {
		if q.replay == nil {
			continue
		}
		for i := range q.replay.rows {
			q.replay.rows[i].at += start
		}
		for i := range q.legs[1:] {
			q.legs[1+i].from += start
		}
	}
}

// playLocked gives the replayed markets the values that are due, looking for fills after each, and reports whether
// there were any.
func (g *Gateway) playLocked() (played bool) {
	if !g.replaying {
		return false
	}
	now := g.elapsed()
	for _, q := range g.quotes {
		r := q.replay
		for ; r != nil && r.done < len(r.rows) && r.rows[r.done].at <= now; r.done++ {
			q.set(r.rows[r.done])
			if !r.volume && r.rows[r.done].kind == tickLast {
				q.volume += q.lastSize
			}
			g.matchLocked(q)
			played = true
		}
	}
	return played
}

// follow writes the values of a replayed market that have taken effect since the last time, and returns how many.
func (f *feed) follow(t *tickWriter, now time.Time) int64 {
	s, n := f.s, int64(0)
	for ; s.row < f.done; s.row++ {
		r := f.replay.rows[s.row]
		s.at.set(r)
		if !f.replay.volume && r.kind == tickLast {
			s.at.volume += s.at.lastSize
		}
		if f.done-s.row > maxTicks {
			continue
		}
		n++
		switch r.kind {
		case tickBid:
			f.price(t, tickBid, s.at.bid, s.at.bidSize)
		case tickAsk:
			f.price(t, tickAsk, s.at.ask, s.at.askSize)
		case tickLast:
			f.trade(t, s.at, now)
		case tickHigh, tickLow, tickOpen, tickClose:
			f.price(t, r.kind, r.value, 0)
		case tickHalted:
			f.generic(t, tickHalted, r.value)
		default:
			f.size(t, r.kind, int64(r.value))
		}
	}
	return n
}
