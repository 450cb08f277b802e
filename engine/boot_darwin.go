package engine

import "golang.org/x/sys/unix"

// boot returns what tells this run of the computer from all others; empty if the system does not say.
func boot() string {
	id, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
}

// thisBoot reports whether a value of boot is from this run of the computer.
func thisBoot(id string) bool { return id != "" && id == boot() }
