//go:build unix

package e2e

import "syscall"

// What stops a program, and lets it go on.
const sigStop, sigCont = syscall.SIGSTOP, syscall.SIGCONT
