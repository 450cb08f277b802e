package e2e

import "syscall"

// Windows stops no program, and has no X display for these tests.
const sigStop, sigCont = syscall.SIGKILL, syscall.SIGKILL
