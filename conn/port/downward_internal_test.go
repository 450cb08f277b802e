package port

import (
	"net"
	"testing"
	"time"
)

// TestFreshness: what has waited in the system's buffer proves nothing about now.
func TestFreshness(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	f := &freshness{Conn: here, emptied: sinceBegan()}
	start := f.since()
	write := func(n int) {
		go func() { _, _ = there.Write(make([]byte, n)) }()
	}
	b := make([]byte, 4)
	write(2)
	if _, err := f.Read(b); err != nil {
		t.Fatal(err)
	}
	first := f.since()
	if first.Before(start) || time.Since(first) < 0 {
		t.Errorf("%v", first)
	}
	empty := began.Add(f.emptied)
	time.Sleep(5 * time.Millisecond)
	write(8) // more than is read at once: more waits
	for range 2 {
		if _, err := f.Read(b); err != nil {
			t.Fatal(err)
		}
		if got := f.since(); !got.Equal(empty) {
			t.Errorf("what was read came after %v, and is taken to come after %v", empty, got)
		}
		time.Sleep(5 * time.Millisecond)
	}
	write(2)
	if _, err := f.Read(b); err != nil {
		t.Fatal(err)
	}
	if got := f.since(); !got.Equal(empty) { // it may have been there at the read before
		t.Errorf("%v", got)
	}
}
