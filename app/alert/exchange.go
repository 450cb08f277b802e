package alert

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/ntfy"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// watched is how a service asks its server. It follows no redirect to another host, as an alert is for the one that the
// settings name, and knows the last answer: some services call sent what was not.
type watched struct {
	http.RoundTripper
	last atomic.Pointer[exchange] // nil if nothing was asked
}

// exchange is what came of a request.
type exchange struct {
	status int // 0 if there is no answer
	body   []byte
	err    error
}

var (
	errOtherHost = errors.New("the server points to another host; store the address it points to")
	errGarbled   = errors.New("the answer is not that of the service; is there a proxy in between?")
)

func (w *watched) RoundTrip(req *http.Request) (*http.Response, error) {
	first := req
	for first.Response != nil && first.Response.Request != nil {
		first = first.Response.Request
	}
	if first != req && (first.URL.Host != req.URL.Host || first.URL.Scheme == "https" && req.URL.Scheme != "https") {
		w.last.Store(&exchange{err: errOtherHost})
		return nil, errOtherHost
	}
	res, err := w.RoundTripper.RoundTrip(req)
	x := &exchange{err: err}
	select {
	//lint:ignore SA1019 a client ends what takes too long so, if its transport is not that of net/http
	case <-req.Cancel:
		x.err = errSlow
	default:
	}
	if err == nil {
		x.status, x.body = res.StatusCode, beginning(res.Body)
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(x.body), res.Body), res.Body}
	}
	w.last.Store(x)
	return res, err
}

// beginning reads what matters of an answer.
func beginning(body io.Reader) []byte {
	text, _ := io.ReadAll(io.LimitReader(body, maxResult)) // what came before an error may say enough
	return text
}

// confine has a service that does not use the default transport be watched, too.
func (w *watched) confine(service types.Service) {
	switch s := service.(type) {
	case *ntfy.Service: // which does not show its client
		trust := &tls.Config{InsecureSkipVerify: s.Config.DisableTLSVerification}
		w.RoundTripper = &http.Transport{TLSClientConfig: trust}
		s.SetHTTPClient(&http.Client{Transport: w})
	case interface{ GetHTTPClient() *http.Client }: // Gotify, Mattermost
		if c := s.GetHTTPClient(); c != nil && c.Transport != nil {
			w.RoundTripper, c.Transport = c.Transport, w
		}
	}
}

// words returns what the server said about it in its own words; empty if there are none for people.
func (x *exchange) words() string {
	var parsed any
	text := strings.TrimSpace(string(x.body))
	switch {
	case json.Unmarshal(x.body, &parsed) == nil:
		return wordsIn(parsed)
	case len(text) > maxError || strings.Contains(text, "<"): // a page
		return ""
	}
	return text
}

// wordsIn finds the words of an error in JSON, under the names that services have for them.
func wordsIn(v any) (text string) {
	switch v := v.(type) {
	case string:
		text = v
	case []any:
		for i := 0; i < len(v) && text == ""; i++ {
			text = wordsIn(v[i])
		}
	case map[string]any:
		for _, name := range []string{"description", "errorDescription", "errors", "message", "error", "msg"} {
			if text == "" {
				text = wordsIn(v[name])
			}
		}
	}
	return text
}

// confirmed reports whether the answer is that of Telegram to a message that it has taken.
func (x *exchange) confirmed() bool {
	var said struct{ OK bool }
	return json.Unmarshal(x.body, &said) == nil && said.OK
}

// answered says that a server has refused something, in its own words if it has some.
func answered(status int, words string) string {
	text := fmt.Sprintf("the server answered %d", status)
	switch {
	case status/100 == 3:
		return text + " and points elsewhere; store the address it points to"
	case words != "":
		return text + ": " + words
	case status == http.StatusNotFound || status == http.StatusGone:
		return text + ": the address is wrong or no longer valid"
	}
	return text
}
