package home

import (
	"errors"
	"fmt"

	"gatewatch/app/region"
	"gatewatch/app/settings"
)

// ErrDefaults is wrapped by a problem with the settings because of which the defaults are in effect.
var ErrDefaults = errors.New("the defaults are in effect")

// LoadSettings reads the settings for a start. If the file is bad or cannot be read, it returns those that were in
// effect last, and the problem. Without those a bad file is final, and for one that cannot be read the defaults are
// used ([ErrDefaults]): the connection matters more than the disk. Defaults without a file have the reset window of
// this computer.
func (h Home) LoadSettings(here region.Found) (s settings.Settings, problem, final error) {
	s, found, err := settings.Load(h.Settings())
	switch {
	case err == nil && found:
		return s, nil, nil
	case err == nil:
		return settings.For(here.Applies()), nil, nil
	}
	good, found, goodErr := settings.Load(h.LastGood())
	if found && goodErr == nil {
		return good, err, nil
	}
	if _, bad := errors.AsType[settings.Problems](err); bad {
		return s, nil, err
	}
	return settings.For(here.Applies()), fmt.Errorf("%w; %w", err, ErrDefaults), nil
}
