package cli

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/exit"
	"gatewatch/app/home"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/conn/history"
)

// Uptime shows how the time was spent.
type Uptime struct {
	Days int  `help:"How many local days to list, 1 to 3660." default:"7"`
	CSV  bool `help:"Print the days as comma-separated values, in seconds and percent." xor:"form"`
	JSON bool `help:"Print the answer of GET /uptime as it is." xor:"form"`
}

func (u Uptime) Run(ctx context.Context, p Program) error {
	if u.Days < 1 || u.Days > api.MaxDays {
		return exit.With(exit.Usage, fmt.Errorf("--days %d is out of range 1 to %d", u.Days, api.MaxDays))
	}
	report, err := p.uptime(ctx, u.Days)
	switch {
	case err != nil:
		return err
	case u.JSON:
		return printJSON(report)
	case u.CSV:
		return writeUptimeCSV(Stdout, report)
	}
	return writeUptime(Stdout, report)
}

// uptime asks the running program, or reads the log itself if none runs. What one keeps in memory is not there.
func (p Program) uptime(ctx context.Context, days int) (api.Uptime, error) {
	client, err := p.client()
	if err == nil {
		var report api.Uptime
		if report, err = client.Uptime(ctx, days); err == nil {
			return report, nil
		}
	}
	if !errors.Is(err, api.ErrNotRunning) && exit.Code(err) != exit.NotThere || home.Claimed(p.Home.Card()) {
		return api.Uptime{}, home.Explain(err)
	}
	h, now := p.Home, time.Now()
	s, _, err := settings.Load(h.Settings())
	if err != nil {
		s = settings.Default() // only the market hours are needed
	}
	hours, err := s.MarketHours.Hours()
	if err != nil {
		return api.Uptime{}, err
	}
	line, err := history.Load(h.State, api.UptimeNeeds(days, now))
	if err != nil {
		return api.Uptime{}, err
	}
	if beat, err := history.LastBeat(h.State); err == nil {
		line.End(beat)
	}
	return api.UptimeOf(line, days, now, hours), nil
}

// writeUptime writes a report as a table for people.
func writeUptime(out io.Writer, u api.Uptime) error {
	if u.ObservedSince == nil {
		_, err := fmt.Fprintln(out, wording.NothingObserved)
		return err
	}
	spent := table{right: true, rows: [][]string{{
		"", "Uptime", "Market", "Connected", "Down", "Planned", "Paused", "Asleep", "Not observed",
	}}}
	outages := table{right: true, rows: [][]string{{"", "Outages", "Longest", "Mean to recover", "Mean between"}}}
	row := func(name string, p api.Period) {
		spent.row(name, percent(p.UptimePercent), percent(p.MarketUptimePercent),
			length(p.ConnectedSeconds), length(p.DownSeconds), length(p.PlannedSeconds), length(p.PausedSeconds),
			length(p.AsleepSeconds), length(p.UnobservedSeconds))
		if p.Outages == 0 {
			return
		}
		between := none
		if p.MeanBetweenSeconds != nil {
			between = length(*p.MeanBetweenSeconds)
		}
		outages.row(name, strconv.Itoa(p.Outages), length(p.LongestSeconds), length(p.MeanSeconds), between)
	}
	for i := len(u.Days) - 1; i >= 0; i-- {
		row(u.Days[i].From.Format("Mon 2006-01-02"), u.Days[i])
	}
	spent.row()
	for _, p := range u.Periods {
		row("last "+p.Name, p)
	}
	spent.dropEmpty()
	if err := spent.write(out); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if len(outages.rows) > 1 {
		if err := outages.write(out); err != nil {
			return err
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintln(out, "Uptime = connected ÷ (observed − planned − paused).")
	if u.MarketHours != "" {
		fmt.Fprintf(out, "Market: uptime in market hours, %s.\n", u.MarketHours)
	}
	_, err := fmt.Fprintf(out, "Days are those of %s. Observed since %s.\n",
		u.Zone, u.ObservedSince.Local().Format("2006-01-02 15:04"))
	return err
}

// none stands in a table for what there is not.
const none = "–"

func percent(p *float64) string {
	if p == nil {
		return none
	}
	return strconv.FormatFloat(*p, 'f', 3, 64) + " %"
}

func length(seconds float64) string {
	if seconds == 0 {
		return none
	}
	return wording.Duration(time.Duration(seconds * float64(time.Second)))
}

// writeUptimeCSV writes the days of a report, oldest first, as a spreadsheet reads them.
func writeUptimeCSV(out io.Writer, u api.Uptime) error {
	w := csv.NewWriter(out)
	header := []string{
		"day", "from", "until", "seconds", "connected_seconds", "down_seconds", "planned_seconds", "paused_seconds",
		"asleep_seconds",
		"not_observed_seconds", "uptime_percent", "market_uptime_percent", "outages", "longest_seconds", "mean_seconds",
		"mean_between_seconds",
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
			p.Name, p.From.Format(time.RFC3339), p.Until.Format(time.RFC3339), amount(p.Seconds),
			amount(p.ConnectedSeconds), amount(p.DownSeconds),
			amount(p.PlannedSeconds), amount(p.PausedSeconds), amount(p.AsleepSeconds), amount(p.UnobservedSeconds),
			maybe(p.UptimePercent), maybe(p.MarketUptimePercent), strconv.Itoa(p.Outages), amount(p.LongestSeconds),
			amount(p.MeanSeconds), maybe(p.MeanBetweenSeconds),
		})
		if err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}
