package loopback

import (
	"errors"
	"math"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

func TestLimitFor(t *testing.T) {
	for descriptors, want := range map[uint64]int{
		0: minConns, 24: minConns, 64: 16, 128: 32, 1024: maxConns,
		math.MaxUint64: maxConns,
	} {
		if got := limitFor(descriptors); got != want {
			t.Errorf("%d connections of %d descriptors, want %d", got, descriptors, want)
		}
	}
	if descriptors() < 24 {
		t.Errorf("this process may have %d", descriptors())
	}
}

func TestWhichConnectionMattersLeast(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(0, 0).Add(time.Duration(s) * time.Second) }
	order := []use{ // from the least
		{state: http.StateIdle, since: at(1)},
		{state: http.StateNew, since: at(2)},
		{state: http.StateActive, since: at(3)}, // perhaps half a request
		{state: http.StateActive, stream: true, since: at(0)},
		{state: http.StateActive, stream: true, since: at(3)},
		{owner: true, state: http.StateIdle, since: at(0)},
		{owner: true, state: http.StateIdle, since: at(1)},
		{owner: true, state: http.StateActive, since: at(0)},
	}
	for i := range order {
		for j := range order {
			if got := order[i].before(&order[j]); got != (i < j) {
				t.Errorf("%d before %d: %v", i, j, got)
			}
		}
	}
}

// TestAcceptMakesRoom opens more connections than there may be.
func TestAcceptMakesRoom(t *testing.T) {
	inner, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Limit(inner, 3)
	defer l.Close()
	var first net.Conn
	for i := range 5 {
		client, err := net.Dial("tcp4", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if i == 0 {
			first = client
		}
		if _, err := l.Accept(); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.open) != 3 {
		t.Errorf("%d connections are open", len(l.open))
	}
	_ = first.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := first.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the oldest connection is open: %v", err)
	}
}

// TestNewConnectionStays fills the listener with connections that matter more than a new one does.
func TestNewConnectionStays(t *testing.T) {
	l := Limit(nil, 2)
	for i := range 2 {
		client, server := net.Pipe()
		defer client.Close()
		l.open[server] = &use{owner: true, state: http.StateActive, since: time.Unix(int64(i), 0)}
	}
	inner, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Listener = inner
	defer l.Close()
	client, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if l.open[c] == nil || len(l.open) != 2 {
		t.Errorf("the new connection was closed: %v", l.open)
	}
}
