package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"gatewatch/app/api/sse"
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
	// maxReport bounds an answer that may tell of ten years.
	maxReport = 8 << 20
)

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
	res, err := c.send(ctx, c.waiting(0), http.MethodGet, path, nil)
	if err == nil {
		defer res.Body.Close()
		if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); res.StatusCode != http.StatusOK ||
			kind != "text/event-stream" {
			return fmt.Errorf("GET %s: %s, %q instead of events", path, res.Status, kind)
		}
		err = sse.Read(res.Body, func() { quiet.Store(0) }, tell)
	}
	switch {
	case parent.Err() != nil:
		return parent.Err()
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return err
}

// Settings asks for the settings in effect.
func (c *Client) Settings(ctx context.Context) (SettingsView, error) {
	return get[SettingsView](ctx, c, "/settings")
}

// SaveSettings replaces settings.json and returns what is in effect then. The error is [settings.Problems] if the
// content is at fault.
func (c *Client) SaveSettings(ctx context.Context, body []byte) (SettingsView, error) {
	return c.saveSettings(ctx, body)
}

// SaveSettingsIf is like SaveSettings if the file still has the tag. Otherwise the error is [ErrChanged].
func (c *Client) SaveSettingsIf(ctx context.Context, body []byte, tag string) (SettingsView, error) {
	return c.saveSettings(ctx, body, tag)
}

func (c *Client) saveSettings(ctx context.Context, body []byte, tag ...string) (view SettingsView, err error) {
	via := c.waiting(askLimit + 10*time.Second) // a keyring may be slow
	raw, err := c.exchange(ctx, via, http.MethodPut, "/settings", body, tag...)
	refused, ok := errors.AsType[*failure](err)
	switch {
	case ok && refused.code == http.StatusUnprocessableEntity && len(refused.said.Problems) > 0:
		return view, refused.said.problems("settings.json")
	case ok && refused.code == http.StatusPreconditionFailed:
		return view, ErrChanged
	case err == nil:
		err = json.Unmarshal(raw, &view)
	}
	return view, err
}

// SettingsText asks for the text of settings.json, and its tag.
func (c *Client) SettingsText(ctx context.Context) (f FileText, tag string, err error) {
	res, err := c.send(ctx, c.http, http.MethodGet, "/settings/text", nil)
	if err != nil {
		return f, "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return f, "", fmt.Errorf("GET /settings/text: %s", res.Status)
	}
	err = json.NewDecoder(io.LimitReader(res.Body, maxReport)).Decode(&f)
	return f, strings.Trim(res.Header.Get("ETag"), `"`), err
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
