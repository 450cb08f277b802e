package alert

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == ChildCommand {
		prepareChild()
		Child(os.Stdin, os.Stdout)
		return
	}
	bodyLimit = testBodyLimit
	goleak.VerifyTestMain(m)
}

// patience bounds every wait; what is waited for comes in a fraction of it.
const patience = time.Minute

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// place is an address on the loopback at which a server may stand, be gone, and stand again.
type place struct {
	t    *testing.T
	addr string
	end  func()
}

// newPlace finds an address at which no one listens.
func newPlace(t *testing.T) place {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return place{t: t, addr: ln.Addr().String()}
}

func (p *place) serve(serve func(net.Listener), end func()) {
	p.t.Helper()
	var ln net.Listener
	until(p.t, "the address is free", func() bool {
		var err error
		ln, err = net.Listen("tcp4", p.addr)
		return err == nil
	})
	var all sync.WaitGroup
	all.Go(func() { serve(ln) })
	over := sync.OnceFunc(func() { end(); all.Wait() })
	p.end = over
	p.t.Cleanup(over)
}

// close has the server gone.
func (p *place) close() { p.end() }

// webServer takes HTTP requests.
type webServer struct {
	place
	mu     sync.Mutex
	answer int    // status code; 0: 200
	only   string // answer is for requests with that in them alone
	says   string // the body of answer
	got    []webRequest
	tried  int
}

type webRequest struct {
	method, path string
	header       http.Header
	body         []byte
}

func newWebServer(t *testing.T) *webServer { return &webServer{place: newPlace(t)} }

func (w *webServer) open() {
	srv := &http.Server{Handler: w}
	w.serve(func(ln net.Listener) { _ = srv.Serve(ln) }, func() { srv.Close() })
}

func (w *webServer) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tried++
	if w.answer != 0 && strings.Contains(string(body), w.only) {
		out.Header().Set("Location", "/elsewhere")
		out.WriteHeader(w.answer)
		_, _ = io.WriteString(out, w.says)
		return
	}
	w.got = append(w.got, webRequest{r.Method, r.URL.RequestURI(), r.Header, body})
	_, _ = io.WriteString(out, "{}") // ntfy answers with what it has taken
}

func (w *webServer) answers(code int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = code
}

func (w *webServer) requests() []webRequest {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.got)
}

func (w *webServer) tries() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tried
}

// mailServer takes mail by SMTP from user "me" with the password "mailsecret".
type mailServer struct {
	place
	tls *tls.Config
	mu  sync.Mutex

	noLogin   bool             // takes mail without one
	refuse    map[string]error // by receiver
	deny      error            // after the message has come
	denyOnly  string           // deny is for mails with that in them alone
	cutAtQuit bool             // ends the connection without a farewell when it has taken a mail
	got       []mail
	tried     int
	logins    int
}

type mail struct{ from, to, text string }

func newMailServer(t *testing.T) *mailServer {
	return &mailServer{place: newPlace(t), refuse: map[string]error{}}
}

func (s *mailServer) open() {
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &mailSession{s: s, c: c}, nil
	}))
	srv.AllowInsecureAuth, srv.Domain, srv.TLSConfig = true, "localhost", s.tls
	srv.ErrorLog = quietLog{}
	s.serve(func(ln net.Listener) { _ = srv.Serve(ln) }, func() { srv.Close() })
}

type quietLog struct{}

func (quietLog) Printf(string, ...any) {}
func (quietLog) Println(...any)        {}

func (s *mailServer) mails() []mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func (s *mailServer) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

type mailSession struct {
	s        *mailServer
	c        *smtp.Conn
	login    bool
	taken    bool
	from, to string
}

func (m *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (m *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		m.s.set(func() { m.s.logins++ })
		if user != "me" || password != "mailsecret" {
			return smtp.ErrAuthFailed
		}
		m.login = true
		return nil
	}), nil
}

func (m *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	m.s.tried++
	if !m.login && !m.s.noLogin {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}
	}
	m.from = from
	return nil
}

func (m *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	m.to = to
	return m.s.refuse[to]
}

func (m *mailSession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	if m.s.deny != nil && strings.Contains(string(text), m.s.denyOnly) {
		return m.s.deny
	}
	m.s.got, m.taken = append(m.s.got, mail{m.from, m.to, string(text)}), true
	return nil
}

