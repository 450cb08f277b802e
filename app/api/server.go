// Package api is the HTTP interface on the loopback: the server inside the resident program, and the client that the
// command line uses.
//
// Only 127.0.0.1 is listened on. That does not keep web pages out, which can make a browser talk to it, so the Host
// header has to name this server and a foreign Origin is refused. It does not keep other users of the computer out, so
// whatever changes something or shows something personal wants the token from api.json, which only the user can read.
package api

import (
	"bytes"
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
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"gatewatch/app/api/codes"
	"gatewatch/app/api/loopback"
	"gatewatch/app/wording"
	"gatewatch/conn"
)

// Backend is the program as the API sees it. What is about a subject is declared in the file of that subject.
type Backend interface {
	StatusBackend
	SettingsBackend
	HistoryBackend
	AlertsBackend
	AutostartBackend
	ProgramBackend
	Trader
	PositionBackend
	Connect(ctx context.Context) error
	Disconnect(ctx context.Context) error
	// Messages returns what Gateway has said with codes.
	Messages() Messages
	// Latency returns how long Gateway took to answer in the last 24 hours.
	Latency() Latency
	// Mute silences desktop notifications until the given time; the zero time ends that.
	Mute(until time.Time)
	// Show opens the window, or the page where there is no window.
	Show(ctx context.Context) error
	// Quit ends the program. It returns at once.
	Quit()
	// Diagnostics returns a report without personal data, with the stacks of all goroutines if they are wanted.
	Diagnostics(ctx context.Context, goroutines bool) (string, error)
	// Metrics answers Prometheus.
	Metrics() http.Handler
	// Panicked notes that a request failed inside.
	Panicked(what any, stack []byte)
}

const (
	maxBody = 4 << 10
	// maxSettings bounds a settings file that is put, and a rule that is saved; maxRules a file of rules.
	maxSettings = 256 << 10
	maxRules    = 2 << 20
	maxHeader   = 8 << 10
	// portsAhead is how many ports after a taken one are tried before any free one is taken.
	portsAhead = 20
)

// Server answers on one loopback port. Make it with Listen.
type Server struct {
	backend Backend
	log     *slog.Logger
	token   string
	ln      *loopback.Listener
	srv     *http.Server
	hosts   []string
	streams streams
	codes   codes.Codes
	costly  chan struct{} // has room for the costly query that is being answered
	quit    chan struct{} // closed when the server ends; long answers stop at it
	ends    atomic.Bool   // and the program with it
	done    chan struct{}
}

// Listen starts to answer on 127.0.0.1 at the given port; 0 means any free one. If the port is taken, the next free
// one is used. The token is made again with each server.
func Listen(port int, backend Backend, log *slog.Logger) (*Server, error) {
	ln, err := listen(port)
	if err != nil {
		return nil, err
	}
	return serveOn(loopback.Limit(ln, loopback.Share()), backend, log), nil
}

