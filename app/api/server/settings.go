package server

import (
	"context"

	"gatewatch/app/api"
)

// SettingsBackend is the part of a [Backend] about settings.
type SettingsBackend interface {
	// Settings returns the settings in effect.
	Settings() api.SettingsView
	// SettingsText returns the text of settings.json, and its tag.
	SettingsText() (api.FileText, string, error)
	// SaveSettings checks, writes and applies a whole settings file. It returns settings.Problems if it is at fault,
	// and ErrChanged if the file that it replaces has another tag than the one given, unless that is empty.
	SaveSettings(ctx context.Context, body []byte, tag string) error
}

// settings returns what GET /settings answers.
func (s *Server) settings() api.SettingsView {
	v, st := s.backend.Settings(), s.backend.Status()
	v.Offer = api.OfferOf(&v, &st)
	return v
}
