package alert

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// dripping is a server that answers at once and never ends its answer. It counts the requests by their path.
func dripping(t *testing.T, begin string) (p place, count func() map[string]int) {
	p = newPlace(t)
	stop := make(chan struct{})
	var mu sync.Mutex
	got := map[string]int{}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		got[r.URL.Path]++
		mu.Unlock()
		_, _ = io.WriteString(w, begin)
		for {
			_ = http.NewResponseController(w).Flush()
			select {
			case <-stop:
				return
			case <-r.Context().Done():
				return
			case <-time.After(50 * time.Millisecond):
				_, _ = io.WriteString(w, " ")
			}
		}
	})}
	p.serve(func(ln net.Listener) { _ = srv.Serve(ln) }, func() { close(stop); srv.Close() })
	return p, func() map[string]int {
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(got)
	}
}

// TestAnswerThatNeverEnds has servers take alerts and go on with their answers for ever: each alert arrives once.
func TestAnswerThatNeverEnds(t *testing.T) {
	s, count := dripping(t, `{"ok":true,"result":{`)
	t.Setenv(theirs, s.addr)
	p := newPost(t, map[string]string{
		"env:HOOK": "http://" + s.addr + "/hook", "env:SLACK": "http://" + s.addr + "/slack",
		"env:NTFY": "ntfy://" + s.addr + "/ntfy?scheme=http",
		"env:GEN":  "generic+http://" + s.addr + "/generic", "env:TG": "telegram://12345:mock-token@telegram?chats=-7",
	})
	p.box.Configure(Config{
		Webhook: &Webhook{URL: "env:HOOK"}, Slack: "env:SLACK", Services: []string{"env:NTFY", "env:GEN", "env:TG"},
	})
	p.run()
	p.put(three()[0])
	p.delivered()
	for path, n := range count() {
		if n != 1 {
			t.Errorf("%s was asked %d times", path, n)
		}
	}
	for _, c := range p.box.Status() {
		if c.Sent != 1 || c.LastError != "" {
			t.Errorf("%+v", c)
		}
	}
}

func TestRetryAfterHeader(t *testing.T) {
	const date = "Wed, 21 Oct 2015 07:28:00 GMT"
	for said, want := range map[string]time.Duration{
		"": 0, "soon": 0, "-1": 0, "1.5": 0, "0": 0, "35": 35 * time.Second, "3600": maxPause,
		"18446744073709551615": maxPause, date: 0, "Wed, 21 Oct 2015 07:30:00 GMT": 2 * time.Minute,
		"Thu, 22 Oct 2015 07:28:00 GMT": maxPause, "Tue, 20 Oct 2015 07:28:00 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {said}, "Date": {date}}); got != want {
			t.Errorf("%q: %v, want %v", said, got, want)
		}
	}
	soon := time.Now().Add(2 * time.Minute).UTC().Format(http.TimeFormat)
	if got := retryAfter(http.Header{"Retry-After": {soon}}); got <= 0 || got > 2*time.Minute {
		t.Errorf("without a date: %v", got)
	}
}

// TestServerWantsToBeLeftAlone has a server say for how long it takes nothing: what comes meanwhile waits, too, and
// channels that are set up again do not.
func TestServerWantsToBeLeftAlone(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		web := newWebServer(t)
		var mu sync.Mutex
		pause, tries := "2", map[string][]time.Time{}
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			tries[r.URL.Path] = append(tries[r.URL.Path], time.Now())
			if pause != "" {
				w.Header().Set("Retry-After", pause)
				w.WriteHeader(status)
			}
		})}
		web.serve(func(ln net.Listener) { _ = srv.Serve(ln) }, func() { srv.Close() })
		p := newPost(t, map[string]string{
			"env:HOOK": "http://" + web.addr + "/hook", "env:GEN": "generic+http://" + web.addr + "/generic",
		})
		config := Config{Webhook: &Webhook{URL: "env:HOOK"}, Services: []string{"env:GEN"}}
		p.box.Configure(config)
		p.run()
		seen := func(n int) func() bool {
			return func() bool {
				mu.Lock()
				defer mu.Unlock()
				return len(tries["/hook"]) >= n && len(tries["/generic"]) >= n
			}
		}
		p.put(three()[0])
		p.failing("webhook", "env:GEN")
		p.put(three()[1:]...)
		p.box.Retry()
		until(t, "it is tried again", seen(2))
		mu.Lock()
		for path, at := range tries {
			if apart := at[1].Sub(at[0]); apart < 2*time.Second {
				t.Errorf("%d: %s was asked again after %v", status, path, apart)
			}
		}
		pause = "600"
		mu.Unlock()
		until(t, "it wants a longer pause", seen(3))
		mu.Lock()
		pause = ""
		mu.Unlock()
		p.box.Retry()
		for _, name := range []string{"webhook", "env:GEN"} {
			if c := p.channel(name); c.Queued != 3 || !strings.Contains(c.LastError, fmt.Sprint(status)) {
				t.Errorf("%+v", c)
			}
		}
		p.box.Configure(config)
		p.delivered()
	}
}

// stalling is a mail server that takes no further step from some command on.
type stalling struct {
	place
	at string // the beginning of the line that is not answered, "" for the greeting, "." for the end of a mail

	mu    sync.Mutex
	mails int
}

func (s *stalling) open() {
	s.each(func(c net.Conn, stop <-chan struct{}) {
		s.talk(c)
		<-stop
	})
}

func (s *stalling) taken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mails
}

