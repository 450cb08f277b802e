package sim

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// requestQuery is what GET /requests asks for: which requests, and how many of them there should be.
type requestQuery struct {
	name         string
	client, conn int64 // -1: any
	since        int64
	fields       map[string]string // by path
	limit        int               // of those that are listed, the newest
	low, high    int               // asserted
	within       time.Duration     // how long the assertion may take to come true
}

// getRequests lists the requests that fit a query. If the query asserts their number, it answers 417 where that is
// wrong.
func getRequests(g *Gateway, w http.ResponseWriter, r *http.Request) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	var q *requestQuery
	if err == nil {
		q, err = newRequestQuery(query)
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(q.within + 10*time.Second))
	found := g.await(r, q)
	status, answer := http.StatusOK, map[string]any{"ok": true, "count": len(found)}
	if !q.holds(len(found)) {
		status = http.StatusExpectationFailed
		answer["ok"], answer["error"] = false, fmt.Sprintf("%d requests, expected %s", len(found), q.expected())
	}
	answer["requests"] = found[max(0, len(found)-q.limit):]
	writeJSON(w, status, answer)
}

// await returns the requests that fit as soon as the assertion holds, or after its time.
func (g *Gateway) await(r *http.Request, q *requestQuery) []Request {
	tick := time.Tick(10 * time.Millisecond)
	for end := time.Now().Add(q.within); ; {
		found := slices.DeleteFunc(g.requestsWhere(q.fits), func(one Request) bool { return !q.fieldsFit(&one) })
		if q.holds(len(found)) || !time.Now().Before(end) {
			return found
		}
		select {
		case <-tick:
		case <-r.Context().Done():
			return found
		case <-g.ctx.Done():
			return found
		}
	}
}

func newRequestQuery(values url.Values) (*requestQuery, error) {
	q := &requestQuery{client: -1, conn: -1, limit: 1000, high: math.MaxInt, fields: map[string]string{}}
	var firstErr error
	for key, all := range values {
		value := all[0]
		number := func(high int) int {
			n, err := strconv.Atoi(value)
			if (err != nil || n < 0 || n > high) && firstErr == nil {
				firstErr = fmt.Errorf("%s=%s is not a number from 0 to %d", key, value, high)
			}
			return n
		}
		if len(all) > 1 {
			return nil, fmt.Errorf("%s is given %d times", key, len(all))
		}
		switch key {
		case "name":
			q.name = value
		case "client":
			q.client = int64(number(math.MaxInt32))
		case "connection":
			q.conn = int64(number(math.MaxInt32))
		case "since":
			q.since = int64(number(math.MaxInt32))
		case "limit":
			q.limit = number(maxRequests)
		case "count":
			q.low = number(maxRequests)
			q.high = q.low
		case "at-least":
			q.low = number(maxRequests)
		case "at-most":
			q.high = number(maxRequests)
		case "within":
			d, err := time.ParseDuration(value)
			if err != nil || d < 0 || d > time.Minute {
				return nil, fmt.Errorf("within=%s is not a duration such as 5s, at most 1m", value)
			}
			q.within = d
		default:
			q.fields[key] = value
		}
	}
	switch {
	case firstErr != nil:
		return nil, firstErr
	case values.Has("count") && (values.Has("at-least") || values.Has("at-most")):
		return nil, errors.New("count goes with neither at-least nor at-most")
	case q.low > q.high:
		return nil, fmt.Errorf("at-least=%d is more than at-most=%d", q.low, q.high)
	}
	return q, q.check()
}

// check refuses names and fields that no request has: a mistake in them would be taken for a request that did not come.
func (q *requestQuery) check() error {
	named := false
	has := map[string]bool{}
	for _, kind := range requestKinds {
		if q.name != "" && kind.name != q.name {
			continue
		}
		named = true
		for path := range q.fields {
			if kind.message != nil && hasField(kind.message().ProtoReflect().Descriptor(), strings.Split(path, ".")) {
				has[path] = true
			}
		}
	}
	if !named {
		return fmt.Errorf("name=%s is not a request, such as placeOrder", q.name)
	}
	for path := range q.fields {
		if !has[path] {
			of := cmp.Or(q.name, "any request")
			return fmt.Errorf("%s is neither a parameter nor a field of %s, such as order.action of placeOrder", path,
				of)
		}
	}
	return nil
}

func hasField(m protoreflect.MessageDescriptor, path []string) bool {
	f := m.Fields().ByJSONName(path[0])
	switch {
	case f == nil:
		return false
	case len(path) == 1, f.IsMap():
		return true
	case f.Message() == nil || f.IsList():
		return false
	}
	return hasField(f.Message(), path[1:])
}

func (q *requestQuery) fits(r *Request) bool {
	return (q.name == "" || r.Name == q.name) && (q.client < 0 || int64(r.ClientID) == q.client) &&
		(q.conn < 0 || r.Conn == q.conn) && r.Seq > q.since
}

func (q *requestQuery) fieldsFit(r *Request) bool {
	for path, want := range q.fields {
		if r.field(path) != want {
			return false
		}
	}
	return true
}

func (q *requestQuery) holds(n int) bool { return n >= q.low && n <= q.high }

func (q *requestQuery) expected() string {
	switch {
	case q.low == q.high:
		return strconv.Itoa(q.low)
	case q.high == math.MaxInt:
		return "at least " + strconv.Itoa(q.low)
	}
	return fmt.Sprintf("%d to %d", q.low, q.high)
}
