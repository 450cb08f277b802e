package ib

import "syscall"

// rawSyscall makes a system call that cannot block, unseen by Go's scheduler.
var rawSyscall = syscall.RawSyscall

const sysRead = syscall.SYS_READ
