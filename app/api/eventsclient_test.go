package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gatewatch/app/api/sse"
	"gatewatch/conn"
)

// TestFollowGarbage sees to it that whatever a stream carries, it ends with an error and is not believed.
func TestFollowGarbage(t *testing.T) {
	good, err := json.Marshal(Status{State: conn.Paused})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		kind, body string
		code       int
		statuses   int
		want       string
	}{
		"not a stream": {kind: "text/html", body: "<p>hello", code: 200, want: "instead of events"},
		"refused":      {kind: "application/json", body: `{"error":"too many streams"}`, code: 503, want: "503"},
		"no JSON": {
			kind: "text/event-stream", body: "event: status\ndata: {oops\n\n", code: 200,
			want: "status in the stream",
		},
		"endless line": {
			kind: "text/event-stream", body: "data: " + strings.Repeat("x", 2*sse.MaxEvent), code: 200,
			want: "too long",
		},
		"endless event": {kind: "text/event-stream", body: strings.Repeat("data: "+strings.Repeat("x", 1000)+"\n",
			1100), code: 200, want: "too long"},
		"ends at once": {kind: "text/event-stream", body: "", code: 200, want: "ended"},
		"ends within":  {kind: "text/event-stream", body: "event: status\ndata: {}\n", code: 200, want: "ended"},
		"noise between": {kind: "text/event-stream", body: "\x00\xff\n: alive\n\nid: 7\nretry: x\n\nevent: " +
			"other\ndata: {\n\nevent: status\ndata: " + string(good) + "\n\n", code: 200, statuses: 1, want: "ended"},
		"no space, CRLF": {kind: "text/event-stream; charset=utf-8", body: "event:status\r\ndata:" + string(good) +
			"\r\n\r\n", code: 200, statuses: 1, want: "ended"},
		"data in two lines": {
			kind: "text/event-stream", body: "event: status\ndata: {\ndata: }\n\n", code: 200,
			statuses: 1, want: "ended",
		},
		"redirect elsewhere": {kind: "text/plain", body: "", code: 302, want: "302"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				w.Header().Set("Location", "http://192.0.2.1/")
				w.WriteHeader(c.code)
				_, _ = io.WriteString(w, c.body)
			}))
			defer srv.Close()
			n := 0
			client := ClientOver(http.DefaultTransport, Card{URL: srv.URL}) // as if it had proved what it is
			err := client.Follow(context.Background(), false, func(Status) {
				n++
			}, func() { t.Error("shown") }, func() { t.Error("quit") })
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("ended with %v, want %q", err, c.want)
			}
			if n != c.statuses {
				t.Errorf("%d statuses, want %d", n, c.statuses)
			}
		})
	}
}

// TestFollowGivesUpOnSilence plays a server that says something for a while and then nothing more.
func TestFollowGivesUpOnSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := ClientOver(slow(func(w io.Writer) {
			for range 10 { // for longer than a request may take
				time.Sleep(time.Second)
				fmt.Fprint(w, ": alive\n\n")
			}
			fmt.Fprint(w, "event: status\ndata: {\"seq\":")
			time.Sleep(time.Second)
			fmt.Fprint(w, "9}\n\n")
		}), Card{URL: "http://127.0.0.1:1", PID: 1234})
		var seq uint64
		began := time.Now()
		err := c.Follow(t.Context(), true, func(st Status) { seq = st.Seq }, func() {}, func() {})
		if !errors.Is(err, ErrNotResponding) || !strings.Contains(err.Error(), "1234") || seq != 9 {
			t.Errorf("ended with %v, seq %d", err, seq)
		}
		if quiet := time.Since(began) - 11*time.Second; quiet < 2*time.Second || quiet > sse.Silence {
			t.Errorf("silent for %v, which is to be noticed within %v and not before two heartbeats are missing", quiet,
				sse.Silence)
		}
	})
}

// TestSilentServerInWords asks a program that accepts connections and does not answer.
func TestSilentServerInWords(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c := NewClient(Card{URL: "http://" + ln.Addr().String(), Token: "x", PID: 77})
	began := time.Now()
	if _, _, err := c.Status(t.Context()); !errors.Is(err, ErrNotResponding) ||
		!strings.HasSuffix(err.Error(), "not responding (process 77)") {
		t.Errorf("status: %v", err)
	}
	t.Logf("noticed after %v", time.Since(began))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Guard(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("guard, given up: %v", err)
	}
}

// slow is a transport without a network whose answer is a stream that never ends.
type slow func(io.Writer)

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	out, in := io.Pipe()
	go s(in)
	context.AfterFunc(r.Context(), func() { in.CloseWithError(r.Context().Err()) })
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: out, Request: r,
	}, nil
}
