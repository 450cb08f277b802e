//go:build linux

package rules

import (
	"fmt"
	"os"
	"slices"
	"syscall"
	"testing"
)

// fillDisk has the disk take nothing any more for the database, as when it is full: its space is the journal's alone.
func (b *bench) fillDisk() {
	b.t.Helper()
	b.refuseWrites(b.path)
	if err := b.ledger.Note(map[string][]byte{"x": {1}}); err == nil {
		b.t.Fatal("the disk takes it")
	}
}

// refuseWrites has the disk take nothing any more for a file that is open.
func (b *bench) refuseWrites(path string) {
	b.t.Helper()
	onlyRead, err := os.Open(path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer onlyRead.Close()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range files {
		fd := 0
		if name, err := os.Readlink("/proc/self/fd/" + f.Name()); err != nil || name != path {
			continue
		}
		if _, err := fmt.Sscan(f.Name(), &fd); err != nil || fd == int(onlyRead.Fd()) {
			continue
		}
		if err := syscall.Dup3(int(onlyRead.Fd()), fd, syscall.O_CLOEXEC); err != nil {
			b.t.Fatal(err)
		}
	}
}

// TestDeactivatedOnly has a rule be deactivated while the disk takes nothing at all: it is, and it is said that a
// restart would not know it.
func TestDeactivatedOnly(t *testing.T) {
	b := newBench(t)
	b.put(notify("off", "last", "at_or_above", 100))
	b.fillDisk()
	b.refuseWrites(b.path + ".journal")
	if err := b.set.Deactivate("off"); err == nil {
		t.Error("a restart knows it")
	}
	if list := b.set.Views(); len(list) != 1 || list[0].State != Draft {
		t.Errorf("%+v", list)
	}
	if triggered := b.tick("AAPL last 99", "AAPL last 100"); triggered != "" {
		t.Errorf("%q triggered", triggered)
	}
}

// TestTriggeredOnAFullDisk has rules trigger, be deactivated and be removed while the disk takes nothing. What was so
// then is so after a restart: nothing is told twice.
func TestTriggeredOnAFullDisk(t *testing.T) {
	b := newBench(t)
	once, off, gone := notify("once", "last", "at_or_above", 100), notify("off", "last", "at_or_above", 100),
		notify("gone", "last", "at_or_above", 100)
	again := with(notify("again", "last", "at_or_above", 100), func(r *Rule) { r.CooldownSeconds = 3600 })
	b.put(once, again, off, gone)
	b.fillDisk()
	if err := b.set.Put([]Rule{once, again, off}); err != nil {
		t.Error("that a rule is gone will be lost:", err)
	}
	if err := b.set.Deactivate("off"); err != nil {
		t.Error("that a rule is a draft will be lost:", err)
	}
	triggered := b.tick("AAPL last 99", "AAPL last 100", "AAPL last 99", "AAPL last 100")
	if triggered != "once again" {
		t.Fatalf("%q triggered", triggered)
	}
	b.reports = nil
	b.restart()
	if err := b.set.Put([]Rule{once, again, off, gone}); err != nil {
		t.Fatal(err)
	}
	want := []State{Done, Triggered, Draft, Draft}
	var got []State
	for _, v := range b.set.Views() {
		got = append(got, v.State)
	}
	if !slices.Equal(got, want) {
		t.Errorf("after a restart %v, want %v", got, want)
	}
	if triggered := b.tick("AAPL last 99", "AAPL last 100"); triggered != "" {
		t.Errorf("%q triggered again", triggered)
	}
}
