package tray

import (
	"strings"
	"testing"
)

func TestInOverflow(t *testing.T) {
	const exe = `C:\Users\Zoë\AppData\Local\Programs\Gatewatch\gatewatch.exe`
	const local = `{F1B32785-6FBA-4FCF-9D55-7B8E7F157091}` // AppData\Local
	other := iconSetting{exe: `C:\Windows\explorer.exe`}
	for name, c := range map[string]struct {
		settings []iconSetting
		want     bool
	}{
		"no Windows 11":    {},
		"not shown yet":    {settings: []iconSetting{other}},
		"in the overflow":  {settings: []iconSetting{other, {exe: exe}}, want: true},
		"in the taskbar":   {settings: []iconSetting{other, {exe: exe, promoted: true}}},
		"one of two":       {settings: []iconSetting{{exe: exe}, {exe: exe, promoted: true}}},
		"in other letters": {settings: []iconSetting{{exe: strings.ToUpper(exe)}}, want: true},
		"in a known folder": {
			settings: []iconSetting{{exe: local + `\Programs\Gatewatch\gatewatch.exe`}},
			want:     true,
		},
		"elsewhere":             {settings: []iconSetting{{exe: `C:\old\gatewatch.exe`}}},
		"elsewhere in a folder": {settings: []iconSetting{{exe: local + `\Old\gatewatch.exe`}}},
		"broken":                {settings: []iconSetting{{}, {exe: "{"}, {exe: "{}"}, {exe: "}"}}},
	} {
		if got := inOverflow(c.settings, exe); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
