// Package jsonhttp reads requests strictly and answers them in JSON.
package jsonhttp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatewatch/app/strict"
)

// Failure is the body of every answer that is not a success.
type Failure struct {
	Error string `json:"error"`
}

// Answer writes v as JSON. Its length is sent first, so that a flushed answer is whole before its handler returns.
func Answer(w http.ResponseWriter, code int, v any) {
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

// Fail answers that a request has failed, and why.
func Fail(w http.ResponseWriter, code int, text string) { Answer(w, code, Failure{text}) }

// Show answers with what get returns.
func Show[T any](get func() T) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { Answer(w, http.StatusOK, get()) }
}

// Read returns the body of a request; ok is false if the answer has been given.
func Read(w http.ResponseWriter, r *http.Request) (body []byte, ok bool) {
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		return body, true
	case errors.As(err, &tooLarge):
		Fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit))
	default:
		Fail(w, http.StatusBadRequest, "the body cannot be read")
	}
	return nil, false
}

// Decode reads a body into v, strictly, and calls right to check it. If it returns false, the answer has been given:
// the body is not of the shape.
func Decode(w http.ResponseWriter, r *http.Request, v any, right func() bool, shape string) bool {
	return decode(w, r, v, false, right, shape)
}

// DecodeOptional is [Decode] where an empty body leaves v as it is.
func DecodeOptional(w http.ResponseWriter, r *http.Request, v any, shape string) bool {
	return decode(w, r, v, true, func() bool { return true }, shape)
}

func decode(w http.ResponseWriter, r *http.Request, v any, optional bool, right func() bool, shape string) bool {
	body, ok := Read(w, r)
	if !ok || optional && len(bytes.TrimSpace(body)) == 0 {
		return ok
	}
	sound := strictly(body, v)
	if key, twice := strict.Twice(body); sound && twice {
		Fail(w, http.StatusBadRequest, fmt.Sprintf("the body has the key %s twice; remove one", Quote(key)))
		return false
	}
	if !sound || !right() {
		Fail(w, http.StatusBadRequest, "the body is not "+shape)
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

// Patient gives a request whose body has been read longer than others have. The limit for reading has ended with the
// body.
func Patient(w http.ResponseWriter, r *http.Request, limit time.Duration) (context.Context, context.CancelFunc) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(limit + 5*time.Second))
	return context.WithTimeout(r.Context(), limit)
}

// Query returns the parameters of a request, of which only some are known, each once.
func Query(r *http.Request, known ...string) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errors.New("the query after the ? cannot be read")
	}
	for name, values := range q {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("unknown parameter %s; there are %s", Quote(name), strings.Join(known, ", "))
		}
		if len(values) > 1 {
			return nil, fmt.Errorf("the parameter %s is given more than once", name)
		}
	}
	return q, nil
}

// WholeNumber returns a parameter from least to most, or preset if it is missing.
func WholeNumber(q url.Values, name string, preset, least, most int) (int, error) {
	if !q.Has(name) {
		return preset, nil
	}
	text := q.Get(name)
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s=%s is not a whole number from %d to %d", name, Quote(text), least, most)
	}
	return n, nil
}

// Quote quotes text from outside, cut to 50 characters.
func Quote(s string) string {
	if runes := []rune(s); len(runes) > 50 {
		s = string(runes[:49]) + "…"
	}
	return strconv.Quote(s)
}

// Isolate answers for a handler that panics, and reports the panic. An answer that has begun is cut off.
func Isolate(next http.Handler, panicked func(what any, stack []byte)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &reply{ResponseWriter: w}
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			panicked(p, debug.Stack())
			if a.begun {
				panic(http.ErrAbortHandler)
			}
			Fail(w, http.StatusInternalServerError, "this request failed inside Gatewatch; the log says more")
		}()
		next.ServeHTTP(a, r)
	})
}

// reply knows whether it has begun.
type reply struct {
	http.ResponseWriter
	begun bool
}

func (r *reply) WriteHeader(code int) {
	r.begun = true
	r.ResponseWriter.WriteHeader(code)
}

func (r *reply) Write(p []byte) (int, error) {
	r.begun = true
	return r.ResponseWriter.Write(p)
}

// Unwrap is for [http.ResponseController].
func (r *reply) Unwrap() http.ResponseWriter { return r.ResponseWriter }
