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

func TestPlistTakesEveryCommand(t *testing.T) {
	for _, command := range nasty {
		content, err := enablePlist(nil, command)
		if err != nil {
			t.Fatal(err)
		}
		got, blocked, err := readPlist(content)
		if err != nil || !slices.Equal(got, command) || blocked != "" {
			t.Fatalf("%q is written as\n%s\nand read as %q, blocked by %q, %v", command, content, got, blocked, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(word(), 1, 4).Draw(t, "command")
		content, err := enablePlist(nil, words)
		if err != nil {
			t.Fatal(err)
		}
		if got, blocked, err := readPlist(content); err != nil || !slices.Equal(got, words) || blocked != "" {
			t.Fatalf("%q is written as\n%s\nand read as %q, blocked by %q, %v", words, content, got, blocked, err)
		}
	})
	for _, command := range [][]string{{"/a\x01b"}, {"/a", "\x1b[0m"}, {"/a\r"}} {
		if content, err := enablePlist(nil, command); !errors.Is(err, errPath) {
			t.Errorf("%q: %v\n%s", command, err, content)
		}
	}
}

func TestPlistIsAsLaunchdWantsIt(t *testing.T) {
	const want = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
	<dict>
		<key>KeepAlive</key>
		<dict>
			<key>SuccessfulExit</key>
			<false/>
		</dict>
		<key>Label</key>
		<string>io.github.gatewatch.gatewatch</string>
		<key>LimitLoadToSessionType</key>
		<string>Aqua</string>
		<key>ProcessType</key>
		<string>Interactive</string>
		<key>ProgramArguments</key>
		<array>
			<string>/Applications/A &amp; B.app/Contents/MacOS/gatewatch</string>
		</array>
		<key>RunAtLoad</key>
		<true/>
	</dict>
</plist>
`
	content, err := enablePlist(nil, []string{"/Applications/A & B.app/Contents/MacOS/gatewatch"})
	if err != nil || string(content) != want {
		t.Errorf("%v\n%s", err, content)
	}
	again, err := enablePlist(content, []string{"/Applications/A & B.app/Contents/MacOS/gatewatch"})
	if err != nil || string(again) != want {
		t.Errorf("a second time: %v\n%s", err, again)
	}
}

const agentByHand = `<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<!-- mine -->
<key>Disabled</key><true/>
<key>Label</key><string>` + label + `</string>
<key>Program</key><string>/old/gatewatch</string>
<key>ProgramArguments</key><array><string>gatewatch</string><string>--headless</string></array>
<key>EnvironmentVariables</key><dict><key>A</key><string>1 &lt; 2</string></dict>
<key>Nice</key><integer>5</integer>
<key>KeepAlive</key><false/>
<key>RunAtLoad</key><true/>
</dict></plist>`

func TestPlistKeepsWhatIsNotOurs(t *testing.T) {
	command, blocked, err := readPlist([]byte(agentByHand))
	if err != nil || blocked != "the key Disabled" || !slices.Equal(command, []string{"/old/gatewatch", "--headless"}) {
		t.Errorf("%q, blocked by %q, %v", command, blocked, err)
	}
	content, err := enablePlist([]byte(agentByHand), []string{"/new/gatewatch", "--headless"})
	if err != nil {
		t.Fatal(err)
	}
	for _, kept := range []string{
		"<key>EnvironmentVariables</key>\n\t\t<dict>\n\t\t\t<key>A</key>\n\t\t\t<string>1 &lt; 2</string>\n\t\t</dict>",
		"<key>Nice</key>\n\t\t<integer>5</integer>", "<key>KeepAlive</key>\n\t\t<false/>",
	} {
		if !strings.Contains(string(content), kept) {
			t.Errorf("%s is lost:\n%s", kept, content)
		}
	}
	if command, blocked, err = readPlist(content); err != nil || blocked != "" ||
		!slices.Equal(command, []string{"/new/gatewatch", "--headless"}) {
		t.Errorf("%q, blocked by %q, %v", command, blocked, err)
	}
	for _, bad := range []string{
		"bplist00\xd4", "<plist><array/></plist>", "<plist><dict><key>a</key></dict></plist>",
		"<plist><dict><string>a</string><key>b</key></dict></plist>",
		"<plist><dict>", strings.Repeat("<dict><key>a</key>", 1000), "<a>&unknown;</a>",
	} {
		if _, _, err := readPlist([]byte(bad)); !errors.Is(err, errPlist) {
			t.Errorf("%.40q: %v", bad, err)
		}
		if _, err := enablePlist([]byte(bad), nasty[0]); !errors.Is(err, errPlist) {
			t.Errorf("%.40q is overwritten: %v", bad, err)
		}
	}
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
