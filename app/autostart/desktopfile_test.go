package autostart

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestExecTakesEveryCommand(t *testing.T) {
	check := func(t testing.TB, command []string) {
		t.Helper()
		text := enabled(t, "", command)
		got, blocked := readDesktop(text, "", nil)
		if !slices.Equal(got, command) || blocked != "" {
			t.Fatalf("%q is written as\n%s\nand read as %q, blocked by %q", command, text, got, blocked)
		}
		if n := strings.Count(text, "\n"); n != 8 {
			t.Fatalf("%q makes %d lines of 8:\n%s", command, n, text)
		}
	}
	for _, command := range nasty {
		check(t, command)
	}
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(word(), 1, 4).Draw(t, "command")
		text, err := enableDesktop("", words)
		if strings.Contains(words[0], "%") && strings.Contains(words[0], "=") {
			if !errors.Is(err, errPath) {
				t.Fatalf("%q: %v", words, err)
			}
			return
		}
		if got, blocked := readDesktop(text, "", nil); !slices.Equal(got, words) || blocked != "" {
			t.Fatalf("%q is written as\n%s\nand read as %q, blocked by %q", words, text, got, blocked)
		}
	})
}

func TestExecIsAsTheSpecificationSays(t *testing.T) {
	for _, c := range []struct {
		command []string
		want    string
	}{
		{[]string{"/usr/bin/gatewatch"}, `/usr/bin/gatewatch`},
		{[]string{"/a b/gatewatch", "--home", "/c"}, `"/a b/gatewatch" --home /c`},
		{[]string{"/100%/g"}, `/usr/bin/env /100%%/g`},
		{[]string{`/a$b/g`}, `"/a\\$b/g"`},        // "the dollar sign … is represented by \\$"
		{[]string{`/a\b/g`}, `"/a\\\\b/g"`},       // "a literal backslash … by \\\\"
		{[]string{"/a\"b/g"}, `"/a\\"b/g"`},       //
		{[]string{"/a\nb/g", ""}, `"/a\nb/g" ""`}, //
	} {
		_, got := parseDesktopFile(enabled(t, "", c.command)).find("Exec")
		if got != c.want {
			t.Errorf("%q: Exec=%s, want %s", c.command, got, c.want)
		}
	}
	for line, want := range map[string][]string{
		`gatewatch %U --headless %%`: {"gatewatch", "--headless", "%"},
		`"open`:                      nil,
		`  `:                         nil,
		`a "" b`:                     {"a", "", "b"},
		`a"b c"d`:                    {"ab cd"},
	} {
		if got := execArgs(line); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

const byHand = `# mine
[Desktop Entry]
Type=Application
Name=Gatewatch
Name[de]=Torwache
Exec=/old/gatewatch --headless
X-GNOME-Autostart-Delay=20
Hidden=true
TryExec=/old/gatewatch
X-GNOME-Autostart-enabled=false

[Desktop Action quit]
Name=Quit
Exec=/old/gatewatch quit
`

func TestDesktopFileKeepsWhatIsNotOurs(t *testing.T) {
	const want = `# mine
[Desktop Entry]
Type=Application
Name=Gatewatch
Name[de]=Torwache
Exec="/new place/gatewatch"
X-GNOME-Autostart-Delay=20
X-GNOME-Autostart-enabled=true

[Desktop Action quit]
Name=Quit
Exec=/old/gatewatch quit
`
	on := enabled(t, byHand, []string{"/new place/gatewatch"})
	if on != want {
		t.Errorf("switched on:\n%s\nwant:\n%s", on, want)
	}
	if again := enabled(t, on, []string{"/new place/gatewatch"}); again != on {
		t.Errorf("switched on again:\n%s", again)
	}
	off := disableDesktop(on)
	if !strings.Contains(off, "X-GNOME-Autostart-Delay=20\n") ||
		!strings.Contains(off, "Hidden=true\n\n[Desktop Action quit]") {
		t.Errorf("switched off:\n%s", off)
	}
	if again := enabled(t, off, []string{"/new place/gatewatch"}); again != on {
		t.Errorf("switched off and on:\n%s", again)
	}
	for _, own := range []string{"", "nonsense", enabled(t, "", nasty[0])} {
		if left := disableDesktop(own); left != "" {
			t.Errorf("there is nothing to keep in\n%s\nbut\n%s is left", own, left)
		}
	}
}

func TestDesktopFileSaysWhatWillHappen(t *testing.T) {
	for _, c := range []struct{ name, extra, desktops, want string }{
		{"plain", "", "GNOME", ""},
		{"enabled", gnomeEnabled + "=true", "GNOME", ""},
		{"hidden", "Hidden=true", "GNOME", "Hidden=true"},
		{"not hidden", "Hidden=false", "GNOME", ""},
		{"disabled", gnomeEnabled + " = false", "GNOME", gnomeEnabled + "=false"},
		{"elsewhere only", "OnlyShowIn=KDE;XFCE;", "ubuntu:GNOME", "OnlyShowIn=KDE;XFCE;"},
		{"here, too", "OnlyShowIn=KDE;GNOME;", "ubuntu:GNOME", ""},
		{"not here", "NotShowIn=GNOME", "ubuntu:GNOME", "NotShowIn=GNOME"},
		{"not there", "NotShowIn=KDE;", "GNOME", ""},
		{"no desktop", "NotShowIn=;", "", ""},
		{"tries in vain", "TryExec=/gone", "", "TryExec=/gone"},
		{"tries", "TryExec=/here", "", ""},
		{"in another group", "[Other]\nHidden=true", "", ""},
	} {
		_, blocked := readDesktop("[Desktop Entry]\r\nExec=/x\r\n"+c.extra+"\n", c.desktops, func(p string) bool {
			return p == "/here"
		})
		if blocked != c.want {
			t.Errorf("%s: blocked by %q, want %q", c.name, blocked, c.want)
		}
	}
	if command, blocked := readDesktop("[Desktop Entry]\nName=x\n", "", nil); command != nil || blocked == "" {
		t.Errorf("without Exec: %q, blocked by %q", command, blocked)
	}
}
