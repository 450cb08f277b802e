package alert

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/ntfy"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// watched is how a service asks its server. It follows no redirect to another host, as an alert is for the one that the
// settings name, and knows the last answer: some services call sent what was not. It is their log, too.
type watched struct {
	http.RoundTripper
	last   atomic.Pointer[exchange] // nil if nothing was asked
	mailed atomic.Bool              // a server has taken a mail; what follows that, QUIT, may fail or never end
}

// Printf takes what shoutrrr logs.
func (w *watched) Printf(format string, _ ...any) {
	if strings.HasPrefix(format, "Mail successfully sent") {
		w.mailed.Store(true)
	}
}

// Print takes what says nothing.
func (w *watched) Print(...any) {}

// Println takes what says nothing.
func (w *watched) Println(...any) {}

// exchange is what came of a request.
type exchange struct {
	status int // 0 if there is no answer
	body   []byte
	cut    bool          // that is not all of the answer
	pause  time.Duration // for which the server wants to be left alone
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
		x = exchanged(res)
		res.Body = io.NopCloser(bytes.NewReader(x.body))
	}
	w.last.Store(x)
	return res, err
}

// bodyLimit bounds the wait for the end of an answer.
var bodyLimit = 10 * time.Second

// maxPause bounds for how long a server is left alone because it says so: it may be wrong, and alerts wait.
const maxPause = 15 * time.Minute

// exchanged takes in an answer, as much of it as matters, and ends it: one that does not end says enough by its status.
func exchanged(res *http.Response) *exchange {
	limit := time.AfterFunc(bodyLimit, func() { res.Body.Close() })
	defer res.Body.Close()
	defer limit.Stop()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxResult))
	x := &exchange{status: res.StatusCode, body: text, cut: err != nil || len(text) == maxResult}
	if x.status == http.StatusTooManyRequests || x.status == http.StatusServiceUnavailable {
		x.pause = retryAfter(res.Header)
	}
	return x
}

// retryAfter returns for how long a server wants to be left alone; 0 if it does not say so.
func retryAfter(h http.Header) time.Duration {
	said := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(said, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(maxPause/time.Second))) * time.Second
	}
	at, err := http.ParseTime(said)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date")) // by the same clock
	if err != nil {
		now = time.Now()
	}
	return min(max(0, at.Sub(now)), maxPause)
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
	err := json.Unmarshal(x.body, &said)
	return err == nil && said.OK || x.cut && bytes.HasPrefix(x.body, []byte(`{"ok":true,`))
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
