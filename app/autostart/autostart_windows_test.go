package autostart

import (
	"slices"
	"testing"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// TestWindowsReadsWhatIsWritten holds our command lines to how Windows itself takes them apart.
func TestWindowsReadsWhatIsWritten(t *testing.T) {
	for _, command := range [][]string{
		{`C:\Program Files\Gatewatch\gatewatch.exe`, `--home`, `D:\x y\`},
		{`C:\100% & é (x86)\g.exe`, ``, `a"b`, `\\"`, `\`, `a\\b`, "tab\there", `x="y z"`, `日本`},
	} {
		line, err := runLine(command)
		if err != nil {
			t.Fatal(err)
		}
		got, err := windows.DecomposeCommandLine(line)
		if err != nil || !slices.Equal(got, command) {
			t.Errorf("%q is written as %s and read by Windows as %q, %v", command, line, got, err)
		}
	}
}

// TestRegistry changes the real entry of the user whom the test runs as, and puts it back.
func TestRegistry(t *testing.T) {
	before, err := runCommand()
	if err != nil {
		t.Fatal(err)
	}
	flags, err := approval()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := remove(); err != nil {
			t.Error(err)
		}
		if before != "" {
			set(t, runKey, func(k registry.Key) error { return k.SetStringValue(valueName, before) })
		}
		if flags != nil {
			set(t, approvedKey, func(k registry.Key) error { return k.SetBinaryValue(valueName, flags) })
		}
	})
	expect := func(want AtLogin) State {
		t.Helper()
		s, err := Status()
		if err != nil || s.Kind != want {
			t.Fatalf("%+v, %v; want %s", s, err, want)
		}
		return s
	}
	if err := disable(); err != nil {
		t.Fatal(err)
	}
	expect(Off)
	if err := disable(); err != nil {
		t.Errorf("off while off: %v", err)
	}
	self, err := program()
	if err != nil {
		t.Fatal(err)
	}
	if err := enable(self, "--home", `C:\a b\`); err != nil {
		t.Fatal(err)
	}
	if s := expect(On); !slices.Equal(s.Args, []string{"--home", `C:\a b\`}) {
		t.Errorf("%+v", s)
	}

	// The user switches it off in Task Manager, and on again here.
	off := []byte{3, 0, 0, 0, 0x6e, 0x4c, 0x1f, 0xd8, 0x1e, 0x5d, 0xdb, 1}
	set(t, approvedKey, func(k registry.Key) error { return k.SetBinaryValue(valueName, off) })
	expect(Blocked)
	if _, changed, err := Repair(); err != nil || changed {
		t.Errorf("%v, %v", changed, err)
	}
	expect(Blocked)
	if err := enable(self); err != nil {
		t.Fatal(err)
	}
	expect(On)

	// The program was moved.
	if err := enable(`C:\gone & 100%\gatewatch.exe`, "--headless"); err != nil {
		t.Fatal(err)
	}
	expect(Moved)
	if s, changed, err := Repair(); err != nil || !changed || s.Kind != On ||
		!slices.Equal(s.Args, []string{"--headless"}) {
		t.Errorf("%+v, %v, %v", s, changed, err)
	}
	// An entry by hand, with a variable.
	set(t, runKey, func(k registry.Key) error { return k.SetExpandStringValue(valueName, `"%SystemRoot%\gone.exe" x`) })
	if s := expect(Moved); s.Exe == `%SystemRoot%\gone.exe` {
		t.Errorf("%+v", s)
	}
	if err := disable(); err != nil {
		t.Fatal(err)
	}
	expect(Off)
}

func set(t *testing.T, path string, do func(registry.Key) error) {
	t.Helper()
	key, _, err := registry.CreateKey(registry.CURRENT_USER, path, registry.SET_VALUE)
	if err != nil {
		t.Fatal(err)
	}
	defer key.Close()
	if err := do(key); err != nil {
		t.Fatal(err)
	}
}
