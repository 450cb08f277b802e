package peer

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Of returns the program at the other end of a connection on this computer, if the system says it. Processes of
// other users are not seen.
func Of(c *net.TCPConn) (Program, bool) {
	remote, ok := c.RemoteAddr().(*net.TCPAddr)
	local, ok2 := c.LocalAddr().(*net.TCPAddr)
	if !ok || !ok2 {
		return Program{}, false
	}
	inode := socketInode("/proc/net/tcp", "", remote, local)
	if inode == "" { // a program that uses a socket for IPv6, as Java does
		inode = socketInode("/proc/net/tcp6", "0000000000000000FFFF0000", remote, local)
	}
	if inode == "" {
		return Program{}, false
	}
	pid := processWith("socket:[" + inode + "]")
	if pid == 0 {
		return Program{}, false
	}
	return Program{Name: processName(pid), PID: pid}, true
}

// socketInode returns the inode of the socket between two addresses, as the first one's process has it; prefix is what
// the table writes before IPv4 addresses.
func socketInode(table, prefix string, local, remote *net.TCPAddr) string {
	data, err := os.ReadFile(table)
	if err != nil {
		return ""
	}
	want := [2]string{prefix + procAddress(local), prefix + procAddress(remote)}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) > 9 && f[1] == want[0] && f[2] == want[1] {
			return f[9]
		}
	}
	return ""
}

// procAddress writes an IPv4 address as /proc/net/tcp does.
func procAddress(a *net.TCPAddr) string {
	ip := a.IP.To4()
	if ip == nil {
		return ""
	}
	// The kernel prints the four bytes as one number of this computer, which has the lowest byte first.
	return fmt.Sprintf("%s:%04X", strings.ToUpper(hex.EncodeToString([]byte{ip[3], ip[2], ip[1], ip[0]})), a.Port)
}

// processWith returns the process that has a file open, 0 if none is found.
func processWith(link string) int {
	proc, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, p := range proc {
		pid, err := strconv.Atoi(p.Name())
		if err != nil {
			continue
		}
		dir := filepath.Join("/proc", p.Name(), "fd")
		files, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, f := range files {
			if to, err := os.Readlink(filepath.Join(dir, f.Name())); err == nil && to == link {
				return pid
			}
		}
	}
	return 0
}

// processName returns the name of a program. Of an interpreter it is the name of the script.
func processName(pid int) string {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	if args, err := os.ReadFile(filepath.Join(dir, "cmdline")); err == nil {
		if name := programName(bytes.Split(args, []byte{0})); name != "" {
			return name
		}
	}
	comm, _ := os.ReadFile(filepath.Join(dir, "comm"))
	return string(bytes.TrimSpace(comm))
}

// programName returns the name of a program from its arguments, that of the script if it is an interpreter.
func programName(args [][]byte) string {
	if len(args) == 0 {
		return ""
	}
	name := filepath.Base(string(args[0]))
	for _, interpreter := range []string{"python", "node", "java", "ruby", "dotnet", "bun", "deno"} {
		if !strings.HasPrefix(name, interpreter) {
			continue
		}
		for _, a := range args[1:] {
			if len(a) > 0 && a[0] != '-' {
				return name + " " + filepath.Base(string(a))
			}
		}
	}
	return name
}
