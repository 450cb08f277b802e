package texts

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFarmNames(t *testing.T) {
	for text, want := range map[string]string{
		"Market data farm connection is OK:usfarm.nj":                                           "usfarm.nj",
		"Market data farm connection is OK: usfarm ":                                            "usfarm",
		"Market data farm connection is OK:xyz":                                                 "xyz",
		"Market data farm connection is OK:usfarm.":                                             "usfarm",
		"HMDS data farm connection is inactive but should be available upon demand.ushmds":      "ushmds",
		"Market data farm connection is inactive but should be available upon demand.usfarm.nj": "usfarm.nj",
		"Market data farm connection is inactive but should be available upon demand. usfarm":   "usfarm",
		"Datenfarm ist inaktiv, sollte aber auf Anfrage verfügbar.ushmds":                       "ushmds",
		"市场数据连接正常：usfarm.nj":                                                                    "usfarm.nj",
		"市场数据连接正常usfarm":                                                                        "usfarm",
		"市場データファーム接続は正常です：　hfarm":                                                               "hfarm",
		"ヒストリカルデータは要求に応じて利用できます。apachmds":                                                       "apachmds",
		"اتصال مزرعة بيانات السوق سليم \u200eusfarm\u200f":                                      "usfarm",
		"Connexion à la ferme de données correcte\u00a0: usopt":                                 "usopt",
		"Market data farm connection is OK usfuture":                                            "usfuture",
		"Market data farm usfarm.nj connection is OK":                                           "usfarm.nj",
		"Ends with a full stop.":                                                                "kind",
		"Market data farm connection is OK":                                                     "kind",
		"":                                                                                      "kind",
		"nothing":                                                                               "kind",
		"colon:":                                                                                "kind",
		"a colon: and words":                                                                    "kind",
		"连接正常：":                                                                                 "kind",
	} {
		if got := FarmName(text, "kind"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestFarmLists(t *testing.T) {
	for text, want := range map[string][][]string{
		"restored - data maintained.": nil,
		"restored - data maintained. All data farms are connected: usfarm; ushmds; secdefil.": {
			{"usfarm", "ushmds", "secdefil"},
		},
		"restored. All data farms are connected: usfarm.nj; xyz": {{"usfarm.nj", "xyz"}},
		"已恢复。所有数据连接：usfarm；ushmds。":                              {{"usfarm", "ushmds"}},
		"restored. The following farms are connected: usfarm; hfarm. The following farms are not connected: " +
			"secdefil; ushmds.": {
			{"usfarm", "hfarm"}, {"secdefil", "ushmds"},
		},
		"restored. The following farms are connected: . The following farms are not connected: usfarm.": {
			nil, {"usfarm"},
		},
		"restored: ": {nil},
	} {
		got := FarmLists(text)
		if !slices.EqualFunc(got, want, slices.Equal[[]string]) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestDateInText(t *testing.T) {
	for text, want := range map[string]string{
		"This version of IB Gateway will be desupported on 20261215. Please upgrade.": "2026-12-15",
		"20261215":             "2026-12-15",
		"until 2026-12-15":     "2026-12-15",
		"até 2026/12/15!":      "2026-12-15",
		"до 15.12.2026 г.":     "2026-12-15",
		"2026年12月15日以降":        "2026-12-15",
		"2026년 12월 15일":        "2026-12-15",
		"２０２６１２１５ から":          "2026-12-15",
		"بعد ٢٠٢٦/١٢/١٥":       "2026-12-15",
		"12/15/2026":           "2026-12-15",
		"5. 5. 2026":           "2026-05-05",
		"2026-12-15T23:00:00Z": "2026-12-15",
		"20261215T230000":      "2026-12-15",
		"Version 10.45.1b (build 20250801) endet am 20261215": "2026-12-15",
		"version 10.37.1":        "",
		"05/06/2026":             "", // May or June
		"20261315":               "",
		"20260230":               "",
		"2026-02-29":             "",
		"202612150":              "",
		"19991215":               "",
		"21001215":               "",
		"15 December 2026":       "",
		"2026 and 12 and 15":     "",
		"":                       "",
		strings.Repeat("9", 999): "",
	} {
		got := ""
		if at := Date(text); !at.IsZero() {
			got = at.Format(time.DateOnly)
		}
		if got != want {
			t.Errorf("%.60q: %q, want %q", text, got, want)
		}
	}
}

func FuzzDateInText(f *testing.F) {
	f.Add("on 20261215 or 15.12.2026")
	f.Fuzz(func(t *testing.T, text string) {
		if at := Date(text); !at.IsZero() && (at.Year() < 2000 || at.Year() > 2099) {
			t.Errorf("%q: %v", text, at)
		}
	})
}

func TestPortInText(t *testing.T) {
	for text, want := range map[string]int{
		"please reconnect on the new port - 7497": 7497,
		"from 4002 to 4001.":                      4001,
		"port 99999":                              0,
		"port 123456 or 4002":                     4002,
		"no number":                               0,
		"0":                                       0,
	} {
		if got := Port(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
