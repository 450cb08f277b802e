package resident

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"gatewatch/app/api/server"
	"gatewatch/app/console"
	"gatewatch/app/home"
	"gatewatch/app/wording"
)

// answerLimit is how long a server that is replaced has for the answer to the request that asked for that.
const answerLimit = 2 * time.Second

// servers are the API: api.json names one server. A server that was replaced by a change of settings ends when it has
// answered.
type servers struct {
	card     string // path of api.json
	backend  server.Backend
	failures *failures
	screen   *console.Console
	log      *slog.Logger

	serving context.Context // ends with the API
	end     context.CancelFunc
	leaving sync.WaitGroup // servers that end

	mu      sync.Mutex
	api     *server.Server
	earlier []*server.Server // which stay open; see takePort
}

// open listens on the given port.
func (s *servers) open(port int) error {
	srv, err := server.Listen(port, s.backend, s.log)
	if err != nil {
		return err
	}
	if port != 0 && srv.Port() != port {
		s.log.Warn("another program has the port of the API; it is used when it is free", "port", port, "until then",
			srv.Port())
	}
	err = home.WriteCard(s.card, srv.Card())
	if err != nil { // what a killed program has left there misleads, and on a full disk its space may be enough
		_ = os.Remove(s.card)
		err = home.WriteCard(s.card, srv.Card())
	}
	if err != nil { // written when it can be
		s.log.Error("api.json cannot be written", "err", err)
		s.failures.set(wording.FailingFiles, err)
	}
	s.serving, s.end = context.WithCancel(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.api = srv
	return nil
}

func (s *servers) close() {
	s.end()
	s.mu.Lock()
	for _, old := range s.earlier {
		s.leaving.Go(func() { closeServer(old.End) })
	}
	s.mu.Unlock()
	s.leaving.Wait()
	srv := s.current()
	home.RemoveCard(s.card, srv.Card())
	closeServer(srv.End)
}

func closeServer(do func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit/4)
	defer cancel()
	do(ctx)
}

// current returns the server that answers.
func (s *servers) current() *server.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.api
}

func (s *servers) port() int   { return s.current().Port() }
func (s *servers) url() string { return s.current().URL() }

// listen opens the API at another port, unless an earlier server still has that one, and writes it into api.json.
func (s *servers) listen(port int) (*server.Server, error) {
	srv := s.earlierAt(port)
	if srv == nil {
		var err error
		if srv, err = server.Listen(port, s.backend, s.log); err != nil {
			return nil, err
		}
	}
	if err := home.WriteCard(s.card, srv.Card()); err != nil {
		s.drop(srv)
		return nil, err
	}
	return srv, nil
}

// earlierAt returns the earlier server at a port, nil if there is none.
func (s *servers) earlierAt(port int) *server.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, srv := range s.earlier {
		if srv.Port() == port {
			return srv
		}
	}
	return nil
}

// drop closes a server that listen has returned, unless it is an earlier one.
func (s *servers) drop(srv *server.Server) {
	if s.earlierAt(srv.Port()) == nil {
		closeServer(srv.Close)
	}
}

// stay undoes listen.
func (s *servers) stay(srv *server.Server) {
	s.drop(srv)
	if err := home.WriteCard(s.card, s.current().Card()); err != nil {
		s.log.Error("api.json names a port that is closed", "err", err)
	}
}

// replace makes another server the current one, and returns the one before.
func (s *servers) replace(srv *server.Server) (old *server.Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, s.api = s.api, srv
	s.earlier = slices.DeleteFunc(s.earlier, func(e *server.Server) bool { return e == srv })
	s.screen.Say("API", srv.URL())
	return old
}

// takePort opens the API at a port that another program had when it was asked for, if that is free by now. api.json
// names it at the next look at the home. The server before goes on: pages are open there, and programs found it there.
func (s *servers) takePort(port int) {
	srv, err := server.ListenAt(port, s.backend, s.log)
	if err != nil {
		return
	}
	old := s.replace(srv)
	s.log.Info("the API is at the port of the settings now; the one before stays open", "api", srv.URL(), "before",
		old.URL())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.earlier = append(s.earlier, old)
}

// move makes another server the current one. The one before ends in the background, when it has answered.
func (s *servers) move(srv *server.Server) {
	old := s.replace(srv)
	s.leaving.Go(func() {
		ctx, cancel := context.WithTimeout(s.serving, answerLimit)
		defer cancel()
		old.Close(ctx)
	})
}
