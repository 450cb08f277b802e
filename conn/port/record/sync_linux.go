package record

import (
	"errors"
	"os"
	"syscall"
)

// syncData puts what was written to a file on disk, without the times of the file.
func syncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
