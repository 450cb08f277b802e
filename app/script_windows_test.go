package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
)

// sendSignal does what Windows has instead of signals: SIGKILL ends a process by force, SIGTERM and SIGINT make a
// resident program quit, and end any other process as if it had succeeded.
func sendSignal(c *exec.Cmd, s os.Signal) error {
	switch {
	case s == os.Kill:
		return c.Process.Kill()
	case s != syscall.SIGTERM && s != os.Interrupt:
		return fmt.Errorf("no signal %v on Windows", s)
	case slices.Contains(c.Args, "run"):
		args := []string{"quit"}
		if i := slices.Index(c.Args, "--home"); i > 0 {
			args = append(args, c.Args[i:i+2]...)
		}
		quit := exec.Command(c.Path, args...)
		quit.Dir, quit.Env = c.Dir, c.Env
		if out, err := quit.CombinedOutput(); err != nil {
			return fmt.Errorf("gatewatch quit: %w: %s", err, out)
		}
		return nil
	}
	h, err := syscall.OpenProcess(syscall.PROCESS_TERMINATE, false, uint32(c.Process.Pid))
	if err != nil {
		return err
	}
	defer syscall.CloseHandle(h)
	return syscall.TerminateProcess(h, 0)
}
