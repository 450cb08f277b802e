package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"gatewatch/app/region"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
)

// SettingsView is the answer to GET /settings.
type SettingsView struct {
	Path     string            `json:"path"`     // of settings.json
	Found    bool              `json:"found"`    // whether that file exists
	Settings settings.Settings `json:"settings"` // in effect now
	Defaults settings.Settings `json:"defaults"`
	Problem  string            `json:"problem"` // why the file on disk is not in effect, empty if it is
	// Suggestion is the reset window that fits this computer; null once there is a settings file.
	Suggestion *ResetSuggestion `json:"suggestion"`
	Offer      *Offer           `json:"offer"` // what can be saved at a first start; null if there is nothing
}

// ResetSuggestion is a reset window to save, for a first start.
type ResetSuggestion struct {
	Region   region.Region     `json:"region"`   // such as europe; empty: not known, so the default applies
	Text     string            `json:"text"`     // the window in local time and the reason for it, for people
	Settings settings.Settings `json:"settings"` // to put with PUT /settings: those in effect, with this window
}

// SuggestReset returns the reset window that fits what was found on this computer, beside the settings in effect.
func SuggestReset(s settings.Settings, f region.Found, now time.Time) *ResetSuggestion {
	s = s.Suggested(f)
	cfg, err := s.Conn()
	if err != nil {
		return nil
	}
	return &ResetSuggestion{Region: f.Suggested(), Text: wording.SuggestedReset(f, cfg.Calendar, now), Settings: s}
}

// Settings asks for the settings in effect.
func (c *Client) Settings(ctx context.Context) (SettingsView, error) {
	return get[SettingsView](ctx, c, "/settings")
}

// SaveSettings replaces settings.json and returns what is in effect then. The error is [settings.Problems] if the
// content is at fault, and [ErrChanged] if the file has another tag than the one given, unless that is empty.
func (c *Client) SaveSettings(ctx context.Context, body []byte, tag string) (SettingsView, error) {
	return send[SettingsView](ctx, c, http.MethodPut, "/settings", body, "settings.json", nil, tag)
}

// SettingsText asks for the text of settings.json, and its tag.
func (c *Client) SettingsText(ctx context.Context) (f FileText, tag string, err error) {
	res, err := c.open(ctx, c.http, http.MethodGet, "/settings/text", nil)
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
