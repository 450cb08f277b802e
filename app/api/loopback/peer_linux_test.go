package loopback

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// TestOwnerOf reads lists as the kernel of a little-endian computer writes them.
func TestOwnerOf(t *testing.T) {
	own, server := netip.MustParseAddrPort("127.0.0.1:40000"), netip.MustParseAddrPort("127.0.0.1:8765")
	const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	line := func(local, remote, state string, uid int) string {
		return fmt.Sprintf("   0: %s %s %s 00000000:00000000 00:00000000 00000000  %d        0 12345 1\n", local,
			remote, state, uid)
	}
	a, b := socketName(own), socketName(server)
	for name, c := range map[string]struct {
		list  string
		uid   int
		found bool
	}{
		"there": {head + line(b, a, "01", 7) + line(a, b, "01", 1000), 1000, true},
		"by IPv6": {
			head + line("0000000000000000FFFF0000"+a, "0000000000000000FFFF0000"+b, "01", 1000),
			1000, true,
		},
		"closing":            {head + line(a, b, "06", 0), 0, false},
		"of another address": {head + line("0200007F"+a[8:], b, "01", 1000), 0, false},
		"the server's end":   {head + line(b, a, "01", 1000), 0, false},
		"empty":              {"", 0, false},
		"garbage":            {strings.Repeat("x y\n", 100), 0, false},
	} {
		if uid, found := ownerOf(strings.NewReader(c.list), own, server); uid != c.uid || found != c.found {
			t.Errorf("%s: %d, %v", name, uid, found)
		}
	}
}
