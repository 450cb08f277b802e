package wording

import (
	"strings"
	"testing"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
)

func TestUnsupported(t *testing.T) {
	u := conn.Unsupported{Text: "on 20261215", From: time.Date(2026, 12, 15, 0, 0, 0, 0, time.UTC)}
	for day, want := range map[string][2]string{
		"2026-11-30 00:00": {"Update Gateway before 15 December 2026", "on 15 December 2026, in 15 days. Update IB " +
			"Gateway or TWS to 10.50 or newer"},
		"2026-12-13 23:59": {"Update Gateway before 15 December 2026", "in 2 days."},
		"2026-12-14 12:00": {"Update Gateway before 15 December 2026", "tomorrow, on 15 December 2026."},
		"2026-12-15 00:00": {"no longer supports", "since 15 December 2026 and may refuse its login. Update IB " +
			"Gateway or TWS to 10.50"},
		"2027-02-01 12:00": {"no longer supports", "since 15 December 2026"},
	} {
		now, err := time.ParseInLocation("2006-01-02 15:04", day, time.Local)
		if err != nil {
			t.Fatal(err)
		}
		if title, text := UnsupportedTitle(u, now), Unsupported(u, now); !strings.Contains(title, want[0]) ||
			!strings.Contains(text, want[1]) {
			t.Errorf("%s: %q, %q", day, title, text)
		}
	}
	odd := conn.Unsupported{Text: "bald\x1b[31m vorbei"}
	if text := Unsupported(odd, time.Now()); !strings.Contains(text, "“bald [31m vorbei”. Update IB Gateway") {
		t.Errorf("without a date: %q", text)
	}
	if title, text := UnsupportedTitle(conn.Unsupported{}, time.Now()),
		Unsupported(conn.Unsupported{}, time.Now()); title+text != "" {
		t.Errorf("of nothing: %q, %q", title, text)
	}
}

// TestVersions: what has to be updated is the older of the two, Gateway or Gatewatch.
func TestVersions(t *testing.T) {
	for cause, want := range map[ib.Cause][2]string{
		ib.CauseUnsupported: {"is not supported", "Update IB Gateway or TWS"},
		ib.CauseTooNew:      {"is newer than Gatewatch", "Update Gatewatch"},
	} {
		s := &conn.Snapshot{State: conn.Reconnecting, Cause: cause, Detail: "server version 7"}
		if said, hint := Cause(s), Hint(s, 1); !strings.Contains(said, want[0]) ||
			!strings.Contains(said, "server version 7") || !strings.HasPrefix(hint, want[1]) {
			t.Errorf("%s: %q, %q", cause, said, hint)
		}
	}
}