func serveOn(ln *loopback.Listener, backend Backend, log *slog.Logger) *Server {
	s := &Server{
		backend: backend, log: log, token: rand.Text() + rand.Text(), ln: ln,
		costly: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	p := ln.Addr().(*net.TCPAddr).Port
	for _, h := range []string{"127.0.0.1", "localhost", "[::1]"} {
		s.hosts = append(s.hosts, fmt.Sprintf("%s:%d", h, p))
		if p == 80 {
			s.hosts = append(s.hosts, h)
		}
	}
	s.srv = s.limited()
	go func() {
		defer close(s.done)
		if err := s.srv.Serve(s.ln); !errors.Is(err, http.ErrServerClosed) {
			log.Error("api server ended", "err", err)
		}
	}()
	return s
}

// limited returns the server's handler behind limits of time and size.
func (s *Server) limited() *http.Server {
	return &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 2 * time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    maxHeader,
		ConnContext:       loopback.ConnContext,
		ConnState:         s.ln.ConnState,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
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

// access says who may send a request.
type access string

const (
	owner access = "owner" // who has the token
	open  access = "open"  // anybody on this computer: the answer holds nothing personal
	coded access = "coded" // who has a one-time code, in the body
)

// route is one request that is answered.
type route struct {
	method, path string
	access       access
	do           http.HandlerFunc
}

// routes are all that are answered, and who may ask. openapi.json describes them.
func (s *Server) routes() []route {
	return []route{
		{"GET", "/", open, page},
		{"GET", "/status", open, s.status},
		{"GET", "/events", open, s.events},
		{"GET", "/guard", open, show(s.guard)},
		{"GET", "/guard/events", open, s.guardEvents},
		{"GET", "/metrics", open, func(w http.ResponseWriter, r *http.Request) { s.backend.Metrics().ServeHTTP(w, r) }},
		{"GET", "/healthz", open, show(func() Health { return Health{true} })},
		{"GET", "/openapi.json", open, openAPI},
		{"GET", "/proof", open, s.proof},
		{"POST", "/session", coded, s.session},
		{"GET", "/settings", owner, show(s.backend.Settings)},
		{"GET", "/uptime", owner, s.uptime},
		{"GET", "/log", owner, s.records},
		{"GET", "/messages", owner, show(s.messages)},
		{"GET", "/latency", owner, show(s.latency)},
		{"GET", "/alerts", owner, show(s.backend.Alerts)},
		{"GET", "/rules", owner, show(s.rules)},
		{"GET", "/orders", owner, show(s.orders)},
		{"GET", "/positions", owner, s.positions},
		{"GET", "/clients", owner, show(s.programs)},
		{"GET", "/clients/orders", owner, show(s.programOrders)},
		{"GET", "/autostart", owner, s.autostart},
		{"GET", "/diagnostics", owner, s.diagnostics},
		{"GET", "/settings/text", owner, text(s.backend.SettingsText)},
		{"PUT", "/settings", owner, saveFile(s.backend.SaveSettings, s.backend.Settings)},
		{"GET", "/rules/text", owner, text(s.backend.RulesText)},
		{"PUT", "/rules", owner, saveFile(s.backend.SaveRules, s.rules)},
		{"POST", "/connect_ib", owner, command(s.backend.Connect)},
		{"POST", "/disconnect_ib", owner, command(s.backend.Disconnect)},
		{"POST", "/show", owner, command(s.backend.Show)},
		{"POST", "/mute", owner, s.mute},
		{"POST", "/quit", owner, s.quitting},
		{"POST", "/autostart", owner, s.setAutostart},
		{"POST", "/alerts/test", owner, s.testAlerts},
		{"POST", "/rules/save", owner, s.saveRule},
		{"POST", "/rules/activate", owner, s.onRule(s.backend.ActivateRule)},
		{"POST", "/rules/deactivate", owner, s.onRule(s.backend.DeactivateRule)},
		{"POST", "/rules/delete", owner, s.onRule(s.backend.DeleteRule)},
		{"POST", "/instruments/resolve", owner, s.resolve},
		{"POST", "/orders/cancel", owner, s.cancelOrder},
		{"POST", "/orders/cancel_all", owner, s.cancelOrders},
		{"POST", "/orders/change", owner, s.changeOrder},
		{"POST", "/trading/arm", owner, s.confirmed(s.backend.Arm)},
		{"POST", "/trading/disarm", owner, command(s.backend.Disarm)},
		{"POST", "/trading/stop", owner, command(s.backend.StopTrading)},
		{"POST", "/clients/allow", owner, s.confirmed(s.backend.AllowPrograms)},
		{"POST", "/clients/read_only", owner, s.setReadOnly},
	}
}

// status answers with all there is to whoever has the token, and with what is open to all otherwise.
func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	if !s.works(r.Context(), answerLimit) {
		fail(w, http.StatusGatewayTimeout, "Gatewatch is not responding: its connection supervisor hangs; restart "+
			"Gatewatch")
		return
	}
	answer(w, http.StatusOK, s.statusFor(s.knows(r)))
}

// works reports whether the supervisor answers within the limit, or has ended with the program. What the server shows
// without that could be of any age.
func (s *Server) works(ctx context.Context, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return !errors.Is(s.backend.Answers(ctx), context.DeadlineExceeded)
}

func (s *Server) statusFor(owner bool) Status {
	st := s.backend.Status()
	st.Trading.Text, st.Trading.Counts = wording.Trading(st.Trading.Armed, st.Trading.MayTrade), st.Trading.Lines()
	if !owner {
		st = st.Open()
	}
	return st
}

// Health is the answer to GET /healthz.
type Health struct {
	OK bool `json:"ok"`
}

func show[T any](get func() T) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, get()) }
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	known := map[string][]string{} // paths by method
	for _, r := range s.routes() {
		do := r.do
		if r.access == owner {
			do = s.authorized(do)
		}
		pattern := r.path
		if pattern == "/" {
			pattern = "/{$}"
		}
		mux.HandleFunc(r.method+" "+pattern, do)
		known[r.method] = append(known[r.method], r.path)
	}
	list := fmt.Sprintf("GET %s, PUT %s, POST %s", strings.Join(known["GET"], ", "), strings.Join(known["PUT"], ", "),
		strings.Join(known["POST"], ", "))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		// The mux answers an unknown method in plain text; this API speaks JSON throughout.
		var allowed []string
		for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
			if slices.Contains(known[m], r.URL.Path) {
				allowed = append(allowed, m)
			}
		}
		if len(allowed) > 0 {
			use := strings.Join(allowed, ", ")
			w.Header().Set("Allow", use)
			fail(w, http.StatusMethodNotAllowed, "use "+use)
			return
		}
		fail(w, http.StatusNotFound, "no such address; there are "+list)
	})
	return s.guarded(s.isolated(mux))
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
		if !s.ownOrigin(r.Header.Values("Origin")) || !ownFetch(r) {
			fail(w, http.StatusForbidden, "requests from other sites are refused")
			return
		}
		if r.Header.Get("Authorization") != "" {
			if !s.knows(r) {
				// Also where no token is needed: whoever sends one means another server, which had this port before.
				refuse(w)
				return
			}
			s.ln.Owned(r)
		}
		r.Body = http.MaxBytesReader(w, r.Body, bodyLimit(r))
		next.ServeHTTP(w, r)
	})
}

