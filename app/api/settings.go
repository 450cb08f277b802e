package api

import (
	"context"
	"time"

	"gatewatch/app/region"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
)

// SettingsBackend is the part of a [Backend] about settings.
type SettingsBackend interface {
	// Settings returns the settings in effect.
	Settings() SettingsView
	// SettingsText returns the text of settings.json, and its tag.
	SettingsText() (FileText, string, error)
	// SaveSettings checks, writes and applies a whole settings file. It returns settings.Problems if it is at fault,
	// and ErrChanged if the file that it replaces has another tag than the one given, unless that is empty.
	SaveSettings(ctx context.Context, body []byte, tag string) error
}

// SettingsView is the answer to GET /settings.
type SettingsView struct {
	Path     string            `json:"path"`     // of settings.json
	Found    bool              `json:"found"`    // whether that file exists
	Settings settings.Settings `json:"settings"` // in effect now
	Defaults settings.Settings `json:"defaults"`
	Problem  string            `json:"problem"` // why the file on disk is not in effect, empty if it is
	// Suggestion is the reset window that fits this computer; null once there is a settings file.
	Suggestion *ResetSuggestion `json:"suggestion"`
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

// Refusal is the answer to settings, or to a rule, at fault; problems are in the order of the text.
type Refusal struct {
	Error    string    `json:"error"`
	Problems []Problem `json:"problems"`
}

// Problem is one thing wrong in settings or rules.
type Problem struct {
	Key    string `json:"key"` // such as "watchdog.poll_seconds"
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Text   string `json:"text"`
}

// ProblemsOf renders what is wrong in a file.
func ProblemsOf(bad settings.Problems) (list []Problem) {
	for _, p := range bad {
		list = append(list, Problem{Key: p.Key, Line: p.Line, Column: p.Column, Text: p.Text})
	}
	return list
}

// problems returns what a refusal tells, as problems of the named file.
func (r Refusal) problems(file string) (problems settings.Problems) {
	for _, p := range r.Problems {
		problems = append(problems, settings.Problem{
			File: file, Line: p.Line, Column: p.Column, Key: p.Key,
			Text: p.Text,
		})
	}
	return problems
}
