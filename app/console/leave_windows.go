package console

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/term"
)

// gatewatch.exe is a console program, so that a shell waits for it, reads its exit code and passes Ctrl+C on. Started
// from the desktop or at login it would stand there with an empty console window. Since Windows 11 24H2 the manifest
// prevents that; before, Windows makes the console and the program leaves it.

var (
	kernel32              = windows.NewLazySystemDLL("kernel32.dll")
	getConsoleProcessList = kernel32.NewProc("GetConsoleProcessList")
	freeConsole           = kernel32.NewProc("FreeConsole")
)

// LeaveOwn closes the console if it was made for this process alone. It comes before anything keeps os.Stdout
// or os.Stderr. A console that belongs to a shell stays.
func LeaveOwn() {
	var pids [2]uint32
	n, _, _ := getConsoleProcessList.Call(uintptr(unsafe.Pointer(&pids[0])), uintptr(len(pids)))
	if n != 1 {
		return // none, or a shell's
	}
	nul, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return
	}
	// What has been redirected to a file or a pipe goes on there. What is a console ends with it, and its number may
	// be given to something else, so nothing may go on writing to it.
	for std, file := range map[uint32]**os.File{
		windows.STD_INPUT_HANDLE: &os.Stdin, windows.STD_OUTPUT_HANDLE: &os.Stdout,
		windows.STD_ERROR_HANDLE: &os.Stderr,
	} {
		if term.IsTerminal(int((*file).Fd())) {
			*file = nul
			_ = windows.SetStdHandle(std, windows.Handle(nul.Fd()))
		}
	}
	_, _, _ = freeConsole.Call()
}
