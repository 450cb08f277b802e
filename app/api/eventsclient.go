package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"gatewatch/app/api/sse"
	"gatewatch/app/settings"
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

// follow reads a stream until ctx ends, or the stream, or onEvent returns an error.
func (c *Client) follow(ctx context.Context, path string, onEvent func(event string, data []byte) error) error {
	open := func(ctx context.Context) (*http.Response, error) {
		return c.send(ctx, c.waiting(0), http.MethodGet, path, nil)
	}
	return sse.Follow(ctx, open, c.notResponding(), onEvent)
}

// Settings asks for the settings in effect.
func (c *Client) Settings(ctx context.Context) (SettingsView, error) {
	return get[SettingsView](ctx, c, "/settings")
}

// SaveSettings replaces settings.json and returns what is in effect then. The error is [settings.Problems] if the
// content is at fault.
func (c *Client) SaveSettings(ctx context.Context, body []byte) (SettingsView, error) {
	return send[SettingsView](ctx, c, http.MethodPut, "/settings", body, "settings.json", nil)
}

// SaveSettingsIf is like SaveSettings if the file still has the tag. Otherwise the error is [ErrChanged].
func (c *Client) SaveSettingsIf(ctx context.Context, body []byte, tag string) (SettingsView, error) {
	return send[SettingsView](ctx, c, http.MethodPut, "/settings", body, "settings.json", nil, tag)
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
