package sim

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scmhub/ibapi/protobuf"
)

// historyError is a refusal of the service for historical data.
func historyError(format string, args ...any) *requestError {
	return refused(162, "Historical Market Data Service error message:"+format, args...)
}

func (g *Gateway) historicalData(c *conn, m *protobuf.HistoricalDataRequest) *requestError {
	q, e := g.findUpstream(m.GetContract())
	if e != nil {
		return e
	}
	size, ok := barSize(m.GetBarSizeSetting())
	if !ok {
		return invalid("Historical bar size setting is invalid. Legal ones are: %s", legalSizes())
	}
	zone, zoneName := g.zoneOf(q.in)
	until, e := g.until(m.GetEndDateTime(), zone)
	if e != nil {
		return e
	}
	if m.GetKeepUpToDate() && m.GetEndDateTime() != "" {
		return invalid("End date not supported with keepUpToDate")
	}
	sp, ok := parseSpan(m.GetDuration(), until)
	if !ok {
		return invalid("Historical data query duration is invalid: %s", m.GetDuration())
	}
	what := show(strings.ToUpper(m.GetWhatToShow()))
	if what == "SCHEDULE" {
		return g.schedule(c, q, sp, until, m)
	}
	if what.trades() && q.in.secType() == "CASH" || !slices.Contains(shows, what) {
		return historyError("No historical market data for %s %s", q.in.label(), what)
	}
	bars, ok := g.bars(q, what, sp, until, size, m.GetUseRTH())
	switch {
	case !ok:
		return historyError("Time length exceed max.")
	case len(bars) == 0:
		return historyError("HMDS query returned no data: %s@%s %s", q.in.label(), q.in.contract.GetExchange(), what)
	}
	if m.GetKeepUpToDate() {
		if e := g.keepUpToDate(c, m, q, what, size); e != nil {
			return e
		}
	}
	answer := &protobuf.HistoricalData{ReqId: m.ReqId}
	for _, b := range bars {
		answer.HistoricalDataBars = append(answer.HistoricalDataBars, b.message(what, size, m.GetFormatDate(),
			zoneName))
	}
	end := &protobuf.HistoricalDataEnd{
		ReqId:        m.ReqId,
		StartDateStr: new(sp.begin(until).In(zone).Format("20060102 15:04:05 ") + zoneName),
		EndDateStr:   new(until.In(zone).Format("20060102 15:04:05 ") + zoneName),
	}
	c.sendLocked(barsReply{answer, end})
	if c.version >= verHistoryEnd {
		c.sendLocked(end)
	}
	return nil
}

// findUpstream resolves the contract of a request that Gateway passes on.
func (g *Gateway) findUpstream(want *protobuf.Contract) (*quote, *requestError) {
	if g.upstreamLost {
		return nil, notConnected()
	}
	q, e := g.find(want)
	if e != nil {
		return nil, e
	}
	if code := g.refusalLocked(q, refuseHistory); code != 0 {
		return nil, codeError(code)
	}
	return q, nil
}

// cancelHistoricalData ends bars that are kept up to date. Others are complete at once.
func cancelHistoricalData(_ *Gateway, c *conn, m *protobuf.CancelHistoricalData) *requestError {
	id := m.GetReqId()
	if c.unfollow("history", id) {
		return historyError("API historical data query cancelled: %d", id)
	}
	return refused(366, "No historical data query found for ticker id:%d", id)
}

// barSize reads a bar size, in the words of a gateway or close to them.
func barSize(s string) (time.Duration, bool) {
	plain := func(s string) string {
		s = strings.NewReplacer(
			"seconds", "sec", "second", "sec", "secs", "sec", "minutes", "min", "minute", "min", "mins", "min",
			"hours", "hour", "days", "day", "weeks", "week", "months", "month",
		).Replace(strings.ToLower(s))
		return strings.ReplaceAll(s, " ", "")
	}
	switch s {
	case "1W":
		return oneWeek, true
	case "1M":
		return oneMonth, true
	}
	for _, b := range barSizes {
		if plain(s) == plain(b.name) {
			return b.size, true
		}
	}
	return 0, false
}

func legalSizes() string {
	var names []string
	for _, b := range barSizes {
		names = append(names, b.name)
	}
	return strings.Join(names, ", ")
}

