package diagnostics

import (
	"time"

	"gatewatch/app/alert"
	"gatewatch/app/home"
	"gatewatch/app/settings"
)

// SourceOf returns what every report begins with.
func SourceOf(h home.Home, s settings.Settings, version, token string) Source {
	return Source{
		Version: version, Now: time.Now(), Settings: s, Secrets: []string{token},
		Secret:    (&alert.Secrets{File: h.Secrets()}).Get,
		ConfigDir: h.Config, StateDir: h.State, LogFile: h.Log(),
	}
}
