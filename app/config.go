package main

import (
	"errors"
	"io/fs"

	"gatewatch/app/settings"
)

// loadSettings reads the settings in force at the start. If the file is bad, the last good ones of an earlier run are
// used and the problem is returned beside them; without those it is final.
func loadSettings(h home) (s settings.Settings, problem, final error) {
	s, _, err := settings.Load(h.settings())
	if err == nil {
		return s, nil, nil
	}
	var bad settings.Problems
	if !errors.As(err, &bad) && !errors.Is(err, fs.ErrPermission) {
		return s, nil, err
	}
	good, found, goodErr := settings.Load(h.lastGood())
	if goodErr != nil || !found {
		return s, nil, err
	}
	return good, err, nil
}
