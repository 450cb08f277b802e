package loopback

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Hosts are the names under which a server on the loopback can be reached, each with its port.
type Hosts []string

// HostsOf returns the names of a server at a port.
func HostsOf(port int) (hosts Hosts) {
	for _, h := range []string{"127.0.0.1", "localhost", "[::1]"} {
		hosts = append(hosts, fmt.Sprintf("%s:%d", h, port))
		if port == 80 {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// Serve reports whether a request names one of them.
func (h Hosts) Serve(r *http.Request) bool { return slices.Contains(h, strings.ToLower(r.Host)) }

// OwnSite reports whether no browser sends the request for another site.
func (h Hosts) OwnSite(r *http.Request) bool {
	for _, o := range r.Header.Values("Origin") {
		host, ok := strings.CutPrefix(strings.ToLower(o), "http://")
		if !ok || !slices.Contains(h, host) {
			return false
		}
	}
	return ownFetch(r)
}

// ownFetch reports whether a browser, if one asks, does so for a page of this server or for the user: neither for
// another site nor for another port of this computer. A link to the page may be anywhere.
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
