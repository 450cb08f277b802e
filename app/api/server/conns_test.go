package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/api/loopback"
)

// TestStrangersConnectionsMakeRoom fills the server with connections that say nothing, that are slow, and that are idle
// after a request. The owner is answered all the same, and keeps the connection over which that was.
func TestStrangersConnectionsMakeRoom(t *testing.T) {
	ln, err := loopback.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	b := &fakeBackend{status: api.Status{Connected: true}}
	s := serveOn(loopback.Limit(ln, 16), b, slog.New(slog.DiscardHandler))
	defer shut(s)
	c := api.NewClient(s.Card())
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	first, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() {
		ended <- c.Follow(ctx, true, func(api.Status) { first <- struct{}{} }, func() {}, func() {})
	}()
	<-first
	for i := range 120 {
		nc, err := net.Dial("tcp4", s.ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		switch i % 3 {
		case 1:
			_, _ = io.WriteString(nc, "GET /status HTTP/1.1\r\nX: ")
		case 2:
			fmt.Fprintf(nc, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", s.ln.Addr())
		}
		if i%10 == 0 {
			if _, _, err := c.Status(t.Context()); err != nil {
				t.Fatalf("beside %d connections: %v", i, err)
			}
		}
	}
	if n := s.ShowWindow(); n != 1 {
		t.Error("the window's stream was closed")
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestOwnerFindsRoomBesideBusyStrangers fills the server with requests that do not end. A program of the owner that
// was not connected before is answered all the same.
func TestOwnerFindsRoomBesideBusyStrangers(t *testing.T) {
	const most = 16
	for name, request := range map[string]string{
		"streams":       "GET /events HTTP/1.1\r\nHost: %s\r\n\r\n",
		"half requests": "GET /status HTTP/1.1\r\nHost: %s\r\nX: ",
		"half bodies":   "POST /session HTTP/1.1\r\nHost: %s\r\nContent-Length: 9\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			ln, err := loopback.Listen(0)
			if err != nil {
				t.Fatal(err)
			}
			s := serveOn(loopback.Limit(ln, most), &fakeBackend{status: api.Status{Connected: true}},
				slog.New(slog.DiscardHandler))
			defer shut(s)
			for range most {
				nc, err := net.Dial("tcp4", s.ln.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer nc.Close()
				fmt.Fprintf(nc, request, s.ln.Addr())
				if strings.HasSuffix(request, "\r\n\r\n") {
					if _, err := nc.Read(make([]byte, 1)); err != nil {
						t.Fatal(err)
					}
				}
			}
			for range 3 {
				c := api.NewClient(s.Card())
				if _, _, err := c.Status(t.Context()); err != nil {
					t.Error(err)
				}
				c.Close()
			}
		})
	}
}

// TestHeadOfAStream asks for the head of a stream: the answer is whole, and holds no place.
func TestHeadOfAStream(t *testing.T) {
	s := serve(t, &fakeBackend{})
	for _, path := range []string{"/events", "/guard/events"} {
		if res, _ := ask(t, s, "HEAD", path, ""); res.StatusCode != 200 ||
			res.Header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("%s: %s, %v", path, res.Status, res.Header)
		}
	}
	if _, free := s.streams.Join(false, true, 1); !free {
		t.Error("a place is held")
	}
}

// TestStreamsForTheOwner has strangers open as many streams as they can get.
func TestStreamsForTheOwner(t *testing.T) {
	s := serve(t, &fakeBackend{})
	var ends []func()
	for i := range maxStreams / 2 {
		_, end := stream(t, s, []string{"/events", "/guard/events"}[i%2], "Authorization: -")
		ends = append(ends, end)
	}
	for _, path := range []string{"/events", "/guard/events"} {
		if res, _ := ask(t, s, "GET", path, "", "Authorization: -"); res.StatusCode != 503 ||
			res.Header.Get("Retry-After") == "" {
			t.Errorf("one more of %s: %s", path, res.Status)
		}
	}
	for range maxStreams / 2 {
		_, end := stream(t, s, "/events?window=1", "")
		ends = append(ends, end)
	}
	if res, _ := ask(t, s, "GET", "/events", ""); res.StatusCode != 503 {
		t.Errorf("the owner has too many: %s", res.Status)
	}
	for _, end := range ends {
		end()
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, free := s.streams.Join(false, true, 1); free {
			break
		}
		if time.Now().After(end) {
			t.Fatal("there are streams left")
		}
	}
}

// busy is a backend that needs a while for what is costly.
type busy struct {
	memory
	running, most, answered atomic.Int32
}

func (b *busy) Uptime(ctx context.Context, days int) (api.Uptime, error) {
	defer b.running.Add(-1)
	if n := b.running.Add(1); n > b.most.Load() {
		b.most.Store(n)
	}
	time.Sleep(100 * time.Millisecond)
	b.answered.Add(1)
	return api.Uptime{}, nil
}

// TestCostlyQueriesTakeTurns asks for ten years 128 times at once: one is answered at a time, and those that would wait
// too long are told to come again.
func TestCostlyQueriesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &busy{}
		s := unheard(b)
		s.quit = make(chan struct{})
		codes := make(chan int, 128)
		for range cap(codes) {
			go func() { codes <- quick(s, "GET", "/uptime", "days=3660", "").Code }()
		}
		time.Sleep(50 * time.Millisecond)
		if res := quick(s, "GET", "/status", "", ""); res.Code != 200 {
			t.Errorf("meanwhile: %d", res.Code)
		}
		count := map[int]int{}
		for range cap(codes) {
			count[<-codes]++
		}
		want := int(api.TurnLimit / (100 * time.Millisecond))
		if b.most.Load() != 1 || count[200]+count[503] != cap(codes) || count[200] < want || count[200] > want+1 {
			t.Errorf("%d at once, answers %v, want %d of 200", b.most.Load(), count, want)
		}
	})
}

func TestBusyAnswer(t *testing.T) {
	s := unheard(&memory{})
	s.quit = make(chan struct{})
	s.costly <- struct{}{}
	close(s.quit)
	res := quick(s, "GET", "/log", "", "")
	if res.Code != 503 || res.Header().Get("Retry-After") == "" || !strings.Contains(res.Body.String(), "try again") {
		t.Errorf("%d %s", res.Code, res.Body)
	}
}

// TestCostlyQueryThatPanics: a query that panics releases its turn.
func TestCostlyQueryThatPanics(t *testing.T) {
	s := unheard(&panicking{})
	for range 2 {
		if res := quick(s, "GET", "/uptime", "", ""); res.Code != 500 {
			t.Errorf("%d %s", res.Code, res.Body)
		}
	}
}

type panicking struct{ memory }

func (*panicking) Uptime(context.Context, int) (api.Uptime, error) { panic("injected") }
func (*panicking) Panicked(any, []byte)                            {}
