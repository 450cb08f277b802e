//go:build !windows

package alert

import "syscall"

func childAttr() *syscall.SysProcAttr { return nil }
