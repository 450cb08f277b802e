package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"gatewatch/app/settings"
)

// mailbox is a mail server that takes mail of the user "trader" with the password "mailsecret".
type mailbox struct {
	port int

	mu   sync.Mutex
	got  []string // messages, each with its receiver before it
	told bool     // someone has logged in
}

func newMailbox(t *testing.T) *mailbox {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailbox{port: ln.Addr().(*net.TCPAddr).Port}
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &letter{m: m}, nil }))
	srv.AllowInsecureAuth, srv.Domain = true, "localhost"
	go func() { _ = srv.Serve(ln) }() // until the end of the test
	t.Cleanup(func() { srv.Close() })
	return m
}

func (m *mailbox) mails() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string{}, m.got...)
}

type letter struct {
	m  *mailbox
	to string
}

func (l *letter) AuthMechanisms() []string { return []string{sasl.Plain} }

func (l *letter) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "trader" || password != "mailsecret" {
			return smtp.ErrAuthFailed
		}
		l.m.mu.Lock()
		defer l.m.mu.Unlock()
		l.m.told = true
		return nil
	}), nil
}

func (l *letter) Mail(string, *smtp.MailOptions) error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	if !l.m.told {
		return errors.New("log in first")
	}
	return nil
}

func (l *letter) Rcpt(to string, _ *smtp.RcptOptions) error { l.to = to; return nil }

func (l *letter) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	l.m.got = append(l.m.got, l.to+"\n"+string(text))
	return err
}

func (l *letter) Reset()        {}
func (l *letter) Logout() error { return nil }

// TestWindowAddsAnAlert goes the way of a person who has never set up an alert: by mouse and keyboard, until the test
// mail is there. A wrong password says so, and is corrected.
func TestWindowAddsAnAlert(t *testing.T) {
	d := newDisplay(t)
	s := newStage(t, d.env) // without a session bus, and so without a keyring
	box := newMailbox(t)
	d.open(s)
	d.untilTitle("Gatewatch: Reconnecting", "Gatewatch: No connection") // the latter after a minute

	// Status, History, Rules, Orders, Alerts.
	d.keys("Tab", 5)
	d.keys("Return", 1)
	d.press() // Add an alert
	d.still()
	// Send by; then send to, server, user, password.
	d.keys("Tab", 1)
	d.write("desk@example.com")
	d.keys("Tab", 1)
	d.write("127.0.0.1")
	d.keys("Tab", 1)
	d.write("trader")
	d.keys("Tab", 1)
	d.write("wrong")
	d.keys("Tab", 1)
	d.press() // Save and send test: the sender is missing, since the user name is no address
	d.until("it is said what is wrong", d.warns)
	d.keep("alert-wrong")
	text, err := os.ReadFile(filepath.Join(s.home, "settings.json"))
	if err != nil || strings.Contains(string(text), "desk@") {
		t.Errorf("saved with a sender that is no address: %s, %v", text, err)
	}
	// The focus is at the sender.
	d.write("trader@example.com")
	d.keys("Tab", 1)
	d.keys("ctrl+a", 1)
	d.write(fmt.Sprint(box.port))
	d.press()
	channel := func() (failure string) {
		t.Helper()
		list, err := s.client().Alerts(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list.Channels {
			failure = c.LastError
		}
		return failure
	}
	until(t, "email is set up", func() bool {
		v, err := s.client().Settings(context.Background())
		return err == nil && v.Settings.Email.Server == "127.0.0.1"
	})
	d.until("the test has failed", d.warns)
	d.still()
	d.keep("alert-failed")
	if got := box.mails(); len(got) > 0 {
		t.Fatalf("sent with a wrong password: %q", got)
	}

	// Edit: from Add back over Remove.
	d.keys("shift+Tab", 2)
	d.keys("Return", 1)
	d.still()
	// Send to, server, user, password.
	d.keys("Tab", 3)
	d.write("mailsecret")
	d.press()
	until(t, "the test mail has arrived", func() bool { return len(box.mails()) > 0 })
	got := box.mails()
	if len(got) != 1 || !strings.HasPrefix(got[0], "desk@example.com\n") ||
		!strings.Contains(got[0], "This is a test message. Alerts arrive here.") ||
		!strings.Contains(got[0], "trader@example.com") {
		t.Errorf("arrived: %q", got)
	}
	d.still()
	d.keep("alert-sent")
	until(t, "the failure is over", func() bool { return channel() == "" })

	// The password is in the file of secrets, which only the user can read, and nowhere else.
	onDisk, _, err := settings.Load(filepath.Join(s.home, "settings.json"))
	if err != nil || !strings.HasPrefix(onDisk.Email.Password, "file:email-") {
		t.Errorf("password %q, %v", onDisk.Email.Password, err)
	}
	err = filepath.WalkDir(s.home, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		there := strings.Contains(string(text), "mailsecret")
		if secrets := e.Name() == "secrets.json"; there != secrets || secrets && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: has the password: %v, %v", path, there, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
