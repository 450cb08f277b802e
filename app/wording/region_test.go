package wording

import (
	"testing"
	"time"

	"gatewatch/app/region"
	"gatewatch/conn/calendar"
)

func preset(t *testing.T, names ...string) (c calendar.Calendar) {
	t.Helper()
	for _, name := range names {
		p, err := calendar.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		c = append(c, p...)
	}
	return c
}

// local sets the zone of this computer for a test.
func local(t *testing.T, zone string) {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	before := time.Local
	time.Local = loc
	t.Cleanup(func() { time.Local = before })
}

// TestResetTimes: times are those of this computer's clock, also in summer and within the window.
func TestResetTimes(t *testing.T) {
	winter, summer := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC), time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		zone   string
		at     time.Time
		preset []string
		want   string
	}{
		{"Europe/Zurich", winter, []string{"ibkr-europe"}, "06:25–07:45"},
		{"Europe/London", winter, []string{"ibkr-europe"}, "05:25–06:45 (06:25–07:45 in Zurich)"},
		{"Australia/Sydney", winter, []string{"ibkr-america"}, "16:15–17:45 (00:15–01:45 in New York)"},
		{"Australia/Sydney", summer, []string{"ibkr-america"}, "14:15–15:45 (00:15–01:45 in New York)"},
		{"Asia/Tokyo", winter, []string{"ibkr-asia"}, "05:45–07:05 (04:45–06:05 in Hong Kong) and " +
			"21:15–22:15 (20:15–21:15 in Hong Kong)"},
		{"Europe/Zurich", winter.Add(-390 * time.Minute), []string{"ibkr-europe", "ibkr-europe"}, "06:25–07:45"},
		{"UTC", winter, nil, ""},
	} {
		local(t, c.zone)
		if got := resetTimes(preset(t, c.preset...), c.at); got != c.want {
			t.Errorf("%v in %s: %q, not %q", c.preset, c.zone, got, c.want)
		}
	}
}

func TestResetWindowReasons(t *testing.T) {
	local(t, "Europe/London")
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	europe := preset(t, "ibkr-europe")
	const times = "05:25–06:45 (06:25–07:45 in Zurich)"
	for _, c := range []struct {
		found            region.Found
		applies, suggest string
	}{
		{
			region.Found{Zone: "Europe/London", Computer: region.Europe},
			"Reset window for Europe: " + times + ", because this computer's time zone is Europe/London.",
			"Reset window for Europe: " + times + ", because this computer's time zone is Europe/London.",
		}, {
			region.Found{
				Zone: "Asia/Tokyo", Computer: region.Asia, Gateway: region.Europe, Basis: region.BasisServer,
				Paper: true,
			},
			"Reset window for Asia: " + times + ", because this computer's time zone is Asia/Tokyo.",
			"Reset window for Europe: " + times + ", because jts.ini says that Gateway uses servers there. " +
				"Until you save it, the window for Asia applies.",
		}, {
			region.Found{Zone: "UTC", Gateway: region.Europe, Basis: region.BasisZone, Paper: true},
			"Reset window for Europe: " + times + ", because Gateway's time zone in jts.ini is there.",
			"Reset window for Europe: " + times + ", because Gateway's time zone in jts.ini is there. " +
				"Paper accounts are on the servers in America by default, so the window there is included.",
		}, {
			region.Found{Gateway: region.America, Basis: region.BasisPaper, Paper: true},
			"Reset window for America: " + times + ", because paper accounts are on the servers there by default.",
			"Reset window for America: " + times + ", because paper accounts are on the servers there by default.",
		}, {
			region.Found{Zone: "UTC"},
			"This computer's time zone (UTC) shows no region, so the default reset window applies: " + times + ".",
			"This computer's time zone (UTC) shows no region, so the default reset window applies: " + times + ".",
		}, {
			region.Found{},
			"This computer's time zone (not known) shows no region, so the default reset window applies: " + times +
				".",
			"This computer's time zone (not known) shows no region, so the default reset window applies: " + times +
				".",
		},
	} {
		if got := ResetWindow(c.found, europe, now); got != c.applies {
			t.Errorf("%+v applies: %s", c.found, got)
		}
		if got := SuggestedReset(c.found, europe, now); got != c.suggest {
			t.Errorf("%+v suggested: %s", c.found, got)
		}
	}
}
