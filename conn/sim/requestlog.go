package sim

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// maxRequests is how many requests the log holds; the oldest go first.
const maxRequests = 10_000

// Request is one request that a client has sent, as the gateway understood it.
type Request struct {
	Seq      int64           `json:"seq"`  // counts all requests since the start, from 1
	At       time.Time       `json:"time"` // by the gateway's clock
	Conn     int64           `json:"connection"`
	ClientID int32           `json:"client_id"`
	Version  int             `json:"version"`
	Name     string          `json:"name"`              // for example placeOrder; empty if there is no such request
	Fields   json.RawMessage `json:"fields,omitempty"`  // named as in IBKR's protobuf messages, in text sessions too
	Refused  int32           `json:"refused,omitempty"` // the code that it was refused with at once
}

// loggedRequest is a [Request] whose fields are not written yet. The message is not changed any more.
type loggedRequest struct {
	Request
	message proto.Message
}

// requestLog is guarded by Gateway.mu.
type requestLog struct {
	seq  int64
	kept []*loggedRequest
}

// logLocked notes a request, parsed or not.
func (g *Gateway) logLocked(c *conn, payload []byte, req *request, e *requestError) {
	g.requests.seq++
	r := &loggedRequest{Request: Request{
		Seq: g.requests.seq, At: g.nowLocked(), Conn: c.id, ClientID: c.clientID, Version: c.version,
	}}
	if req != nil {
		r.Name, r.message = req.kind.name, req.message
	} else if id, _, _, err := requestID(c.version, payload); err == nil && requestKinds[id] != nil {
		r.Name = requestKinds[id].name
	}
	if e != nil {
		r.Refused = e.Code
	}
	if len(g.requests.kept) == maxRequests {
		g.requests.kept = slices.Delete(g.requests.kept, 0, maxRequests/10)
	}
	g.requests.kept = append(g.requests.kept, r)
}

// Requests returns what clients have sent, the oldest first, of a name or of all for "". The log holds the last 10,000.
func (g *Gateway) Requests(name string) []Request {
	return g.requestsWhere(func(r *Request) bool { return name == "" || r.Name == name })
}

// ForgetRequests empties the log that Requests reads.
func (g *Gateway) ForgetRequests() { g.locked(func() { g.requests.kept = nil }) }

// requestsWhere returns the requests that ok accepts before their fields are written.
func (g *Gateway) requestsWhere(ok func(*Request) bool) []Request {
	g.mu.Lock()
	var found []*loggedRequest
	for _, r := range g.requests.kept {
		if ok(&r.Request) {
			found = append(found, r)
		}
	}
	g.mu.Unlock()
	all := make([]Request, 0, len(found))
	for _, r := range found {
		one := r.Request
		if r.message != nil {
			one.Fields, _ = protojson.Marshal(r.message) // fails only for text that is not UTF-8, which is refused
		}
		all = append(all, one)
	}
	return all
}

// field returns the value of a field as text; the path is for example order.orderType. Of an unset one it is empty.
func (r *Request) field(path string) string {
	var value any
	if json.Unmarshal(r.Fields, &value) != nil {
		return ""
	}
	for key := range strings.SplitSeq(path, ".") {
		m, _ := value.(map[string]any)
		value = m[key]
	}
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	text, _ := json.Marshal(value) // it was read from JSON
	return string(text)
}