// parseSpan reads a duration such as "1 D".
func parseSpan(s string, until time.Time) (sp span, ok bool) {
	number, unit, _ := strings.Cut(strings.TrimSpace(s), " ")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > 100_000 {
		return sp, false
	}
	switch strings.ToUpper(strings.TrimSpace(unit)) {
	case "S", "":
		sp.seconds = n
	case "D":
		sp.days = n
	case "W":
		sp.days = 5 * n
	case "M":
		sp.from = until.AddDate(0, -n, 0)
	case "Y":
		sp.from = until.AddDate(-n, 0, 0)
	default:
		return sp, false
	}
	return sp, true
}

// begin is when a span begins, as the end of the bars says it: weekends count here.
func (sp span) begin(until time.Time) time.Time {
	switch {
	case sp.seconds > 0:
		return until.Add(-time.Duration(sp.seconds) * time.Second)
	case sp.days > 0:
		return until.AddDate(0, 0, -sp.days)
	}
	return sp.from
}

// until reads the end of a request; there is nothing after now.
func (g *Gateway) until(s string, zone *time.Location) (time.Time, *requestError) {
	now := g.nowLocked().In(zone)
	if s == "" {
		return now, nil
	}
	at, ok := parseTime(s, zone)
	if !ok {
		return at, refused(10314, "End Date/Time: The date, time, or time-zone entered is invalid. "+
			"The correct format is yyyymmdd hh:mm:ss xx/xxxx")
	}
	return earliest(at, now).In(zone), nil
}

// parseTime reads a time as requests have it: with its zone, with a hyphen in UTC, or with neither in a zone.
func parseTime(s string, zone *time.Location) (time.Time, bool) {
	for _, layout := range []string{"20060102-15:04:05Z", "20060102-15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	parts := strings.Fields(s)
	if len(parts) == 3 {
		var err error
		if zone, err = time.LoadLocation(parts[2]); err != nil {
			return time.Time{}, false
		}
		parts = parts[:2]
	}
	for _, layout := range []string{"20060102 15:04:05", "20060102 15:04", "20060102"} {
		if t, err := time.ParseInLocation(layout, strings.Join(parts, " "), zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// schedule lists the sessions of a span.
func (g *Gateway) schedule(
	c *conn, q *quote, sp span, until time.Time, m *protobuf.HistoricalDataRequest,
) *requestError {
	_, zoneName := g.zoneOf(q.in)
	first, last := midnight(g.historyBegins().In(until.Location())), midnight(until)
	answer := &protobuf.HistoricalSchedule{ReqId: m.ReqId, TimeZone: &zoneName}
	const layout = "20060102-15:04:05"
	days := 0
	for d := last; !d.Before(first) && d.After(sp.from); d = midnight(d.Add(-time.Hour)) {
		sessions := q.in.sessions(d.Weekday(), m.GetUseRTH())
		y, month, date := d.Date()
		at := func(minute int) *string {
			return new(time.Date(y, month, date, 0, minute, 0, 0, d.Location()).Format(layout))
		}
		for _, s := range slices.Backward(sessions) {
			answer.HistoricalSessions = append(answer.HistoricalSessions, &protobuf.HistoricalSession{
				StartDateTime: at(s[0]), EndDateTime: at(s[1]), RefDate: new(d.Format("20060102")),
			})
		}
		if len(sessions) > 0 {
			days++
		}
		if days == sp.days || sp.seconds > 0 && days > sp.seconds/(24*60*60) {
			break
		}
	}
	slices.Reverse(answer.HistoricalSessions)
	if n := len(answer.HistoricalSessions); n > 0 {
		answer.StartDateTime = answer.HistoricalSessions[0].StartDateTime
		answer.EndDateTime = answer.HistoricalSessions[n-1].EndDateTime
	}
	c.sendLocked(answer)
	return nil
}

// headTimestamp is when the first prices were.
func (g *Gateway) headTimestamp(c *conn, m *protobuf.HeadTimestampRequest) *requestError {
	q, e := g.findUpstream(m.GetContract())
	if e != nil {
		return e
	}
	zone, _ := g.zoneOf(q.in)
	at := midnight(g.historyBegins().In(zone))
	for range 7 {
		if s := q.in.sessions(at.Weekday(), m.GetUseRTH()); len(s) > 0 {
			at = at.Add(time.Duration(s[0][0]) * time.Minute)
			break
		}
		at = at.AddDate(0, 0, 1)
	}
	text := at.UTC().Format("20060102-15:04:05")
	if m.GetFormatDate() == 2 {
		text = strconv.FormatInt(at.Unix(), 10)
	}
	c.sendLocked(&protobuf.HeadTimestamp{ReqId: m.ReqId, HeadTimestamp: &text})
	return nil
}
