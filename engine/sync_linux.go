package engine

import (
	"errors"
	"os"
	"syscall"
)

// syncData has what was written to a file be on disk, without the times of the file, which nobody needs.
func syncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
