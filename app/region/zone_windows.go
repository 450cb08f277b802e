package region

import (
	"strings"

	"golang.org/x/sys/windows/registry"
)

// computerZone returns the name of the computer's time zone; empty if it has none that can be found. Go ignores TZ on
// Windows.
func computerZone() string {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, `SYSTEM\CurrentControlSet\Control\TimeZoneInformation`,
		registry.QUERY_VALUE)
	if err != nil {
		return ""
	}
	defer key.Close()
	name, _, err := key.GetStringValue("TimeZoneKeyName")
	if err != nil {
		return ""
	}
	name, _, _ = strings.Cut(name, "\x00") // what follows is left over from a longer name
	return zoneOfWindows(name)
}

// folders are those in which jts.ini may be.
func folders() []string { return []string{`C:\Jts`} }

const noWait = 0
