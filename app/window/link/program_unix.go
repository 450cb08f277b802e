//go:build unix

package link

import "syscall"

// detached makes a child outlive the window's session.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
