package alert

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func mailTo(s *mailServer, user string, to ...string) *Email {
	e := &Email{
		Server: "127.0.0.1", Encryption: "auto", User: user, Password: "env:PW", From: "gatewatch@example.com",
		To: to,
	}
	_, _ = fmt.Sscanf(s.addr, "127.0.0.1:%d", &e.Port)
	return e
}

func TestMail(t *testing.T) {
	s := newMailServer(t)
	s.open()
	p := newPost(t, map[string]string{"env:PW": "mailsecret"})
	p.box.Configure(Config{Email: mailTo(s, "me", "you@example.com", "they@example.com")})
	p.run()
	p.put(Alert{
		Kind: "lost", At: at(0), Title: "Verbindung fort\r\nBcc: thief@example.com",
		Body: "Über alles.\n.\nMAIL FROM:<x>\n",
	})
	p.delivered()
	got := s.mails()
	if len(got) != 2 || got[0].to != "you@example.com" || got[1].to != "they@example.com" ||
		got[0].from != "gatewatch@example.com" {
		t.Fatalf("%q", got)
	}
	head, body, _ := strings.Cut(got[0].text, "\r\n\r\n")
	for _, want := range []string{
		"Subject: Gatewatch: Verbindung fort  Bcc: thief@example.com", "To: you@example.com",
		"From: Gatewatch <gatewatch@example.com>",
	} {
		if !slices.Contains(strings.Split(head, "\r\n"), want) {
			t.Errorf("no line %q in\n%s", want, head)
		}
	}
	if body = strings.TrimSpace(body); body != "Über alles.\r\n.\r\nMAIL FROM:<x>" {
		t.Errorf("body %q", body)
	}
}

// TestReceiversOfMail has one receiver refused: for now, which is tried again for that one alone, and for good, which
// holds up no one.
func TestReceiversOfMail(t *testing.T) {
	s := newMailServer(t)
	s.open()
	busy, unknown := smtpError(450, "mailbox busy"), smtpError(550, "no such user they@example.com")
	s.refuse["they@example.com"] = busy
	p := newPost(t, map[string]string{"env:PW": "mailsecret"})
	p.box.Configure(Config{Email: mailTo(s, "me", "you@example.com", "they@example.com")})
	p.run()
	list := three()
	p.put(list[0])
	if got := p.failing("email"); !strings.Contains(got, "450") || !strings.Contains(got, "mailbox busy") {
		t.Errorf("says %q", got)
	}
	s.set(func() { delete(s.refuse, "they@example.com") })
	p.delivered()
	if got := s.mails(); len(got) != 2 || got[0].to != "you@example.com" || got[1].to != "they@example.com" {
		t.Fatalf("%q", got)
	}

	s.set(func() { s.got, s.refuse["they@example.com"] = nil, unknown })
	p.put(list[1:]...)
	p.delivered()
	if got := s.mails(); len(got) != 2 || got[0].to != "you@example.com" || got[1].to != "you@example.com" {
		t.Errorf("%q", got)
	}
	if c := p.channel("email"); c.Sent != 3 || !strings.Contains(c.LastError, "550") ||
		!strings.Contains(c.LastError, "check the sender and the receivers") {
		t.Errorf("%+v", c)
	}

	// No one has it: the address, or that of the sender, may be set right within a day.
	s.set(func() { s.got, s.refuse["you@example.com"] = nil, unknown })
	p.put(list[0])
	until(t, "it is tried again", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.tried > 20 })
	if c := p.channel("email"); c.Queued != 1 || len(s.mails()) != 0 {
		t.Errorf("%+v, %q", c, s.mails())
	}
}

// TestMailIsTakenWithoutQuit has the connection die when the mail has been taken: it is not sent again.
func TestMailIsTakenWithoutQuit(t *testing.T) {
	s := newMailServer(t)
	s.cutAtQuit = true
	s.open()
	p := newPost(t, map[string]string{"env:PW": "mailsecret"})
	p.box.Configure(Config{Email: mailTo(s, "me", "you@example.com")})
	p.run()
	p.put(three()...)
	p.delivered()
	if got := s.mails(); len(got) != 3 {
		t.Errorf("%d mails", len(got))
	}
}

func TestMailLogin(t *testing.T) {
	for name, c := range map[string]struct {
		password, encryption, user string
		tls                        bool
		want                       string
	}{
		"wrong password":     {"badsecret", "auto", "me", false, "check user name, password"},
		"no login":           {"mailsecret", "auto", "", false, "refused the login (530"},
		"no TLS there":       {"mailsecret", "starttls", "me", false, "StartTLS"},
		"untrusted":          {"mailsecret", "starttls", "me", true, "certificate"},
		"untrusted, auto":    {"mailsecret", "auto", "me", true, "certificate"},
		"no password stored": {"", "auto", "me", false, "there is no secret"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newMailServer(t)
			if c.tls {
				s.tls = certificate(t)
			}
			s.open()
			secrets := map[string]string{"env:PW": c.password}
			if c.password == "" {
				delete(secrets, "env:PW")
			}
			p := newPost(t, secrets)
			e := mailTo(s, c.user, "you@example.com")
			if e.Encryption = c.encryption; c.user == "" {
				e.Password = ""
			}
			p.box.Configure(Config{Email: e})
			results, err := p.box.Test(t.Context(), "email")
			if err != nil || len(results) != 1 || results[0].Err == nil {
				t.Fatalf("%v, %v", results, err)
			}
			text := results[0].Err.Error()
			if !strings.Contains(text, c.want) || strings.Contains(text, "secret") && c.password != "" {
				t.Errorf("says %q, want %q", text, c.want)
			}
			if len(s.mails()) != 0 {
				t.Errorf("a mail came: %q", s.mails())
			}
		})
	}
}
