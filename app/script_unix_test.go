//go:build unix

package main

import (
	"os"
	"os/exec"
	"syscall"
)

func init() { signals["STOP"], signals["CONT"] = syscall.SIGSTOP, syscall.SIGCONT }

func sendSignal(c *exec.Cmd, s os.Signal) error { return c.Process.Signal(s) }
