package engine

import (
	"os"
	"strings"
)

// boot returns what tells this run of the computer from all others; empty if the system does not say.
func boot() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// thisBoot reports whether a value of boot is from this run of the computer.
func thisBoot(id string) bool { return id != "" && id == boot() }
