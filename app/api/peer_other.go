//go:build !linux

package api

import "net/http"

// sameUser cannot see whose process asks; on Windows no other user can read the arguments of a process.
func sameUser(*http.Request) bool { return true }
