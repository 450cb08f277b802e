package alert

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// endless is a server that accepts connections, says how it begins and then never stops to send.
func endless(t *testing.T, begin string, more []byte) string {
	t.Helper()
	p := newPlace(t)
	p.each(func(c net.Conn, stop <-chan struct{}) { pour(c, begin, more, stop) })
	return p.addr
}

// each serves every connection with talk until the test ends, and closes it after that.
func (p *place) each(talk func(c net.Conn, stop <-chan struct{})) {
	stop := make(chan struct{})
	p.serve(func(ln net.Listener) {
		go func() { <-stop; ln.Close() }()
		var all sync.WaitGroup
		defer all.Wait()
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				talk(c, stop)
			})
		}
	}, func() { close(stop) })
}

// pour writes to a connection until it or the test ends.
func pour(c net.Conn, begin string, more []byte, stop <-chan struct{}) {
	if strings.HasPrefix(begin, "HTTP") { // an answer follows a request
		if _, err := c.Read(make([]byte, 1)); err != nil {
			return
		}
	}
	if _, err := io.WriteString(c, begin); err != nil {
		return
	}
	for {
		select {
		case <-stop:
			return
		default:
		}
		if _, err := c.Write(more); err != nil {
			return
		}
	}
}

// TestEndlessAnswers delivers to servers whose answers never end: the delivery ends, is one if the status says so, else
// says why, and no memory of ours grows by it.
func TestEndlessAnswers(t *testing.T) {
	junk := []byte(strings.Repeat("x", 64<<10))
	web := endless(t, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", junk)
	bad := endless(t, "HTTP/1.1 500 Bad\r\nContent-Type: application/json\r\n\r\n", junk)
	header := endless(t, "HTTP/1.1 200 OK\r\nX-Long: ", junk)
	mail := endless(t, "220 ", junk)
	p := newPost(t, map[string]string{
		"env:WEB":   "generic+http://" + web + "/hook",
		"env:BAD":   "generic+http://" + bad + "/hook",
		"env:SLACK": "http://" + header + "/hook",
	})
	p.box.Configure(Config{
		Services: []string{"env:WEB", "env:BAD"}, Slack: "env:SLACK",
		Email: &Email{
			Server: "127.0.0.1", Port: port(t, mail), Encryption: "none", From: "a@example.com",
			To: []string{"b@example.com"},
		},
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p.run()
	p.put(Alert{Title: "Lost", At: time.Now()})
	p.failing("email", "slack", "env:BAD")
	until(t, "one is delivered", func() bool { return p.channel("env:WEB").Sent == 1 })
	runtime.ReadMemStats(&after)
	if grown := int64(after.Sys) - int64(before.Sys); grown > 32<<20 {
		t.Errorf("the program grew by %d bytes", grown)
	}
	for name, want := range map[string]string{
		"email": "the server's answer is too long", "env:BAD": "the server answered 500",
	} {
		if said := p.channel(name).LastError; said != want {
			t.Errorf("%s: %q", name, said)
		}
	}
}

func port(t *testing.T, addr string) int {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return a.Port
}

// TestRedirectElsewhere has servers point to another host: the alert is not sent there, and the error says what to do.
func TestRedirectElsewhere(t *testing.T) {
	other := newWebServer(t)
	other.open()
	p := newPlace(t)
	target := fmt.Sprintf("http://localhost:%d/elsewhere", port(t, other.addr))
	srv := &http.Server{Handler: http.RedirectHandler(target, http.StatusTemporaryRedirect)}
	p.serve(func(ln net.Listener) { _ = srv.Serve(ln) }, func() { srv.Close() })
	post := newPost(t, map[string]string{
		"env:WEB":   "generic+http://" + p.addr + "/hook",
		"env:SLACK": "http://" + p.addr + "/slackhook", "env:HOOK": "http://" + p.addr + "/webhook",
		"env:NTFY":       "ntfy://" + p.addr + "/topic?scheme=http",
		"env:GOTIFY":     "gotify://" + p.addr + "/Aabcdefghijklmn?disabletls=yes",
		"env:MATTERMOST": "mattermost://" + p.addr + "/secret?disabletls=yes",
	})
	services := []string{"env:WEB", "env:NTFY", "env:GOTIFY", "env:MATTERMOST"}
	post.box.Configure(Config{Services: services, Slack: "env:SLACK", Webhook: &Webhook{URL: "env:HOOK"}})
	post.run()
	post.put(Alert{Title: "Lost", At: time.Now()})
	names := append(services, "slack", "webhook")
	post.failing(names...)
	for _, name := range names {
		if said := post.channel(name).LastError; !strings.Contains(said, "store the address it points to") {
			t.Errorf("%s: %q", name, said)
		}
	}
	if n := len(other.requests()); n != 0 {
		t.Errorf("the other host got %d requests", n)
	}
}

// TestChildShowsNoSecret looks at the delivering process from outside: what it delivers to stands in none of its
// arguments and not in its environment.
func TestChildShowsNoSecret(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	hang := newPlace(t)
	hang.hold()
	p := newPost(t, map[string]string{"env:WEB": "generic+http://" + hang.addr + "/topsecret"})
	p.box.Configure(Config{Services: []string{"env:WEB"}})
	p.run()
	p.put(Alert{Title: "Lost", At: time.Now()})
	until(t, "a child delivers", func() bool { return len(children(t)) > 0 })
	for _, dir := range children(t) {
		for _, name := range []string{"cmdline", "environ"} {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				continue // it has just ended
			}
			if strings.Contains(string(text), "topsecret") {
				t.Errorf("%s holds the address: %q", name, text)
			}
		}
	}
}

// children returns the /proc folders of this process's children.
func children(t *testing.T) (list []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range all {
		f, err := os.Open(filepath.Join(dir, "status"))
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if lines.Text() == fmt.Sprintf("PPid:\t%d", os.Getpid()) {
				list = append(list, dir)
			}
		}
		f.Close()
	}
	return list
}
