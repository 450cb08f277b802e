package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestEndOfSupportIsReportedOnce has Gateway say on each connection until when its version is supported, over a restart
// of the program.
func TestEndOfSupportIsReportedOnce(t *testing.T) {
	server := newCatcher(t)
	server.open()
	r := newRig(t, "DU1234567", `, "notices": {"weekly_reminder_hours": 0}, "webhook": {"url": "env:TEST_HOOK"}`,
		`{"rules": []}`,
		"TEST_HOOK=http://"+server.addr+"/hook")
	say := func(date time.Time) {
		t.Helper()
		r.awaitOpen()
		r.gateway.Notice(2172, "ends on "+date.Format("20060102"))
		r.until("the date is known", func() bool {
			return strings.Contains(r.get("/status"), `"unsupported_from": "`+date.Format(time.DateOnly)+`"`)
		})
	}
	// What was delivered just before a kill may come once more, with the same id.
	told := func(date time.Time) int {
		ids := map[string]bool{}
		for _, c := range server.caught("/hook") {
			if strings.Contains(c.body, "before "+date.Format("2 January 2006")) &&
				strings.Contains(c.body, `"unsupported"`) {
				ids[regexp.MustCompile(`"id":"\w+"`).FindString(c.body)] = true
			}
		}
		return len(ids)
	}
	first, second := time.Now().AddDate(0, 0, 40), time.Now().AddDate(0, 0, 50)
	say(first)
	r.until("it is told", func() bool { return told(first) == 1 })
	r.until("it is written down", func() bool {
		text, err := os.ReadFile(filepath.Join(r.dir, "reminders.json"))
		return err == nil && strings.Contains(string(text), first.Format(time.DateOnly))
	})
	r.end(os.Interrupt)
	r.start()
	say(first)
	say(second) // what there is to say of the first has been said by then
	r.until("another day is told", func() bool { return told(second) == 1 })
	if n := told(first); n != 1 {
		t.Errorf("told %d times: %+v", n, server.caught("/hook"))
	}
	// A file that cannot be read is no reason to say nothing.
	r.end(os.Interrupt)
	r.write("reminders.json", "{[")
	r.start()
	say(second)
	r.until("it is told again", func() bool { return told(second) == 2 })
}
