package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// MaxDays bounds the days that GET /uptime tells of: ten years.
	MaxDays     = 3660
	defaultDays = 7
	// MaxRecords bounds the records of one answer to GET /log.
	MaxRecords     = 1000
	defaultRecords = 100
	// turnLimit bounds the wait for other costly queries.
	turnLimit = 3 * time.Second
	// testLimit bounds a test of alerts, which may have to wait for a server that says nothing.
	testLimit = 45 * time.Second
)

// ErrNoChannel means that no channel for alerts has that name.
var ErrNoChannel = errors.New("no such channel; GET /alerts lists them")

// ErrNoChannels means that there is nothing to test.
var ErrNoChannels = errors.New("no channel for alerts is set up; see the keys email, slack, webhook, alerts and heartbeat in settings.json")

func (s *Server) uptime(w http.ResponseWriter, r *http.Request) {
	q, err := parameters(r, "days")
	days := defaultDays
	if err == nil {
		days, err = wholeNumber(q, "days", defaultDays, 1, MaxDays)
	}
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	end, ok := s.turn(w, r)
	if !ok {
		return
	}
	u, err := s.backend.Uptime(r.Context(), days)
	end()
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	answer(w, http.StatusOK, u)
}

func (s *Server) records(w http.ResponseWriter, r *http.Request) {
	query, err := logQuery(r)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	end, ok := s.turn(w, r)
	if !ok {
		return
	}
	l, err := s.backend.Log(r.Context(), query)
	end()
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	answer(w, http.StatusOK, l)
}

// turn waits until no other costly query is being answered. If it returns false, the answer has been given.
func (s *Server) turn(w http.ResponseWriter, r *http.Request) (end func(), ok bool) {
	select {
	case s.costly <- struct{}{}:
		return func() { <-s.costly }, true
	case <-r.Context().Done():
	case <-s.quit:
	case <-time.After(turnLimit):
	}
	w.Header().Set("Retry-After", "5")
	fail(w, http.StatusServiceUnavailable, "other queries of this kind are being answered; try again in 5 s")
	return nil, false
}

func logQuery(r *http.Request) (query LogQuery, err error) {
	q, err := parameters(r, "since", "after", "limit")
	if err != nil {
		return query, err
	}
	if query.Limit, err = wholeNumber(q, "limit", defaultRecords, 1, MaxRecords); err != nil {
		return query, err
	}
	if q.Has("after") {
		text := q.Get("after")
		if query.After, err = strconv.ParseUint(text, 10, 63); err != nil {
			return query, fmt.Errorf("after=%s is not the seq of a record, a whole number", short(text))
		}
	}
	if q.Has("since") {
		text := q.Get("since")
		if query.Since, err = time.Parse(time.RFC3339, text); err != nil {
			return query, fmt.Errorf("since=%s is not a time in RFC 3339, such as 2026-11-23T09:30:00Z", short(text))
		}
	}
	return query, nil
}

// parameters returns the parameters of a request, of which only some are known, each once.
func parameters(r *http.Request, known ...string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errors.New("the query after the ? cannot be read")
	}
	for name, values := range q {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("unknown parameter %s; there are %s", short(name), strings.Join(known, ", "))
		}
		if len(values) > 1 {
			return nil, fmt.Errorf("the parameter %s is given more than once", name)
		}
	}
	return q, nil
}

func wholeNumber(q url.Values, name string, preset, least, most int) (int, error) {
	if !q.Has(name) {
		return preset, nil
	}
	text := q.Get(name)
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s=%s is not a whole number from %d to %d", name, short(text), least, most)
	}
	return n, nil
}

// short quotes what came from outside, cut to what an error can bear.
func short(s string) string {
	if runes := []rune(s); len(runes) > 50 {
		s = string(runes[:49]) + "…"
	}
	return strconv.Quote(s)
}

func (s *Server) testAlerts(w http.ResponseWriter, r *http.Request) {
	body, ok := read(w, r)
	if !ok {
		return
	}
	var asked AlertTestRequest
	if len(bytes.TrimSpace(body)) > 0 {
		if !strictly(body, &asked) {
			fail(w, http.StatusBadRequest, `the body is not {"channel": "NAME"}; an empty one means all channels`)
			return
		}
	}
	ctx, cancel := patient(w, r, testLimit) // as long as the slowest server takes
	defer cancel()
	switch test, err := s.backend.TestAlerts(ctx, asked.Channel); {
	case errors.Is(err, ErrNoChannel):
		fail(w, http.StatusNotFound, err.Error())
	case errors.Is(err, ErrNoChannels):
		fail(w, http.StatusConflict, err.Error())
	case err != nil:
		fail(w, http.StatusServiceUnavailable, err.Error())
	default:
		answer(w, http.StatusOK, test)
	}
}

// Uptime asks how so many local days were spent and returns it with the JSON as it came.
func (c *Client) Uptime(ctx context.Context, days int) (u Uptime, raw []byte, err error) {
	raw, err = c.do(ctx, http.MethodGet, "/uptime?days="+strconv.Itoa(days))
	if err == nil {
		err = json.Unmarshal(raw, &u)
	}
	return u, raw, err
}

// Log asks for records of the connection log.
func (c *Client) Log(ctx context.Context, q LogQuery) (l Log, err error) {
	v := url.Values{}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	if q.After > 0 {
		v.Set("after", strconv.FormatUint(q.After, 10))
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	raw, err := c.do(ctx, http.MethodGet, "/log?"+v.Encode())
	if err == nil {
		err = json.Unmarshal(raw, &l)
	}
	return l, err
}

// Alerts asks how alerts fare.
func (c *Client) Alerts(ctx context.Context) (a Alerts, err error) {
	raw, err := c.do(ctx, http.MethodGet, "/alerts")
	if err == nil {
		err = json.Unmarshal(raw, &a)
	}
	return a, err
}

// TestAlerts has a message sent by one channel, or by all if it is empty. It may take most of a minute.
func (c *Client) TestAlerts(ctx context.Context, channel string) (t AlertTest, err error) {
	body, err := json.Marshal(AlertTestRequest{channel})
	if err != nil {
		return t, err
	}
	patient := *c.http
	patient.Timeout = testLimit + 10*time.Second
	raw, err := c.exchange(ctx, &patient, http.MethodPost, "/alerts/test", body)
	if err == nil {
		err = json.Unmarshal(raw, &t)
	}
	return t, err
}
