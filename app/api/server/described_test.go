package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"gatewatch/app/api/sse"
)

func init() {
	for _, kind := range []string{"text/html", "text/event-stream"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.PlainBodyDecoder)
	}
}

// described holds the answers of one server to openapi.json and notes which of them it has seen.
type described struct {
	t      *testing.T
	s      *Server
	doc    *openapi3.T
	router routers.Router
	seen   map[string]bool // "GET /status 200"
}

func describe(t *testing.T, s *Server) *described {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openAPIText)
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = openapi3.Servers{{URL: s.URL()}} // the port of a test is none that the document could name
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &described{t: t, s: s, doc: doc, router: router, seen: map[string]bool{}}
}

// call is a request, and what is wanted of it.
type call struct {
	method, target, body string
	headers              []string // as those of ask
	code                 int
	wrong                bool // the document does not allow the request
}

func (c call) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %.60s %v", c.method, c.target, c.body, c.headers))
}

// check sends a request and holds it and its answer to the document.
func (d *described) check(c call) {
	d.t.Helper()
	if c.body != "" && !slices.ContainsFunc(c.headers, func(h string) bool {
		return strings.HasPrefix(h, "Content-Type:")
	}) {
		c.headers = append(c.headers, "Content-Type: application/json")
	}
	res, text := ask(d.t, d.s, c.method, c.target, c.body, c.headers...)
	d.hold(c, res, text)
}

func (d *described) hold(c call, res *http.Response, text string) {
	d.t.Helper()
	if res.StatusCode != c.code {
		d.t.Errorf("%v: %s, want %d: %s", c, res.Status, c.code, text)
		return
	}
	req := res.Request.Clone(d.t.Context())
	req.Body = io.NopCloser(strings.NewReader(c.body))
	route, params, err := d.router.FindRoute(req)
	if err != nil {
		d.elsewhere(c, err, res, text)
		return
	}
	in := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true,
			AuthenticationFunc: func(_ context.Context, in *openapi3filter.AuthenticationInput) error {
				if req.Header.Get("Authorization") != "Bearer "+d.s.Token() {
					return in.NewError(errors.New("not the token"))
				}
				return nil
			},
		},
	}
	if err := openapi3filter.ValidateRequest(d.t.Context(), in); (err != nil) != c.wrong {
		d.t.Errorf("%v: the document says of the request: %v; want wrong %v", c, err, c.wrong)
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: res.StatusCode,
		Header: res.Header, Options: in.Options,
	}
	out.SetBodyBytes([]byte(text))
	if err := openapi3filter.ValidateResponse(d.t.Context(), out); err != nil {
		d.t.Errorf("%v: the document says of the answer: %v\n%s", c, err, text)
	}
	d.seen[fmt.Sprintf("%s %s %d", req.Method, route.Path, res.StatusCode)] = true
}

// elsewhere holds an answer that belongs to no operation to the response that is meant for it.
func (d *described) elsewhere(c call, err error, res *http.Response, text string) {
	d.t.Helper()
	name := map[int]string{404: "NotFound", 405: "MethodNotAllowed"}[c.code]
	if name == "" || errors.Is(err, routers.ErrMethodNotAllowed) != (c.code == 405) {
		d.t.Errorf("%v: %v, answered with %s", c, err, res.Status)
		return
	}
	meant := d.doc.Components.Responses[name].Value
	for header := range meant.Headers {
		if res.Header.Get(header) == "" {
			d.t.Errorf("%v: no %s", c, header)
		}
	}
	var body any
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		d.t.Errorf("%v: %v in %q", c, err, text)
		return
	}
	kind := meant.Content.Get(res.Header.Get("Content-Type"))
	if kind == nil {
		d.t.Errorf("%v: content type %q", c, res.Header.Get("Content-Type"))
	} else if err := kind.Schema.Value.VisitJSON(body, openapi3.EnableJSONSchema2020()); err != nil {
		d.t.Errorf("%v: %v\n%s", c, err, text)
	}
	d.seen[fmt.Sprint(c.code)] = true
}

// hurt sends a request with a body that breaks off.
func (d *described) hurt(method, path string) {
	d.t.Helper()
	c, err := net.Dial("tcp", d.s.ln.Addr().String())
	if err != nil {
		d.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\nno "+
		"length\r\n",
		method, path, d.s.ln.Addr(), d.s.Token())
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.s.URL()+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.s.Token())
	res, err := http.ReadResponse(bufio.NewReader(c), req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	wanted := d.body(method, path)
	d.hold(call{method: method, target: path, code: 400, wrong: wanted != nil && wanted.Value.Required}, res,
		string(text))
}

// body returns what the document says of the body of a request, nil if it has none.
func (d *described) body(method, path string) *openapi3.RequestBodyRef {
	return d.doc.Paths.Find(path).GetOperation(method).RequestBody
}

// listen opens a stream of events and holds its head and its first event to the document.
func (d *described) listen(path string) (end func()) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 30*time.Second)
	req, err := http.NewRequestWithContext(ctx, "GET", d.s.URL()+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.s.Token())
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, sse.MaxEvent)
	var text string
	for lines.Scan() && lines.Text() != "" {
		text += lines.Text() + "\n"
	}
	d.hold(call{method: "GET", target: path, code: 200}, res, text)
	event, schema := "status", "Status"
	if path == "/guard/events" {
		event, schema = "guard", "Guarded"
	}
	data, ok := strings.CutPrefix(text, "event: "+event+"\ndata: ")
	var v any
	if err := json.Unmarshal([]byte(data), &v); !ok || err != nil {
		d.t.Errorf("first event %q", text)
	}
	if err := d.doc.Components.Schemas[schema].Value.VisitJSON(v, openapi3.EnableJSONSchema2020()); err != nil {
		d.t.Errorf("%s in the stream: %v", event, err)
	}
	return func() { cancel(); res.Body.Close() }
}
