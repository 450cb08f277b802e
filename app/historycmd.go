package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/conn/history"
)

type uptimeCmd struct {
	Days int  `help:"How many local days to list, 1 to 3660." default:"7"`
	CSV  bool `help:"Print the days as comma-separated values, in seconds and percent." xor:"form"`
	JSON bool `help:"Print the answer of GET /uptime as it is." xor:"form"`
}

func (u uptimeCmd) Run(ctx context.Context, c *cli) error {
	if u.Days < 1 || u.Days > api.MaxDays {
		return &exitError{exitUsage, fmt.Errorf("--days %d is out of range 1 to %d", u.Days, api.MaxDays)}
	}
	report, err := c.uptime(ctx, u.Days)
	switch {
	case err != nil:
		return err
	case u.JSON:
		return printJSON(report)
	case u.CSV:
		return writeUptimeCSV(os.Stdout, report)
	}
	return writeUptime(os.Stdout, report)
}

// uptime asks the running program, or reads the log itself if none runs.
func (c *cli) uptime(ctx context.Context, days int) (api.Uptime, error) {
	client, err := c.resident()
	if err == nil {
		var report api.Uptime
		if report, _, err = client.Uptime(ctx, days); err == nil {
			return report, nil
		}
	}
	var exit *exitError
	if !errors.Is(err, api.ErrNotRunning) && !(errors.As(err, &exit) && exit.code == exitNotThere) {
		return api.Uptime{}, err
	}
	h, now := homeAt(c.Home), time.Now()
	s, _, err := settings.Load(h.settings())
	if err != nil {
		s = settings.Default() // only the market hours are needed
	}
	hours, err := hoursOf(s.MarketHours)
	if err != nil {
		return api.Uptime{}, err
	}
	line, err := history.Load(h.state, reach(days, now))
	if err != nil {
		return api.Uptime{}, err
	}
	if beat, err := history.LastBeat(h.state); err == nil {
		line.End(beat)
	}
	return uptimeOf(line, days, now, hours), nil
}

