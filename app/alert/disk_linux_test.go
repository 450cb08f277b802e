package alert

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestDiskDoesNotLetGo has a disk take nothing any more when an alert waits: it is delivered once.
func TestDiskDoesNotLetGo(t *testing.T) {
	web := newWebServer(t)
	p := newPost(t, map[string]string{"env:HOOK": "http://" + web.addr + "/hooksecret"})
	p.box.Configure(Config{Webhook: &Webhook{URL: "env:HOOK"}})
	p.put(three()[0])
	refuseWrites(t, p.path)
	web.open()
	p.run()
	const what = "a delivered alert cannot be taken out of the outbox"
	until(t, "it was tried often", func() bool { return strings.Count(p.log(), what) > 5 })
	if n := len(web.requests()); n != 1 {
		t.Errorf("it was delivered %d times", n)
	}
}

// refuseWrites has the disk take nothing any more for a file that is open.
func refuseWrites(t *testing.T, path string) {
	t.Helper()
	onlyRead, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer onlyRead.Close()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		fd := 0
		if name, err := os.Readlink("/proc/self/fd/" + f.Name()); err != nil || name != path {
			continue
		}
		if _, err := fmt.Sscan(f.Name(), &fd); err != nil || fd == int(onlyRead.Fd()) {
			continue
		}
		if err := syscall.Dup3(int(onlyRead.Fd()), fd, syscall.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
	}
}
