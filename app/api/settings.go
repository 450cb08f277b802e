package api

import (
	"errors"
	"net/http"

	"gatewatch/app/settings"
)

// SettingsView is the answer to GET /settings.
type SettingsView struct {
	Path     string            `json:"path"`     // of settings.json
	Found    bool              `json:"found"`    // whether that file exists
	Settings settings.Settings `json:"settings"` // in force now
	Defaults settings.Settings `json:"defaults"`
	Problem  string            `json:"problem"` // why the file on disk is not in force, empty if it is
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

func (s *Server) saveSettings(w http.ResponseWriter, r *http.Request) {
	body, ok := read(w, r)
	if !ok {
		return
	}
	ctx, cancel := patient(w, r, askLimit) // an order on its way is waited for, and the disk
	defer cancel()
	err := s.backend.SaveSettings(ctx, body)
	var bad settings.Problems
	switch {
	case err == nil:
		answer(w, http.StatusOK, s.backend.Settings())
	case errors.As(err, &bad):
		refuseProblems(w, bad)
	default:
		fail(w, http.StatusInternalServerError, err.Error())
	}
}

func refuseProblems(w http.ResponseWriter, bad settings.Problems) {
	refusal := Refusal{Error: bad.Error()}
	for _, p := range bad {
		refusal.Problems = append(refusal.Problems, Problem{Key: p.Key, Line: p.Line, Column: p.Column, Text: p.Text})
	}
	answer(w, http.StatusUnprocessableEntity, refusal)
}

// problems returns what a refusal tells, as problems of the named file.
func (r Refusal) problems(file string) (problems settings.Problems) {
	for _, p := range r.Problems {
		problems = append(problems, settings.Problem{File: file, Line: p.Line, Column: p.Column, Key: p.Key, Text: p.Text})
	}
	return problems
}
