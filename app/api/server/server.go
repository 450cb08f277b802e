// Package server answers the requests of package api, inside the resident program.
//
// Only 127.0.0.1 is listened on. That does not keep web pages out, which can make a browser talk to it, so the Host
// header has to name this server and a foreign Origin is refused. It does not keep other users of the computer out, so
// whatever changes something or shows something personal wants the token from api.json, which only the user can read.
package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/api/codes"
	"gatewatch/app/api/jsonhttp"
	"gatewatch/app/api/loopback"
	"gatewatch/app/api/page"
	"gatewatch/app/api/sse"
	"gatewatch/conn"
)

// Backend is the program as the API sees it. What is about a subject is declared in the file of that subject.
type Backend interface {
	StatusBackend
	SettingsBackend
	HistoryBackend
	AlertsBackend
	SecretsBackend
	AutostartBackend
	ProgramBackend
	Trader
	RulesBackend
	OrdersBackend
	PositionBackend
	Connect(ctx context.Context) error
	Disconnect(ctx context.Context) error
	// Messages returns what Gateway has said with codes.
	Messages() api.Messages
	// Latency returns how long Gateway took to answer in the last 24 hours.
	Latency() api.Latency
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
)

// Server answers on one loopback port. Make it with Listen.
type Server struct {
	backend Backend
	log     *slog.Logger
	token   string
	ln      *loopback.Listener
	srv     *http.Server
	hosts   loopback.Hosts
	streams sse.Streams
	codes   codes.Codes
	costly  chan struct{} // has room for the costly query that is being answered
	quit    chan struct{} // closed when the server ends; long answers stop at it
	ends    atomic.Bool   // and the program with it
	done    chan struct{}
}

// Listen starts to answer on 127.0.0.1 at the given port; 0 means any free one. If the port is taken, the next free
// one is used. The token is made again with each server.
func Listen(port int, backend Backend, log *slog.Logger) (*Server, error) {
	return serveAt(loopback.Listen, port, backend, log)
}

// ListenAt is Listen without a next port.
func ListenAt(port int, backend Backend, log *slog.Logger) (*Server, error) {
	return serveAt(loopback.ListenAt, port, backend, log)
}

func serveAt(listen func(int) (net.Listener, error), port int, backend Backend, log *slog.Logger) (*Server, error) {
	ln, err := listen(port)
	if err != nil {
		return nil, err
	}
	return serveOn(loopback.Limit(ln, loopback.Share()), backend, log), nil
}

func serveOn(ln *loopback.Listener, backend Backend, log *slog.Logger) *Server {
	s := &Server{
		backend: backend, log: log, token: rand.Text() + rand.Text(), ln: ln,
		hosts:  loopback.HostsOf(ln.Addr().(*net.TCPAddr).Port),
		costly: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
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
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    maxHeader,
		ConnContext:       loopback.ConnContext,
		ConnState:         s.ln.ConnState,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// URL returns the address to reach the server at, without a slash at its end.
func (s *Server) URL() string { return "http://" + s.ln.Addr().String() }

// Port returns the port in use.
func (s *Server) Port() int { return s.ln.Addr().(*net.TCPAddr).Port }

// Token returns what has to stand behind "Authorization: Bearer" for requests that change something.
func (s *Server) Token() string { return s.token }

// Card returns how other programs of the user find the server.
func (s *Server) Card() api.Card { return api.Card{URL: s.URL(), Token: s.token, PID: os.Getpid()} }

// Close stops the server. Requests under way have until ctx ends.
func (s *Server) Close(ctx context.Context) {
	close(s.quit)
	if s.srv.Shutdown(ctx) != nil {
		s.srv.Close()
	}
	<-s.done
}

// End stops the server as [Server.Close] does, because the program ends: those who follow GET /events learn of it.
func (s *Server) End(ctx context.Context) {
	s.ends.Store(true)
	s.Close(ctx)
}

// access says who may send a request.
type access string

const (
	owner access = "owner" // who has the token
	open  access = "open"  // anyone on this computer: the answer holds nothing personal
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
		{"GET", "/", open, page.Serve},
		{"GET", "/status", open, s.status},
		{"GET", "/events", open, s.events},
		{"GET", "/guard", open, jsonhttp.Show(s.guard)},
		{"GET", "/guard/events", open, s.guardEvents},
		{"GET", "/metrics", open, func(w http.ResponseWriter, r *http.Request) { s.backend.Metrics().ServeHTTP(w, r) }},
		{"GET", "/healthz", open, jsonhttp.Show(func() api.Health { return api.Health{OK: true} })},
		{"GET", "/openapi.json", open, openAPI},
		{"GET", "/proof", open, func(w http.ResponseWriter, r *http.Request) { s.Card().Secret().Serve(w, r) }},
		{"POST", "/session", coded, s.session},
		{"GET", "/settings", owner, jsonhttp.Show(s.settings)},
		{"GET", "/uptime", owner, s.uptime},
		{"GET", "/log", owner, s.records},
		{"GET", "/messages", owner, jsonhttp.Show(s.messages)},
		{"GET", "/latency", owner, jsonhttp.Show(s.latency)},
		{"GET", "/alerts", owner, jsonhttp.Show(s.backend.Alerts)},
		{"GET", "/rules", owner, jsonhttp.Show(s.rules)},
		{"GET", "/orders", owner, jsonhttp.Show(s.orders)},
		{"GET", "/positions", owner, s.positions},
		{"GET", "/clients", owner, jsonhttp.Show(s.programs)},
		{"GET", "/clients/orders", owner, jsonhttp.Show(s.programOrders)},
		{"GET", "/autostart", owner, s.autostart},
		{"GET", "/diagnostics", owner, s.diagnostics},
		{"GET", "/settings/text", owner, text(s.backend.SettingsText)},
		{"PUT", "/settings", owner, saveFile(s.backend.SaveSettings, s.settings)},
		{"GET", "/rules/text", owner, text(s.backend.RulesText)},
		{"PUT", "/rules", owner, saveFile(s.backend.SaveRules, s.rules)},
		{"POST", "/connect_ib", owner, command(s.backend.Connect)},
		{"POST", "/disconnect_ib", owner, command(s.backend.Disconnect)},
		{"POST", "/show", owner, command(s.backend.Show)},
		{"POST", "/mute", owner, s.mute},
		{"POST", "/quit", owner, s.quitting},
		{"POST", "/autostart", owner, s.setAutostart},
		{"POST", "/alerts/test", owner, s.testAlerts},
		{"POST", "/secrets", owner, s.storeSecret},
		{"POST", "/secrets/address", owner, s.secretAddress},
		{"POST", "/secrets/delete", owner, s.deleteSecret},
		{"POST", "/rules/save", owner, s.saveRule},
		{"POST", "/rules/activate", owner, s.onRule(s.backend.ActivateRule)},
		{"POST", "/rules/preview", owner, s.previewRule},
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

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	methods := map[string][]string{} // by path
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
		methods[r.path] = append(methods[r.path], r.method)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		// The mux answers an unknown method in plain text; this API speaks JSON throughout.
		if use := strings.Join(methods[r.URL.Path], ", "); use != "" {
			w.Header().Set("Allow", use)
			jsonhttp.Fail(w, http.StatusMethodNotAllowed, "use "+use)
			return
		}
		jsonhttp.Fail(w, http.StatusNotFound, "no such address; GET /openapi.json lists them")
	})
	return s.guarded(jsonhttp.Isolate(mux, s.backend.Panicked))
}

