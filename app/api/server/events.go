package server

import (
	"encoding/json"
	"net/http"
	"time"

	"gatewatch/app/api/jsonhttp"
	"gatewatch/app/api/sse"
)

const (
	// keepAlive is the time between two heartbeats on a stream.
	keepAlive = time.Second
	// answerLimit is how long the supervisor may take to answer before it counts as hung.
	answerLimit = 2 * time.Second
	// maxStreams bounds the streams open at once, and so does half of the connections. Half of them are kept for those
	// who have the token.
	maxStreams = 32
)

// ShowWindow asks every window that listens to come to the front and returns how many there are.
func (s *Server) ShowWindow() int { return s.streams.ShowWindow() }

// events answers with server-sent events: "status" with the JSON of GET /status at once and after every change, "show"
// when the window is asked to come to the front, for those that asked with ?window=1, and "quit" when the program ends.
// Only who has the token is a window: Gatewatch opens none while there is one.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	window, owner := r.URL.Query().Get("window") == "1", s.knows(r)
	if window && !owner {
		refuse(w)
		return
	}
	s.stream(w, r, window, "status", func() (any, bool) { return s.statusFor(owner), true })
}

// stream answers with server-sent events: one with the given name at once and whenever the backend has changed, unless
// news says that there is none, and the comment "alive" each second. While the supervisor does not answer, none of them
// is sent: the HTTP server alone is no evidence that the program works.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, window bool, event string, news func() (any, bool)) {
	owner := s.knows(r)
	show, ok := s.streams.Join(window, owner, min(maxStreams, s.ln.Most()/2))
	if !ok {
		w.Header().Set("Retry-After", "5")
		jsonhttp.Fail(w, http.StatusServiceUnavailable, "too many streams are open")
		return
	}
	defer s.streams.Leave(show, owner)
	s.ln.Streams(r)
	send := sse.Begin(w)
	if r.Method == http.MethodHead {
		return // it has all of its answer
	}
	nudge, end := s.backend.Subscribe()
	defer end()
	alive := time.Tick(keepAlive)
	changed := false
	for {
		beat := false
		select {
		case <-r.Context().Done():
			return
		case <-s.quit:
			if s.ends.Load() {
				send("event: quit\ndata: {}\n\n")
			}
			return
		case <-show:
			if !send("event: show\ndata: {}\n\n") {
				return
			}
			continue
		case <-nudge:
			changed = true
		case <-alive:
			beat = true
		}
		if !s.works(r.Context(), keepAlive) {
			continue
		}
		if changed {
			changed = false
			if v, fresh := news(); fresh {
				body, err := json.Marshal(v)
				if err != nil {
					s.log.Error("event cannot be encoded", "event", event, "err", err)
					return
				}
				if !send("event: %s\ndata: %s\n\n", event, body) {
					return
				}
			}
		}
		if beat && !send(": alive\n\n") {
			return
		}
	}
}
