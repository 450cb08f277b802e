package port_test

import (
	"net"
	"os"
	"syscall"
	"testing"

	"gatewatch/conn/wire"
)

// TestWhoIsItIPv6 finds a program that connects with a socket for IPv6, as Java does.
func TestWhoIsItIPv6(t *testing.T) {
	fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Skip(err)
	}
	f := os.NewFile(uintptr(fd), "socket")
	defer f.Close()
	g := newTap(t, 176)
	r := newRig(t, g.port(), nil)
	to := &syscall.SockaddrInet6{Port: r.number}
	copy(to.Addr[:], net.ParseIP("127.0.0.1").To16())
	if err := syscall.Connect(fd, to); err != nil {
		t.Skip(err)
	}
	tcp, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	defer tcp.Close()
	if _, err := tcp.Write(append(hello("v100..176"), startFrame(176, 7)...)); err != nil {
		t.Fatal(err)
	}
	if _, err := wire.NewReader(tcp).Greeting(); err != nil {
		t.Fatal(err)
	}
	until(t, "the program is known", func() bool { c := r.Clients(); return len(c) == 1 && c[0].PID == os.Getpid() })
}
