package alert

import "syscall"

// createNoWindow is CREATE_NO_WINDOW of CreateProcess: the child gets no console of its own.
const createNoWindow = 0x08000000

func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{CreationFlags: createNoWindow} }
