package autostart

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// nasty are commands that a careless writer gets wrong.
var nasty = [][]string{
	{"/usr/bin/gatewatch"},
	{"/opt/My Programs/gate watch", "--home", "/home/x y/ü ñ 日本"},
	{`/opt/100%/%f/%%u/gatewatch`, "--home", "50%"},
	{`/opt/a"b'c/gatewatch`, `--home`, `\"`, `"`, `'`, ``},
	{`/opt/a&b;c|d>e<f(g)h$i*j?k#l~m/gatewatch`, "$HOME", "`id`", "$(id)"},
	{`/opt/back\slash\\two/s\n/gatewatch`, `\`, `\\`, `C:\x y\`},
	{"/opt/tab\tand\nline/gatewatch", " leading", "trailing "},
	{"/opt/<key>&amp;]]>/gatewatch", "--x=y", "=", "-"},
	{"/opt/😀/gatewatch"},
}

// enabled is enableDesktop for commands that can be written.
func enabled(t interface{ Fatal(...any) }, text string, command []string) string {
	text, err := enableDesktop(text, command)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// word draws words of which many are nasty.
func word() *rapid.Generator[string] {
	return rapid.StringOf(rapid.OneOf(rapid.SampledFrom([]rune(" \t\n\"'\\%&<>$`=;#sntr")),
		rapid.RuneFrom(nil, legible)))
}

// legible are characters that every form can hold.
var legible = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x20, Hi: 0x7E, Stride: 1},
		{Lo: 0xA0, Hi: 0x24F, Stride: 1},
		{Lo: 0x4E00, Hi: 0x4EFF, Stride: 1},
	},
}

func TestSwitchedOff(t *testing.T) {
	for list, want := range map[string]bool{
		"\tdisabled services = {\n\t\t\"com.apple.x\" => disabled\n\t\t\"" + label + "\" => enabled\n\t}\n": false,
		"\tdisabled services = {\n\t\t\"com.apple.x\" => enabled\n\t\t\"" + label + "\" => disabled\n\t}\n": true,
		"disabled services = {\n\t\"" + label + "\" => true\n}":                                             true,
		"disabled services = {\n\t\"" + label + "\" => false\n}":                                            false,
		"disabled services = {\n\t\"" + label + ".other\" => true\n}":                                       false,
		"": false,
	} {
		if got := switchedOff(list); got != want {
			t.Errorf("%v for\n%s", got, list)
		}
	}
}