func bodyLimit(r *http.Request) int64 {
	switch {
	case r.Method == http.MethodPut && r.URL.Path == "/rules":
		return maxRules
	case r.Method == http.MethodPut, r.URL.Path == "/rules/save":
		return maxSettings
	}
	return maxBody
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

// ownFetch reports whether a browser, if one asks, does so for a page of this server or for the user: neither for
// another site nor for another port of this computer. A link to the page may stand anywhere.
func ownFetch(r *http.Request) bool {
	for _, from := range r.Header.Values("Sec-Fetch-Site") {
		switch strings.ToLower(from) {
		case "same-origin", "none":
		default:
			return r.Method == http.MethodGet && r.URL.Path == "/" && r.Header.Get("Sec-Fetch-Mode") == "navigate" &&
				r.Header.Get("Sec-Fetch-Dest") == "document"
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
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 || s.codes.Knows(got)
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

// decode reads a body into v, strictly, and has it looked at by right. If it returns false, the answer has been given:
// the body is not of the shape.
func decode(w http.ResponseWriter, r *http.Request, v any, right func() bool, shape string) bool {
	body, ok := read(w, r)
	if !ok {
		return false
	}
	if !strictly(body, v) || !right() {
		fail(w, http.StatusBadRequest, "the body is not "+shape)
		return false
	}
	return true
}

// strictly reads one JSON value without unknown keys into v, and reports whether body is that.
func strictly(body []byte, v any) bool {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	return dec.Decode(v) == nil && errors.Is(dec.Decode(new(any)), io.EOF)
}

// patient gives a request whose body has been read longer than others have. The limit for reading has ended with the
// body.
func patient(w http.ResponseWriter, r *http.Request, limit time.Duration) (context.Context, context.CancelFunc) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(limit + 5*time.Second))
	return context.WithTimeout(r.Context(), limit)
}

func command(do func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, ok := read(w, r); !ok {
			return
		}
		ended(w, do(r.Context()))
	}
}

// ended answers for a command that has ended with err.
func ended(w http.ResponseWriter, err error) {
	var conflict *Conflict
	var remark *Remark
	switch {
	case errors.As(err, &remark):
		answer(w, http.StatusAccepted, Answer{Accepted: true, Message: remark.Text})
	case err == nil:
		answer(w, http.StatusAccepted, Answer{Accepted: true})
	case errors.Is(err, conn.ErrAlreadyConnected), errors.Is(err, conn.ErrAlreadyPaused):
		// What was asked for is already so: for a caller that is success.
		answer(w, http.StatusOK, Answer{Accepted: true, Message: err.Error()})
	case errors.As(err, &conflict):
		fail(w, http.StatusConflict, err.Error())
	case errors.Is(err, ErrNoOrder):
		fail(w, http.StatusNotFound, err.Error())
	default:
		fail(w, http.StatusServiceUnavailable, err.Error())
	}
}

// answer writes v as JSON. Its length is sent first, so that a flushed answer is whole before its handler returns.
func answer(w http.ResponseWriter, code int, v any) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(code)
	_, _ = body.WriteTo(w) // an error: the client went away
}

// Failure is the body of every answer that is not a success.
type Failure struct {
	Error string `json:"error"`
}

func fail(w http.ResponseWriter, code int, text string) { answer(w, code, Failure{text}) }
