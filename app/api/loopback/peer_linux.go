package loopback

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// SameUser reports whether the process at the other end of a request's connection is this user's, by the kernel's
// list of sockets. What cannot be seen there is not.
func SameUser(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if !ok || err != nil {
		return false
	}
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		list, err := os.Open(name)
		if err != nil {
			continue
		}
		uid, found := ownerOf(list, remote, local.AddrPort())
		list.Close()
		if found {
			return uid == os.Getuid()
		}
	}
	return false
}

// ownerOf finds who has the socket at address at, connected to the other, in a list such as /proc/net/tcp.
func ownerOf(list io.Reader, at, other netip.AddrPort) (uid int, found bool) {
	own, peer := socketName(at), socketName(other)
	const established = "01" // sockets that are closing have lost their owner
	for lines := bufio.NewScanner(list); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) > 7 && strings.HasSuffix(f[1], own) && strings.HasSuffix(f[2], peer) && f[3] == established {
			uid, err := strconv.Atoi(f[7])
			return uid, err == nil
		}
	}
	return 0, false
}

// socketName returns an IPv4 address as the kernel writes it; a socket of IPv6 that uses it has more in front of it.
func socketName(a netip.AddrPort) string {
	ip := a.Addr().Unmap().As4()
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(ip[:]), a.Port())
}
