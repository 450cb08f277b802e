//go:build !windows

package region

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// computerZone returns the name of the computer's time zone; empty if it has none that can be found.
func computerZone() string {
	if zone, ok := os.LookupEnv("TZ"); ok {
		if zone = strings.TrimPrefix(zone, ":"); zone == "" {
			return "UTC"
		}
		return zoneOfPath(zone)
	}
	if link, err := os.Readlink("/etc/localtime"); err == nil {
		if zone := zoneOfPath(link); ofZone(zone) != Unknown || isUTC(zone) {
			return zone
		}
	}
	return zoneOfFile("/etc/timezone") // on Debian, where /etc/localtime may be a copy
}

// zoneOfPath returns the zone that a file of the system's time zone database describes; a name that is no path as it
// is.
func zoneOfPath(path string) string {
	if !strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "..") {
		return path
	}
	_, name, _ := strings.Cut(path, "/zoneinfo")
	_, name, _ = strings.Cut(name, "/") // also after zoneinfo.default
	for _, kind := range []string{"posix/", "right/", "uclibc/"} {
		name = strings.TrimPrefix(name, kind)
	}
	return name
}

func zoneOfFile(path string) string {
	data, _ := contentOf(os.OpenFile(path, os.O_RDONLY|noWait, 0))
	return strings.TrimSpace(string(data))
}

// folders are those in which jts.ini may be.
func folders() []string {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil
	}
	return []string{filepath.Join(home, "Jts")}
}

// noWait opens a pipe without waiting for its other end.
const noWait = syscall.O_NONBLOCK
