package conn

import "syscall"

// rawSyscall makes a system call that cannot block, of which Go's scheduler is not told.
var rawSyscall = syscall.RawSyscall

const sysRead = syscall.SYS_READ
