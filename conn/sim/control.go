package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// controlServer is the HTTP control port.
type controlServer struct {
	addr   string
	server *http.Server
	done   chan struct{}
}

// startControl opens the control port on a loopback address.
func startControl(g *Gateway, listen string) (*controlServer, error) {
	addr, err := loopbackAddr(listen)
	if err != nil {
		return nil, fmt.Errorf("control %s: %w", listen, err)
	}
	ln, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("control %s: %w", listen, err)
	}
	s := &controlServer{addr: ln.Addr().String(), done: make(chan struct{})}
	s.server = &http.Server{
		Handler:           guarded(controlMux(g)),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
	go func() {
		defer close(s.done)
		if err := s.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			g.log.Error("control port failed", "err", err)
		}
	}()
	return s, nil
}

// close waits for running requests, two seconds at most.
func (s *controlServer) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.server.Close())
	}
	<-s.done
	return err
}

// guarded refuses requests that a web page elsewhere could have caused: foreign Host (DNS rebinding) or Origin.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !loopbackHost(r.Host) {
			writeError(w, http.StatusForbidden, fmt.Errorf("host %q is not allowed: use 127.0.0.1, localhost or [::1]",
				r.Host))
			return
		}
		if origin := r.Header.Get("Origin"); origin != "" {
			if u, err := url.Parse(origin); err != nil || !loopbackHost(u.Host) {
				writeError(w, http.StatusForbidden, fmt.Errorf("origin %q is not allowed", origin))
				return
			}
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxScript)
		next.ServeHTTP(w, r)
	})
}

func loopbackHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	switch strings.Trim(host, "[]") {
	case "127.0.0.1", "localhost", "::1":
		return true
	}
	return false
}

func controlMux(g *Gateway) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, controlHelp(g))
	})
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, g.State())
	})
	mux.HandleFunc("POST /fault/{name}", func(w http.ResponseWriter, r *http.Request) { postFault(g, w, r) })
	mux.HandleFunc("POST /script", func(w http.ResponseWriter, r *http.Request) { postScript(g, w, r) })
	mux.HandleFunc("GET /requests", func(w http.ResponseWriter, r *http.Request) { getRequests(g, w, r) })
	mux.HandleFunc("DELETE /requests", func(w http.ResponseWriter, _ *http.Request) {
		g.ForgetRequests()
		writeJSON(w, http.StatusOK, map[string]any{"ok": true})
	})
	mux.HandleFunc("DELETE /script", func(w http.ResponseWriter, _ *http.Request) {
		g.StopScripts()
		writeJSON(w, http.StatusOK, map[string]any{"ok": true})
	})
	return mux
}

func postFault(g *Gateway, w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if _, ok := findVerb(name); !ok {
		writeError(w, http.StatusNotFound, fmt.Errorf("unknown fault %q; GET / lists them", name))
		return
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	params := map[string]string{}
	for key, values := range query {
		if len(values) != 1 {
			writeError(w, http.StatusBadRequest, fmt.Errorf("%s is given %d times", key, len(values)))
			return
		}
		params[key] = values[0]
	}
	result, err := g.Do(name, params)
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	answer := map[string]any{"ok": true, "fault": name}
	maps.Copy(answer, result)
	writeJSON(w, http.StatusOK, answer)
}

func postScript(g *Gateway, w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		status := http.StatusBadRequest
		if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
			status = http.StatusRequestEntityTooLarge
		}
		writeError(w, status, err)
		return
	}
	script, err := ParseScript(string(text))
	if err == nil {
		err = g.RunScript(script)
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	writeJSON(w, http.StatusAccepted, map[string]any{"ok": true, "lines": len(script.steps) + len(script.every)})
}

func writeError(w http.ResponseWriter, status int, err error) {
	writeJSON(w, status, map[string]any{"ok": false, "error": err.Error()})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // the client is gone
}

// controlHelp lists what the control port can do.
func controlHelp(g *Gateway) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Simulated gateway on %s\n\n", g.Addr())
	b.WriteString("GET  /state          connections, orders, counters, faults as JSON\n")
	b.WriteString("GET  /requests       what clients sent; ?name=placeOrder&client=1&since=0 and fields such as " +
		"order.action=BUY select,\n")
	b.WriteString("                     count=1, at-least=1 and at-most=1 are asserted (200 or 417), for up to " +
		"within=5s\n")
	b.WriteString("DELETE /requests     forget them\n")
	b.WriteString("POST /script         run the script in the body (at 5s drop / after 1s 1100 / every 30s 2104 / " +
		"loop)\n")
	b.WriteString("DELETE /script       stop all scripts\n")
	b.WriteString("POST /fault/NAME     with these names and query parameters:\n\n")
	for _, v := range verbs {
		if len(v.name) > 14 || len(v.params) > 22 {
			fmt.Fprintf(&b, "  %s %s\n%40s%s\n", v.name, v.params, "", v.help)
			continue
		}
		fmt.Fprintf(&b, "  %-14s %-22s %s\n", v.name, v.params, v.help)
	}
	fmt.Fprintf(&b, "  %-14s %-22s %s\n", "CODE", "text=", "a number is the notice with that code; of the farm codes")
	fmt.Fprintf(&b, "  %-14s %-22s %s\n", "", "farm=", strings.Trim(fmt.Sprint(farmCodes()), "[]")+
		" take the farm's name")
	return b.String()
}
