package peer

import (
	"encoding/binary"
	"net"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"
)

var extendedTCPTable = windows.NewLazySystemDLL("iphlpapi.dll").NewProc("GetExtendedTcpTable")

const (
	ownerPIDConnections = 4 // TCP_TABLE_OWNER_PID_CONNECTIONS
	rowSize             = 24
)

// Of returns the program at the other end of a connection on this computer, if the system says it.
func Of(c *net.TCPConn) (Program, bool) {
	remote, ok := c.RemoteAddr().(*net.TCPAddr)
	local, ok2 := c.LocalAddr().(*net.TCPAddr)
	if !ok || !ok2 {
		return Program{}, false
	}
	pid := ownerOf(remote, local)
	if pid == 0 {
		return Program{}, false
	}
	return Program{Name: processName(pid), PID: int(pid)}, true
}

// ownerOf returns the process whose side of a connection is local, 0 if it is not found.
func ownerOf(local, remote *net.TCPAddr) uint32 {
	table := connections()
	if len(table) < 4 {
		return 0
	}
	n := int(binary.LittleEndian.Uint32(table))
	for rows := table[4:]; n > 0 && len(rows) >= rowSize; n, rows = n-1, rows[rowSize:] {
		// State, local address and port, remote address and port, process; ports and addresses as on the network.
		if sameEnd(rows[4:12], local) && sameEnd(rows[12:20], remote) {
			return binary.LittleEndian.Uint32(rows[20:])
		}
	}
	return 0
}

func sameEnd(row []byte, a *net.TCPAddr) bool {
	return net.IP(row[:4]).Equal(a.IP) && int(binary.BigEndian.Uint16(row[4:])) == a.Port
}

// connections returns the system's table of IPv4 connections.
func connections() []byte {
	size := uint32(16 << 10)
	for range 5 {
		table := make([]byte, size)
		r, _, _ := extendedTCPTable.Call(
			uintptr(unsafe.Pointer(&table[0])), uintptr(unsafe.Pointer(&size)), 0,
			windows.AF_INET, ownerPIDConnections, 0,
		)
		switch windows.Errno(r) {
		case windows.ERROR_SUCCESS:
			return table
		case windows.ERROR_INSUFFICIENT_BUFFER:
			continue
		}
		return nil
	}
	return nil
}

// processName returns the name of a process's program file.
func processName(pid uint32) string {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if err != nil {
		return ""
	}
	defer windows.CloseHandle(h) //nolint:errcheck // it was opened
	var path [windows.MAX_PATH]uint16
	n := uint32(len(path))
	if windows.QueryFullProcessImageName(h, 0, &path[0], &n) != nil {
		return ""
	}
	return filepath.Base(windows.UTF16ToString(path[:n]))
}