func (s *stalling) talk(c net.Conn) {
	if s.at == "" {
		return
	}
	fmt.Fprint(c, "220 here\r\n")
	body := false
	for in := bufio.NewScanner(c); in.Scan(); {
		line := in.Text()
		end := body && line == "."
		if end && s.at != "." {
			s.mu.Lock()
			s.mails++
			s.mu.Unlock()
		}
		switch {
		case body && !end:
			continue
		case strings.HasPrefix(line, s.at):
			return
		}
		body = line == "DATA"
		answer := "250 well"
		if body {
			answer = "354 go on"
		}
		fmt.Fprint(c, answer+"\r\n")
	}
}

// TestMailServerStalls has mail servers fall silent at each step: that is said, and a mail that was taken before is not
// sent again.
func TestMailServerStalls(t *testing.T) {
	t.Setenv(shortly, "3s")
	steps := []string{"", "EHLO", "MAIL", "RCPT", "DATA", ".", "QUIT"}
	servers, posts := map[string]*stalling{}, map[string]*post{}
	for _, at := range steps {
		s, p := &stalling{place: newPlace(t), at: at}, newPost(t, map[string]string{})
		s.open()
		p.box.Configure(Config{Email: &Email{
			Server: "127.0.0.1", Port: port(t, s.addr), Encryption: "auto", From: "a@example.com",
			To: []string{"b@example.com"},
		}})
		p.run()
		p.put(three()[:2]...)
		servers[at], posts[at] = s, p
	}
	posts["QUIT"].delivered()
	for _, at := range steps {
		mails, sent := 0, uint64(0)
		if at == "QUIT" {
			mails, sent = 2, 2
		} else if said := posts[at].failing("email"); said != "the server did not answer in time" {
			t.Errorf("at %q: says %q", at, said)
		}
		c := posts[at].channel("email")
		if servers[at].taken() != mails || c.Sent != sent || c.LastSent.IsZero() != (sent == 0) {
			t.Errorf("at %q: %d mails, %+v", at, servers[at].taken(), c)
		}
	}
}

// TestNoPasswordInTheClear has a server that offers no STARTTLS, or someone in between who took that away.
func TestNoPasswordInTheClear(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.2:0")
	if err != nil {
		t.Skip(err)
	}
	ln.Close()
	s := newMailServer(t)
	s.addr = ln.Addr().String()
	s.open()
	p := newPost(t, map[string]string{"env:PW": "mailsecret"})
	p.box.Configure(Config{Email: &Email{
		Server: "127.0.0.2", Port: port(t, s.addr), Encryption: "auto", User: "me", Password: "env:PW",
		From: "a@example.com", To: []string{"b@example.com"},
	}})
	results, err := p.box.Test(t.Context(), "email")
	if err != nil || len(results) != 1 || results[0].Err == nil ||
		!strings.Contains(results[0].Err.Error(), "unencrypted connection") || s.logins != 0 || len(s.mails()) != 0 {
		t.Errorf("%v, %v; %d logins, %q", results, err, s.logins, s.mails())
	}
}

// TestLongText has a text that is longer than services take: they get the beginning, and what is behind it in the queue
// arrives.
func TestLongText(t *testing.T) {
	s := newChatServer(t)
	s.answers(func(body string) (int, string) {
		if utf8.RuneCountInString(body) > 3*4096 {
			return http.StatusBadRequest, "too long"
		}
		return http.StatusOK, taken
	})
	s.open()
	services := []string{"env:TG", "env:DC", "env:PO", "env:NTFY"}
	p := newPost(t, map[string]string{
		"env:TG": "telegram://12345:mock-token@telegram?chats=-7", "env:DC": "discord://token@123456",
		"env:PO": "pushover://:apptoken@usertoken", "env:NTFY": "ntfy://" + s.addr + "/topic?scheme=http",
	})
	p.box.Configure(Config{Services: services})
	p.run()
	long := three()[0]
	long.Title = "\u202eevil\u2066 " + strings.Repeat("ü", 200)
	long.Body = strings.Repeat(strings.Repeat("ж", 600)+"\n", 8)
	p.put(long, three()[1])
	p.delivered()
	for _, c := range p.box.Status() {
		if c.Sent != 2 || c.LastError != "" {
			t.Errorf("%+v", c)
		}
	}
	for _, r := range s.requests() {
		if strings.Contains(r, "\u202e") || strings.Contains(r, "\ufffd") {
			t.Errorf("%.300q", r)
		}
	}
}

// TestIPv6 has servers at an address of IPv6.
func TestIPv6(t *testing.T) {
	ln, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skip(err)
	}
	addr := ln.Addr().String()
	var mu sync.Mutex
	var got []string
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.URL.Path)
		_, _ = io.WriteString(w, "{}")
	})}
	go func() { _ = srv.Serve(ln) }()
	defer srv.Close()
	mailLn, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &stalling{at: "never"}
	go func() {
		for {
			c, err := mailLn.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); m.talk(c) }()
		}
	}()
	defer mailLn.Close()
	p := newPost(t, map[string]string{
		"env:HOOK": "http://" + addr + "/hook", "env:SLACK": "http://" + addr + "/slack",
		"env:NTFY": "ntfy://" + addr + "/ntfy?scheme=http", "env:GEN": "generic+http://" + addr + "/generic",
		"env:BEAT": "http://" + addr + "/beat",
	})
	p.box.Configure(Config{
		Webhook: &Webhook{URL: "env:HOOK"}, Slack: "env:SLACK", Services: []string{"env:NTFY", "env:GEN"},
		Heartbeat: &Heartbeat{URL: "env:BEAT", Every: time.Hour},
		Email: &Email{
			Server: "::1", Port: port(t, mailLn.Addr().String()), Encryption: "auto", From: "a@example.com",
			To: []string{"b@example.com"},
		},
	})
	results, err := p.box.Test(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Errorf("%s: %v", r.Channel, r.Err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(got) != 5 || m.taken() != 1 {
		t.Errorf("%q, %d mails", got, m.taken())
	}
}
