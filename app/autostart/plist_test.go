package autostart

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

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