// guarded lets through only what a program of this user or a page of this server can have sent.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		if !s.hosts.Serve(r) {
			jsonhttp.Fail(w, http.StatusForbidden, "this Host is not served")
			return
		}
		if !s.hosts.OwnSite(r) {
			jsonhttp.Fail(w, http.StatusForbidden, "requests from other sites are refused")
			return
		}
		if r.Header.Get("Authorization") != "" {
			if !s.knows(r) {
				// Also where no token is needed: a client that sends one means another server, which had this port
				// before.
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

// present returns a list that is never null in JSON.
func present[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
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
	jsonhttp.Fail(w, http.StatusUnauthorized, "send the token from api.json as Authorization: Bearer TOKEN")
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

// answer answers with what get returns within the limit, or for its error as failed does.
func answer[T any](w http.ResponseWriter, r *http.Request, limit time.Duration, other int,
	get func(context.Context) (T, error),
) {
	ctx, cancel := jsonhttp.Patient(w, r, limit)
	defer cancel()
	v, err := get(ctx)
	if err != nil {
		failed(w, err, other)
		return
	}
	jsonhttp.Answer(w, http.StatusOK, v)
}

// command answers a request without a body.
func command(do func(context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, ok := jsonhttp.Read(w, r); !ok {
			return
		}
		ended(w, do(r.Context()))
	}
}

// ended answers for a command that has ended with err.
func ended(w http.ResponseWriter, err error) {
	var remark *api.Remark
	switch {
	case errors.As(err, &remark):
		jsonhttp.Answer(w, http.StatusAccepted, api.Answer{Accepted: true, Message: remark.Text})
	case err == nil:
		jsonhttp.Answer(w, http.StatusAccepted, api.Answer{Accepted: true})
	case errors.Is(err, conn.ErrAlreadyConnected), errors.Is(err, conn.ErrAlreadyPaused):
		// What was asked for is already so: for a caller that is success.
		jsonhttp.Answer(w, http.StatusOK, api.Answer{Accepted: true, Message: err.Error()})
	default:
		failed(w, err, http.StatusServiceUnavailable)
	}
}

// quitting answers, and has the program end after that.
func (s *Server) quitting(w http.ResponseWriter, r *http.Request) {
	if _, ok := jsonhttp.Read(w, r); !ok {
		return
	}
	jsonhttp.Answer(w, http.StatusAccepted, api.Answer{Accepted: true})
	_ = http.NewResponseController(w).Flush() // the client went away
	s.backend.Quit()
}
