package tray

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows/registry"
)

// iconsKey has a key for each tray icon that was ever shown. Windows 10 does not have it.
const iconsKey = `Control Panel\NotifyIconSettings`

// Hidden reports whether Windows 11 keeps the icon of this program in the overflow. It does so with every new icon.
func Hidden() (bool, error) {
	exe, err := os.Executable()
	if err != nil {
		return false, err
	}
	settings, err := readIcons(iconsKey)
	return inOverflow(settings, exe), err
}

// readIcons reads the settings of all icons below a key of the user.
func readIcons(path string) ([]iconSetting, error) {
	key, err := registry.OpenKey(registry.CURRENT_USER, path, registry.ENUMERATE_SUB_KEYS)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer key.Close()
	names, err := key.ReadSubKeyNames(-1)
	if err != nil {
		return nil, err
	}
	var settings []iconSetting
	for _, name := range names {
		if s, ok := readIcon(key, name); ok {
			settings = append(settings, s)
		}
	}
	return settings, nil
}

// readIcon reads the settings of one icon. A value that is missing, or of another kind, is as if it were 0.
func readIcon(key registry.Key, name string) (s iconSetting, ok bool) {
	icon, err := registry.OpenKey(key, name, registry.QUERY_VALUE)
	if err != nil {
		return s, false
	}
	defer icon.Close()
	if s.exe, _, err = icon.GetStringValue("ExecutablePath"); err != nil {
		return s, false
	}
	promoted, _, err := icon.GetIntegerValue("IsPromoted")
	s.promoted = err == nil && promoted != 0
	return s, true
}
