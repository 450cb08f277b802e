package home

import (
	"errors"

	"gatewatch/app/settings"
)

// LoadSettings reads the settings for a start. If the file is bad or cannot be read, it returns those that were in
// effect last, and the problem. Without those a bad file is final, and for one that cannot be read the defaults are
// used: the connection matters more than the disk.
func (h Home) LoadSettings() (s settings.Settings, problem, final error) {
	s, _, err := settings.Load(h.Settings())
	if err == nil {
		return s, nil, nil
	}
	good, found, goodErr := settings.Load(h.LastGood())
	if found && goodErr == nil {
		return good, err, nil
	}
	if bad := (settings.Problems)(nil); errors.As(err, &bad) {
		return s, nil, err
	}
	return settings.Default(), err, nil
}
