package main

import (
	"fmt"
	"os/exec"
	"slices"
	"syscall"
)

// sendSignal does what Windows has instead of signals: KILL ends a process by force, TERM and INT have a resident program
// quit, and end any other process as if it had succeeded.
func sendSignal(c *exec.Cmd, name string) error {
	switch {
	case name == "KILL":
		return c.Process.Kill()
	case name != "TERM" && name != "INT":
		return fmt.Errorf("no signal %s on Windows", name)
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
