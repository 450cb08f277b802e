package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync/atomic"
	"time"

	"gatewatch/app/settings"
)

const (
	// streamSilence is the time within which a stream that says nothing is given up; a program that works says
	// something each keepAlive.
	streamSilence = 3 * time.Second
	// silenceStep is the time between two looks at that. Looks are counted instead of time: while this process or the
	// computer sleeps, nothing can be heard.
	silenceStep  = streamSilence / 12
	silenceSteps = 11
	// maxAnswer bounds an answer, and an event of a stream, in bytes.
	maxAnswer = 1 << 20
	// maxReport bounds an answer that may tell of ten years.
	maxReport = 8 << 20
)

var errEnded = errors.New("the stream of events has ended")

// Follow calls onStatus with the status as it is and after every change, onShow each time the user wants to see the
// window, which only a client that calls itself a window is asked, and onQuit when the program is about to end. All are
// called on the caller's goroutine. It returns when ctx ends, or with what ended the stream: [ErrNotRunning] if there
// is no such server, [ErrNotResponding] if it sends no heartbeat.
func (c *Client) Follow(ctx context.Context, window bool, onStatus func(Status), onShow, onQuit func()) error {
	path := "/events"
	if window {
		path += "?window=1"
	}
	return c.follow(ctx, path, func(event string, data []byte) error {
		switch event {
		case "status":
			var st Status
			if err := json.Unmarshal(data, &st); err != nil {
				return fmt.Errorf("status in the stream of events: %w", err)
			}
			onStatus(st)
		case "show":
			onShow()
		case "quit":
			onQuit()
		}
		return nil
	})
}

// follow reads a stream until ctx ends, or the stream, or tell returns an error.
func (c *Client) follow(ctx context.Context, path string, tell func(event string, data []byte) error) error {
	parent := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var quiet atomic.Int32
	go func() {
		every := time.NewTicker(silenceStep)
		defer every.Stop()
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-every.C:
				if quiet.Add(1) >= silenceSteps {
					cancel(c.notResponding())
				}
			}
		}
	}()
	endless := *c.http
	endless.Timeout = 0
	res, err := c.send(ctx, &endless, http.MethodGet, path, nil)
	if err == nil {
		defer res.Body.Close()
		if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); res.StatusCode != http.StatusOK ||
			kind != "text/event-stream" {
			return fmt.Errorf("GET %s: %s, %q instead of events", path, res.Status, kind)
		}
		err = readEvents(res.Body, func() { quiet.Store(0) }, tell)
	}
	switch {
	case parent.Err() != nil:
		return parent.Err()
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return err
}

// readEvents reads server-sent events until the stream ends or tell returns an error. It calls heard for every line.
func readEvents(stream io.Reader, heard func(), tell func(event string, data []byte) error) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(make([]byte, 0, 4<<10), maxAnswer)
	event, data := "", []byte(nil)
	for lines.Scan() {
		heard()
		name, value, _ := bytes.Cut(lines.Bytes(), []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case len(lines.Bytes()) == 0:
			if data != nil {
				if err := tell(event, data); err != nil {
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
			if len(data) > maxAnswer {
				return bufio.ErrTooLong
			}
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return errEnded
}

// Settings asks for the settings in force.
func (c *Client) Settings(ctx context.Context) (view SettingsView, err error) {
	return c.settings(ctx, http.MethodGet, nil)
}

// SaveSettings has the content of a settings file checked, put in force and written, and returns what is in force
// then. The error is [settings.Problems] if the content is at fault.
func (c *Client) SaveSettings(ctx context.Context, body []byte) (view SettingsView, err error) {
	return c.settings(ctx, http.MethodPut, body)
}

func (c *Client) settings(ctx context.Context, method string, content []byte) (view SettingsView, err error) {
	res, err := c.send(ctx, c.http, method, "/settings", content)
	if err != nil {
		return view, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case err != nil:
		return view, err
	case res.StatusCode == http.StatusOK:
		return view, json.Unmarshal(body, &view)
	}
	var refusal Refusal
	if json.Unmarshal(body, &refusal) != nil || refusal.Error == "" {
		refusal.Error = string(bytes.TrimSpace(body))
	}
	if res.StatusCode != http.StatusUnprocessableEntity || len(refusal.Problems) == 0 {
		return view, fmt.Errorf("%s /settings: %s: %s", method, res.Status, refusal.Error)
	}
	return view, refusal.problems("settings.json")
}

// UnmarshalJSON reads settings as a settings file is read.
func (v *SettingsView) UnmarshalJSON(data []byte) error {
	type plain SettingsView
	raw := struct {
		*plain
		Settings json.RawMessage `json:"settings"`
		Defaults json.RawMessage `json:"defaults"`
	}{plain: (*plain)(v)}
	err := json.Unmarshal(data, &raw)
	if err == nil {
		v.Settings, err = settings.Parse("settings", raw.Settings)
	}
	if err == nil {
		v.Defaults, err = settings.Parse("defaults", raw.Defaults)
	}
	return err
}
