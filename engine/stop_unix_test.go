//go:build !windows

package engine

import (
	"os"
	"syscall"
	"time"
)

// stopFor has a process stand still for a while.
func stopFor(p *os.Process, d time.Duration) {
	_ = p.Signal(syscall.SIGSTOP)
	time.Sleep(d)
	_ = p.Signal(syscall.SIGCONT)
}
