//go:build !linux

package ib

import "syscall"

// rawSyscall is what the system does not have.
var rawSyscall func(trap, a1, a2, a3 uintptr) (r1, r2 uintptr, err syscall.Errno)

const sysRead = 0
