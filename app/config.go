package main

import (
	"errors"

	"gatewatch/app/settings"
)

// loadSettings reads the settings for the start. If the file is bad or cannot be read, those that were good in an earlier run are
// used, and the problem is returned beside them. Without those a bad file is final, and for one that cannot be read the defaults
// are used: the connection matters more than the disk.
func loadSettings(h home) (s settings.Settings, problem, final error) {
	s, _, err := settings.Load(h.settings())
	if err == nil {
		return s, nil, nil
	}
	good, found, goodErr := settings.Load(h.lastGood())
	if found && goodErr == nil {
		return good, err, nil
	}
	if bad := (settings.Problems)(nil); errors.As(err, &bad) {
		return s, nil, err
	}
	return settings.Default(), err, nil
}
