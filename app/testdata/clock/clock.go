// TestSleep adds this file to the program: a mapped file says how many seconds the wall clock is ahead. The monotonic
// clock does not notice, as when a computer has slept.
package main

import (
	"os"
	"syscall"
	"unsafe"
)

// systemClock is where the runtime finds the function of the kernel that tells the time.
//
//go:linkname systemClock runtime.vdsoClockgettimeSym
var systemClock uintptr

var (
	original     uintptr
	ahead        *int64 // seconds
	shiftedClock uintptr
)

func init() {
	f, err := os.Open(os.Getenv("GATEWATCH_TEST_CLOCK"))
	if err != nil {
		panic(err)
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	ahead = (*int64)(unsafe.Pointer(&b[0]))
	original, systemClock = systemClock, shiftedClock
}
