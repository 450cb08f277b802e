//go:build unix

package home

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// ownFolder returns a folder of this user alone within a folder, which it makes if need be; empty if there can be none.
func ownFolder(within string) string {
	if info, err := os.Stat(within); err != nil || !info.IsDir() {
		return ""
	}
	path := filepath.Join(within, fmt.Sprintf("gatewatch-%d", os.Getuid()))
	_ = os.Mkdir(path, 0o700) // it may be there
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return ""
	}
	if of, ok := info.Sys().(*syscall.Stat_t); !ok || int(of.Uid) != os.Getuid() {
		return "" // another user has made it
	}
	return path
}
