// Package sse has server-sent events: who follows a stream of them, how they are sent, and how a client reads them.
package sse

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"gatewatch/conn/nudge"
)

// MaxEvent bounds an event, in bytes.
const MaxEvent = 1 << 20

// ErrEnded means that the server has ended the stream.
var ErrEnded = errors.New("the stream of events has ended")

// Streams knows who follows. The zero value is ready to use.
type Streams struct {
	mu      sync.Mutex
	count   int
	strange int                        // of them without the token
	windows map[chan struct{}]struct{} // those that can be asked to come to the front
}

// ShowWindow asks every window that follows to come to the front and returns how many there are.
func (s *Streams) ShowWindow() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.windows {
		nudge.Send(w)
	}
	return len(s.windows)
}

// Join adds one that follows, unless there are too many, of which half are kept for the owner of the token. show yields
// a value when a window is asked to come to the front.
func (s *Streams) Join(window, owner bool, most int) (show chan struct{}, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count >= most || !owner && s.strange >= most/2 {
		return nil, false
	}
	s.count++
	if !owner {
		s.strange++
	}
	show = make(chan struct{}, 1)
	if window {
		if s.windows == nil {
			s.windows = map[chan struct{}]struct{}{}
		}
		s.windows[show] = struct{}{}
	}
	return show, true
}

// Leave removes what [Streams.Join] has added.
func (s *Streams) Leave(show chan struct{}, owner bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count--
	if !owner {
		s.strange--
	}
	delete(s.windows, show)
}

// writeLimit bounds one write to a stream; a reader that takes nothing for so long is dropped.
const writeLimit = 5 * time.Second

// Begin answers with a stream, and returns what writes to it. That returns false when the client went away.
func Begin(w http.ResponseWriter) (send func(format string, args ...any) bool) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{})
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	return func(format string, args ...any) bool {
		_ = control.SetWriteDeadline(time.Now().Add(writeLimit))
		if _, err := fmt.Fprintf(w, format, args...); err != nil {
			return false
		}
		return control.Flush() == nil
	}
}

const (
	// Silence is the time within which a stream that says nothing is given up; the server says something each second.
	Silence = 3 * time.Second
	// step is the time between two looks at that. Looks are counted instead of time: while this process or the
	// computer sleeps, nothing can be heard.
	step  = Silence / 12
	steps = 11
)

// Follow reads the stream that open answers with until ctx ends, or the stream, or onEvent returns an error. It returns
// silent if nothing comes for three seconds.
func Follow(ctx context.Context, open func(context.Context) (*http.Response, error), silent error,
	onEvent func(event string, data []byte) error,
) error {
	parent := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var quiet atomic.Int32
	go func() {
		every := time.Tick(step)
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-every:
				if quiet.Add(1) >= steps {
					cancel(silent)
				}
			}
		}
	}()
	res, err := open(ctx)
	if err == nil {
		defer res.Body.Close()
		if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); res.StatusCode != http.StatusOK ||
			kind != "text/event-stream" {
			return fmt.Errorf("GET %s: %s, %q instead of events", res.Request.URL.RequestURI(), res.Status, kind)
		}
		err = read(res.Body, func() { quiet.Store(0) }, onEvent)
	}
	switch {
	case parent.Err() != nil:
		return parent.Err()
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return err
}

// read reads events until the stream ends or onEvent returns an error. It calls heard for every line.
func read(stream io.Reader, heard func(), onEvent func(event string, data []byte) error) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(make([]byte, 0, 4<<10), MaxEvent)
	event, data := "", []byte(nil)
	for lines.Scan() {
		heard()
		name, value, _ := bytes.Cut(lines.Bytes(), []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case len(lines.Bytes()) == 0:
			if data != nil {
				if err := onEvent(event, data); err != nil {
					return err
				}
			}
			event, data = "", nil
		case string(name) == "event":
			event = string(value)
		case string(name) == "data":
			if data != nil {
				data = append(data, '\n')
			}
			if data = append(data, value...); data == nil {
				data = []byte{}
			}
			if len(data) > MaxEvent {
				return bufio.ErrTooLong
			}
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return ErrEnded
}
