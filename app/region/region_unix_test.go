//go:build unix

package region

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestZoneOfComputer: TZ comes first, as for Go itself.
func TestZoneOfComputer(t *testing.T) {
	for tz, want := range map[string]string{
		"Europe/Berlin": "Europe/Berlin", ":Asia/Tokyo": "Asia/Tokyo", "": "UTC", ":": "UTC",
		"/usr/share/zoneinfo/America/New_York": "America/New_York",
		"/usr/share/zoneinfo/posix/Asia/Tokyo": "Asia/Tokyo",
		"/home/someone/zone":                   "",
	} {
		t.Setenv("TZ", tz)
		if got := computerZone(); got != want {
			t.Errorf("%q is %q, not %q", tz, got, want)
		}
	}
	for link, want := range map[string]string{
		"/var/db/timezone/zoneinfo/Europe/Berlin":    "Europe/Berlin",
		"../usr/share/zoneinfo/Australia/Sydney":     "Australia/Sydney",
		"/usr/share/zoneinfo.default/America/Denver": "America/Denver",
	} {
		if got := zoneOfPath(link); got != want {
			t.Errorf("%s is %q, not %q", link, got, want)
		}
	}
	path := put(t, t.TempDir(), "timezone", "Europe/Zurich\n", 0)
	if got := zoneOfFile(path); got != "Europe/Zurich" {
		t.Errorf("%q", got)
	}
}

// TestLook: nothing of an unknown zone, such as a name that someone has chosen, is passed on.
func TestLook(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("TZ", "Somebody/Somewhere")
	if f := Look(); f != (Found{}) {
		t.Errorf("%+v", f)
	}
	put(t, filepath.Join(home, "Jts"), "jts.ini", european, 0)
	t.Setenv("TZ", "America/Chicago")
	want := Found{Zone: "America/Chicago", Computer: America, Gateway: Europe, Basis: BasisServer}
	if f := Look(); f != want {
		t.Errorf("%+v, not %+v", f, want)
	}
}

// TestPipe: a pipe in the place of a file is not waited for, also where it takes that place just before it is opened.
func TestPipe(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "jts.ini")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	done := make(chan Found)
	go func() {
		f := Found{Zone: zoneOfFile(path)}
		f.read(folder)
		done <- f
	}()
	select {
	case f := <-done:
		if want := (Found{Ignored: ReasonNoFile}); f != want {
			t.Errorf("%+v", f)
		}
	case <-time.After(time.Minute):
		t.Error("it waits for the other end of a pipe")
	}
	if _, reason := contentOf(os.OpenFile(path, os.O_RDONLY|noWait, 0)); reason != ReasonNoFile {
		t.Errorf("opened at once: %q", reason)
	}
}
