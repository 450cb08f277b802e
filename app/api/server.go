// Package api is the HTTP interface on the loopback: the server inside the resident program, and the client that the
// command line uses.
//
// Only 127.0.0.1 is listened on. That does not keep web pages out, which can make a browser talk to it, so the Host
// header has to name this server, a foreign Origin is refused, and whatever changes something wants the token from
// api.json, which only the user can read.
package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"gatewatch/conn"
)

// Backend is what the API shows and moves.
type Backend interface {
	Status() Status
	// Subscribe returns a channel that yields a value when Status has changed, and a function that ends it.
	Subscribe() (<-chan struct{}, func())
	Connect(ctx context.Context) error
	Disconnect(ctx context.Context) error
	// Settings returns what is in force.
	Settings() SettingsView
	// SaveSettings checks, writes and applies a whole settings file. It returns settings.Problems if it is at fault.
	SaveSettings(ctx context.Context, body []byte) error
	// Show brings the window, or the page where there is no window, before the user.
	Show(ctx context.Context) error
}

const (
	maxBody = 4 << 10
	// maxSettings bounds a settings file that is put.
	maxSettings = 256 << 10
	maxHeader   = 8 << 10
	// portsAhead is how many ports after a taken one are tried before any free one is taken.
	portsAhead = 20
)

// Server answers on one loopback port. Make it with Listen.
type Server struct {
	backend Backend
	log     *slog.Logger
	token   string
	ln      net.Listener
	srv     *http.Server
	hosts   []string
	streams streams
	quit    chan struct{} // closed when the server ends; long answers stop at it
	done    chan struct{}
}

// Listen starts to answer on 127.0.0.1 at the given port; 0 means any free one. If the port is taken, the next free
// one is used. The token is made anew with each server.
func Listen(port int, backend Backend, log *slog.Logger) (*Server, error) {
	ln, err := listen(port)
	if err != nil {
		return nil, err
	}
	s := &Server{backend: backend, log: log, token: rand.Text() + rand.Text(), ln: ln, quit: make(chan struct{}), done: make(chan struct{})}
	p := ln.Addr().(*net.TCPAddr).Port
	for _, h := range []string{"127.0.0.1", "localhost", "[::1]"} {
		s.hosts = append(s.hosts, fmt.Sprintf("%s:%d", h, p))
		if p == 80 {
			s.hosts = append(s.hosts, h)
		}
	}
	s.srv = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 2 * time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(s.done)
		if err := s.srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			log.Error("api server ended", "err", err)
		}
	}()
	return s, nil
}

func listen(port int) (net.Listener, error) {
	if port == 0 {
		return net.Listen("tcp4", "127.0.0.1:0")
	}
	for p := port; p <= min(port+portsAhead, 65535); p++ {
		if ln, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", p)); err == nil {
			return ln, nil
		}
	}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen on loopback: %w", err)
	}
	return ln, nil
}

// URL returns the address to reach the server at, without a slash at its end.
func (s *Server) URL() string { return "http://" + s.ln.Addr().String() }

// Port returns the port in use.
func (s *Server) Port() int { return s.ln.Addr().(*net.TCPAddr).Port }

// Token returns what has to stand behind "Authorization: Bearer" for requests that change something.
func (s *Server) Token() string { return s.token }

// Close stops the server. Requests under way have until ctx ends.
func (s *Server) Close(ctx context.Context) {
	close(s.quit)
	if s.srv.Shutdown(ctx) != nil {
		s.srv.Close()
	}
	<-s.done
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, s.backend.Status()) })
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, map[string]bool{"ok": true}) })
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /settings", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, s.backend.Settings()) })
	mux.HandleFunc("PUT /settings", s.authorized(s.saveSettings))
	mux.HandleFunc("POST /connect_ib", s.authorized(command(s.backend.Connect)))
	mux.HandleFunc("POST /disconnect_ib", s.authorized(command(s.backend.Disconnect)))
	mux.HandleFunc("POST /show", s.authorized(command(s.backend.Show)))
	mux.HandleFunc("GET /{$}", page)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		// The mux answers an unknown method in plain text; this API speaks JSON throughout.
		var allowed []string
		for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
			probe := *r
			probe.Method = m
			if _, pattern := mux.Handler(&probe); pattern != "/" {
				allowed = append(allowed, m)
			}
		}
		if len(allowed) > 0 {
			use := strings.Join(allowed, ", ")
			w.Header().Set("Allow", use)
			fail(w, http.StatusMethodNotAllowed, "use "+use)
			return
		}
		fail(w, http.StatusNotFound, "no such address; there are GET /, /status, /events, /settings and /healthz, PUT /settings, POST /connect_ib, /disconnect_ib and /show")
	})
	return s.guarded(mux)
}

// guarded lets through only what a program of this user or a page of this server can have sent.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		if !slices.Contains(s.hosts, strings.ToLower(r.Host)) {
			fail(w, http.StatusForbidden, "this Host is not served")
			return
		}
		if !s.ownOrigin(r.Header.Values("Origin")) {
			fail(w, http.StatusForbidden, "requests from other sites are refused")
			return
		}
		if r.Header.Get("Authorization") != "" && !s.knows(r) {
			// Also where no token is needed: whoever sends one means another server, which had this port before.
			refuse(w)
			return
		}
		limit := int64(maxBody)
		if r.Method == http.MethodPut {
			limit = maxSettings
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}

func (s *Server) ownOrigin(origins []string) bool {
	for _, o := range origins {
		host, ok := strings.CutPrefix(strings.ToLower(o), "http://")
		if !ok || !slices.Contains(s.hosts, host) {
			return false
		}
	}
	return true
}

// Answer is what a command answers.
type Answer struct {
	Accepted bool   `json:"accepted"`
	Message  string `json:"message,omitempty"`
}

// authorized lets only requests through that carry the token and no more than a small body.
func (s *Server) authorized(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.knows(r) {
			refuse(w)
			return
		}
		next(w, r)
	}
}

func refuse(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="gatewatch"`)
	fail(w, http.StatusUnauthorized, "send the token from api.json as Authorization: Bearer TOKEN")
}

func (s *Server) knows(r *http.Request) bool {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return false
	}
	// Hashing first makes the comparison independent of the length as well.
	got, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(s.token))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// read returns the body of a request; ok is false if the answer has been given.
func read(w http.ResponseWriter, r *http.Request) (body []byte, ok bool) {
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		return body, true
	case errors.As(err, &tooLarge):
		fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit))
	default:
		fail(w, http.StatusBadRequest, "the body cannot be read")
	}
	return nil, false
}

func command(do func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, ok := read(w, r); !ok {
			return
		}
		switch err := do(r.Context()); {
		case err == nil:
			answer(w, http.StatusAccepted, Answer{Accepted: true})
		case errors.Is(err, conn.ErrAlreadyConnected), errors.Is(err, conn.ErrAlreadyPaused):
			// What was asked for is already so: for a caller that is success.
			answer(w, http.StatusOK, Answer{Accepted: true, Message: err.Error()})
		default:
			fail(w, http.StatusServiceUnavailable, err.Error())
		}
	}
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the client went away
}

// Failure is the body of every answer that is not a success.
type Failure struct {
	Error string `json:"error"`
}

func fail(w http.ResponseWriter, code int, text string) { answer(w, code, Failure{text}) }
