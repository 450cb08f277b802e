package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"gatewatch/app/exit"
	"gatewatch/app/wording"
	"gatewatch/conn/history"
)

// Log shows the connection log.
type Log struct {
	Since  string `help:"Since when: a length such as 90m, 24h or 7d, or a local time such as 2026-11-23 or \"2026-11-23 09:30\". Without it, the last 50 records." placeholder:"WHEN"`
	Follow bool   `help:"Keep running and print new records, until interrupted." short:"f"`
	JSON   bool   `help:"Print the records as JSON, one per line."`
}

// lastRecords is how many records are shown unless something else is asked for.
const lastRecords = 50

func (l Log) Run(ctx context.Context, p Program) error {
	dir := p.Home.State
	var after uint64
	show := func(r history.Record) error {
		after = max(after, r.Seq)
		return writeRecord(Stdout, r, l.JSON)
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
			fmt.Fprintf(Stdout, "The last %d records; --since shows older ones.\n", lastRecords)
		}
		for _, r := range records {
			if err := show(r); err != nil {
				return err
			}
		}
		if len(records) == 0 && !l.Follow && !l.JSON {
			fmt.Fprintln(Stdout, wording.NothingRecorded)
		}
	}
	p.sayUnwritten(ctx)
	if !l.Follow {
		return nil
	}
	return history.Follow(ctx, dir, after, show)
}

// sayUnwritten says that the program which runs keeps records that are not in the log, if it cannot write it.
func (p Program) sayUnwritten(ctx context.Context) {
	_, st, err := p.Home.Running(ctx)
	if err != nil {
		return // what no program does not keep is not missing either
	}
	for _, f := range st.Failing {
		if f.Step == wording.FailingLog {
			fmt.Fprintln(os.Stderr, wording.FailingLine(f.Text, f.Detail), f.Hint)
		}
	}
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
	_, err := fmt.Fprintf(out, "%s  %s%s%s\n", r.Local.Format("2006-01-02 15:04:05 -0700"), wording.Record(&r), session,
		detail)
	return err
}

// parseSince reads the start of a time: a length before now such as 90m, 24h or 7d, a local date or date and time, or
// a time in RFC 3339.
func parseSince(text string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(days, "%d", &n); err == nil && fmt.Sprint(n) == days && n >= 0 && n < 100_000 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", "2006-01-02T15:04", time.DateTime} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	return time.Time{}, exit.With(exit.Usage, fmt.Errorf("--since %q is not understood; write a length such as 90m, "+
		"24h or 7d, or a time such as 2026-11-23 or \"2026-11-23 09:30\"", text))
}
