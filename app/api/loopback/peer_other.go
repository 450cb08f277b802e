//go:build !linux

package loopback

import "net/http"

// SameUser cannot see whose process asks; on Windows no other user can read the arguments of a process.
func SameUser(*http.Request) bool { return true }