func TestRunValueTakesEveryCommand(t *testing.T) {
	for _, c := range []struct {
		command []string
		want    string
	}{
		{[]string{`C:\Program Files\Gatewatch\gatewatch.exe`}, `"C:\Program Files\Gatewatch\gatewatch.exe"`},
		{[]string{`C:\a\`, `--home`, `D:\x y\`}, `"C:\a\" --home "D:\x y\\"`},
		{[]string{`C:\100% & é\g.exe`, ``, `a"b`, `\\"`}, `"C:\100% & é\g.exe" "" "a\"b" "\\\\\""`},
		{[]string{`C:\g.exe`, `a\\b`, "a\tb"}, "\"C:\\g.exe\" a\\\\b \"a\tb\""},
	} {
		got, err := runLine(c.command)
		if err != nil || got != c.want {
			t.Errorf("%q: %s, %v; want %s", c.command, got, err, c.want)
		}
		if back := runArgs(got); !slices.Equal(back, c.command) {
			t.Errorf("%s is read as %q", got, back)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(word(), 1, 4).Draw(t, "command")
		line, err := runLine(words)
		switch {
		case strings.Contains(words[0], `"`):
			if !errors.Is(err, errPath) {
				t.Fatalf("%q: %v", words, err)
			}
		case err != nil && !errors.Is(err, errLongCommand):
			t.Fatal(err)
		case err == nil:
			if got := runArgs(line); !slices.Equal(got, words) {
				t.Fatalf("%q is written as %s and read as %q", words, line, got)
			}
		}
	})
	for line, want := range map[string][]string{
		`  C:\gatewatch.exe  --headless `:        {`C:\gatewatch.exe`, "--headless"},
		`"C:\a b\gatewatch.exe"--x "y ""z"" w" `: {`C:\a b\gatewatch.exe`, "--x", `y "z" w`},
		`"C:\open`:                               {`C:\open`},
		` `:                                      nil,
	} {
		if got := runArgs(line); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	if _, err := runLine([]string{`C:\` + strings.Repeat("é", 255)}); err != nil {
		t.Errorf("260 characters are refused: %v", err)
	}
	if _, err := runLine([]string{`C:\` + strings.Repeat("é", 256)}); !errors.Is(err, errLongCommand) {
		t.Errorf("261 characters: %v", err)
	}
}

func TestApproved(t *testing.T) {
	for _, c := range []struct {
		value []byte
		want  bool
	}{
		{nil, true},
		{[]byte{2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, true},
		{[]byte{6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, true},
		{[]byte{3, 0, 0, 0, 0x6e, 0x4c, 0x1f, 0xd8, 0x1e, 0x5d, 0xdb, 1}, false},
		{[]byte{7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, false},
	} {
		if got := approved(c.value); got != c.want {
			t.Errorf("% x: %v", c.value, got)
		}
	}
}

func TestJudge(t *testing.T) {
	dir := t.TempDir()
	self, copied, link := filepath.Join(dir, "gatewatch"), filepath.Join(dir, "copy"), filepath.Join(dir, "link")
	for _, path := range []string{self, copied} {
		if err := os.WriteFile(path, nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	_ = os.Symlink(self, link)
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		link = self // Windows wants a right for it, and Wine does not know it again
	}
	for _, c := range []struct {
		name string
		e    entry
		want AtLogin
	}{
		{"none", entry{}, Off},
		{"this", entry{exists: true, command: []string{self, "--x"}}, On},
		{"untidy", entry{exists: true, command: []string{dir + "/./gatewatch"}}, On},
		{"by a link", entry{exists: true, command: []string{link}}, On},
		{"a copy", entry{exists: true, command: []string{copied}}, Other},
		{"gone", entry{exists: true, command: []string{filepath.Join(dir, "gone")}}, Moved},
		{"a folder", entry{exists: true, command: []string{dir}}, Moved},
		{"switched off", entry{exists: true, command: []string{self}, blocked: "x"}, Blocked},
		{"switched off and gone", entry{exists: true, command: []string{"/gone"}, blocked: "x"}, Blocked},
		{"without a command", entry{exists: true, blocked: "x"}, Blocked},
	} {
		if got := judge(c.e, self); got.Kind != c.want {
			t.Errorf("%s: %+v, want %s", c.name, got, c.want)
		}
	}
}

func TestEnableRefusesWhatNoFileCanHold(t *testing.T) {
	for _, exe := range []string{"gatewatch", "", "./gatewatch", "/a\xffb", "/a\x00b"} {
		if err := enable(exe); err == nil {
			t.Errorf("%q is accepted", exe)
		}
	}
}

func FuzzReading(f *testing.F) {
	f.Add(byHand)
	f.Add(agentByHand)
	f.Add(`"C:\a b\gatewatch.exe" "x\\"`)
	f.Fuzz(func(t *testing.T, text string) {
		on := enabled(t, text, nasty[1])
		if command, _ := readDesktop(on, "", func(string) bool { return true }); !slices.Equal(command, nasty[1]) {
			t.Errorf("%q is read from\n%s", command, on)
		}
		readDesktop(disableDesktop(text), "", func(string) bool { return true })
		if content, err := enablePlist([]byte(text), nasty[1]); err == nil {
			if command, _, err := readPlist(content); err != nil || !slices.Equal(command, nasty[1]) {
				t.Errorf("%q, %v is read from\n%s", command, err, content)
			}
		}
		runArgs(text)
		execArgs(text)
		switchedOff(text)
	})
}