// Reset comes after a message was answered.
func (m *mailSession) Reset() {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	if m.taken && m.s.cutAtQuit {
		m.c.Conn().Close()
	}
}

func (m *mailSession) Logout() error { return nil }

// certificate returns one for 127.0.0.1 that no one trusts.
func certificate(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// post is an outbox under test with what it needs: secrets, a log and a folder.
type post struct {
	t    *testing.T
	box  *Outbox
	path string
	end  func()

	mu      sync.Mutex
	secrets map[string]string
	said    bytes.Buffer // the log
	away    bool         // not connected
	asked   int          // how often that was asked
}

// newPost opens an outbox that tries again after milliseconds. When the test ends, no secret may stand in its log.
func newPost(t *testing.T, secrets map[string]string) *post {
	p := &post{t: t, path: filepath.Join(t.TempDir(), "alerts.db"), secrets: secrets, end: func() {}}
	p.open()
	t.Cleanup(func() {
		p.stop()
		for ref, secret := range secrets {
			if strings.Contains(p.log(), secret) {
				t.Errorf("the log tells the secret %s:\n%s", ref, p.log())
			}
		}
	})
	return p
}

func (p *post) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(text)
}

func (p *post) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

func (p *post) set(ref, secret string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.secrets[ref] = secret
}

func (p *post) open() {
	p.t.Helper()
	box, err := Open(Options{
		Path: p.path, Version: "v1", Child: []string{os.Args[0], ChildCommand},
		Log: slog.New(slog.NewTextHandler(p, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Secret: func(ref string) (string, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			if s, ok := p.secrets[ref]; ok {
				return s, nil
			}
			return "", errors.New("there is no secret " + ref)
		},
		Connected: func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.asked++
			return !p.away
		},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	box.delays = [2]time.Duration{5 * time.Millisecond, 40 * time.Millisecond}
	p.box = box
	p.end = func() {}
}

// run delivers until stop.
func (p *post) run() {
	p.t.Helper()
	box := p.box
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { box.Run(ctx) })
	p.end = func() { cancel(); running.Wait() }
}

// stop ends delivery and closes the file, as the end of the program does.
func (p *post) stop() {
	p.t.Helper()
	p.end()
	p.end = func() {}
	if p.box == nil {
		return
	}
	p.box.client.CloseIdleConnections()
	if err := p.box.Close(); err != nil {
		p.t.Error(err)
	}
	p.box = nil
}

func (p *post) put(list ...Alert) {
	p.t.Helper()
	for _, a := range list {
		if err := p.box.Put(a); err != nil {
			p.t.Fatal(err)
		}
	}
}

// channel returns how one channel fares.
func (p *post) channel(name string) ChannelStatus {
	p.t.Helper()
	for _, c := range p.box.Status() {
		if c.Name == name {
			return c
		}
	}
	p.t.Fatalf("no channel %s in %+v", name, p.box.Status())
	return ChannelStatus{}
}

// failing waits until each channel has failed, and returns what the first one's status says.
func (p *post) failing(names ...string) string {
	p.t.Helper()
	for _, name := range names {
		until(p.t, name+" fails", func() bool { return p.channel(name).LastError != "" })
	}
	return p.channel(names[0]).LastError
}

// delivered waits until nothing waits any more.
func (p *post) delivered() {
	p.t.Helper()
	defer func() {
		if p.t.Failed() {
			p.t.Logf("%+v", p.box.Status())
		}
	}()
	until(p.t, "everything is delivered", func() bool {
		return !slices.ContainsFunc(p.box.Status(), func(c ChannelStatus) bool { return c.Queued > 0 })
	})
}

func smtpError(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: text}
}

// hold has a server there that accepts connections and says nothing. It returns a channel that yields a value when one
// is accepted.
func (p *place) hold() (accepted <-chan struct{}) {
	first, stop := make(chan struct{}, 1), make(chan struct{})
	p.serve(func(ln net.Listener) {
		go func() { <-stop; ln.Close() }()
		var held []net.Conn
		for {
			c, err := ln.Accept()
			if err != nil {
				break
			}
			held = append(held, c)
			select {
			case first <- struct{}{}:
			default:
			}
		}
		for _, c := range held {
			c.Close()
		}
	}, func() { close(stop) })
	return first
}