// writeUptime writes a report as a table for people.
func writeUptime(out io.Writer, u api.Uptime) error {
	if u.ObservedSince == nil {
		_, err := fmt.Fprintln(out, "Nothing has been observed yet.")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tUptime\tMarket hours\tConnected\tDown\tPlanned\tPaused\tAsleep\tNot observed\tOutages\tLongest\tMean to recover\tMean between\t")
	row := func(name string, p api.Period) {
		between := "–"
		if p.MeanBetweenSeconds != nil {
			between = length(*p.MeanBetweenSeconds)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t\n", name, percent(p.UptimePercent), percent(p.MarketUptimePercent),
			length(p.ConnectedSeconds), length(p.DownSeconds), length(p.PlannedSeconds), length(p.PausedSeconds),
			length(p.AsleepSeconds), length(p.UnobservedSeconds), p.Outages, length(p.LongestSeconds), length(p.MeanSeconds), between)
	}
	for i := len(u.Days) - 1; i >= 0; i-- {
		row(u.Days[i].From.Format("Mon 2006-01-02"), u.Days[i])
	}
	fmt.Fprintln(w, "\t\t\t\t\t\t\t\t\t\t\t\t\t")
	for _, p := range u.Periods {
		row("last "+p.Name, p)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	hours := ""
	if u.MarketHours != "" {
		hours = "Market hours: " + u.MarketHours + ". "
	}
	_, err := fmt.Fprintf(out, "\nUptime = connected ÷ (observed − planned − paused). %sDays are those of %s. Observed since %s.\n",
		hours, u.Zone, u.ObservedSince.Local().Format("2006-01-02 15:04"))
	return err
}

func percent(p *float64) string {
	if p == nil {
		return "–"
	}
	return strconv.FormatFloat(*p, 'f', 3, 64) + " %"
}

func length(seconds float64) string {
	if seconds == 0 {
		return "–"
	}
	return wording.Duration(time.Duration(seconds * float64(time.Second)))
}

// writeUptimeCSV writes the days of a report, oldest first, as a spreadsheet reads them.
func writeUptimeCSV(out io.Writer, u api.Uptime) error {
	w := csv.NewWriter(out)
	header := []string{
		"day", "from", "until", "seconds", "connected_seconds", "down_seconds", "planned_seconds", "paused_seconds", "asleep_seconds",
		"not_observed_seconds", "uptime_percent", "market_uptime_percent", "outages", "longest_seconds", "mean_seconds", "mean_between_seconds",
	}
	if err := w.Write(header); err != nil {
		return err
	}
	maybe := func(v *float64) string {
		if v == nil {
			return ""
		}
		return amount(*v)
	}
	for _, p := range u.Days {
		err := w.Write([]string{
			p.Name, p.From.Format(time.RFC3339), p.Until.Format(time.RFC3339), amount(p.Seconds), amount(p.ConnectedSeconds), amount(p.DownSeconds),
			amount(p.PlannedSeconds), amount(p.PausedSeconds), amount(p.AsleepSeconds), amount(p.UnobservedSeconds),
			maybe(p.UptimePercent), maybe(p.MarketUptimePercent), strconv.Itoa(p.Outages), amount(p.LongestSeconds), amount(p.MeanSeconds), maybe(p.MeanBetweenSeconds),
		})
		if err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

type logCmd struct {
	Since  string `help:"From when on: a length such as 90m, 24h or 7d, or a local time such as 2026-11-23 or \"2026-11-23 09:30\". Without it, the last 50 records." placeholder:"WHEN"`
	Follow bool   `help:"Go on with what happens, until interrupted." short:"f"`
	JSON   bool   `help:"Print the records as JSON, one per line."`
}

// lastRecords is how many records are shown unless something else is asked for.
const lastRecords = 50

func (l logCmd) Run(ctx context.Context, c *cli) error {
	dir := homeAt(c.Home).state
	var after uint64
	show := func(r history.Record) error {
		after = max(after, r.Seq)
		return writeRecord(os.Stdout, r, l.JSON)
	}
	if l.Since != "" {
		since, err := parseSince(l.Since, time.Now())
		if err != nil {
			return err
		}
		var failed error
		err = history.Read(dir, since, func(r history.Record) bool {
			after = max(after, r.Seq)
			if !r.Time.Before(since) {
				failed = show(r)
			}
			return failed == nil && ctx.Err() == nil
		})
		if err = errors.Join(err, failed); err != nil {
			return err
		}
	} else {
		records, more, err := history.Query(dir, time.Time{}, 0, lastRecords)
		if err != nil {
			return err
		}
		if more && !l.JSON {
			fmt.Printf("The last %d records; --since shows older ones.\n", lastRecords)
		}
		for _, r := range records {
			if err := show(r); err != nil {
				return err
			}
		}
		if len(records) == 0 && !l.Follow && !l.JSON {
			fmt.Println("Nothing has been recorded yet.")
		}
	}
	if !l.Follow {
		return nil
	}
	return history.Follow(ctx, dir, after, show)
}

// writeRecord writes one record in one line.
func writeRecord(out io.Writer, r history.Record, asJSON bool) error {
	if asJSON {
		line, err := json.Marshal(r)
		if err != nil {
			return err
		}
		_, err = out.Write(append(line, '\n'))
		return err
	}
	session := ""
	if r.Session != 0 {
		session = fmt.Sprintf(" [session %d]", r.Session)
	}
	detail := ""
	if r.Detail != "" && r.What != history.FarmChanged {
		detail = ": " + wording.OneLine(r.Detail)
	}
	_, err := fmt.Fprintf(out, "%s  %s%s%s\n", r.Local.Format("2006-01-02 15:04:05 -0700"), wording.Record(&r), session, detail)
	return err
}
