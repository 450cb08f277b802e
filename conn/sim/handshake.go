package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/scmhub/ibapi/protobuf"
	"google.golang.org/protobuf/reflect/protoreflect"

	"gatewatch/conn/wire"
)

// helloPattern is what follows "API\0": the versions the client speaks, and connect options of its own.
var helloPattern = regexp.MustCompile(`^v(\d{1,4})(?:\.\.(\d{1,4}))?(?: [[:print:]]*)?$`)

// refusalStays is how long a gateway keeps the connection of a client that it has refused with 326 or 10141.
const refusalStays = 500 * time.Millisecond

var errHandshake = errors.New("handshake refused")

// handshake reads the client's hello and answers with the negotiated version, as far as the faults let it.
func (g *Gateway) handshake(c *conn) error {
	if err := g.waitWhileSilent(c); err != nil {
		return err
	}
	var prefix [4]byte
	if _, err := io.ReadFull(c.br, prefix[:]); err != nil {
		return err
	}
	if string(prefix[:]) != "API\x00" {
		return g.refuseHandshake(c, "connection does not start with API")
	}
	hello, err := wire.ReadFrame(c.br)
	if _, bad := errors.AsType[*wire.ProtocolError](err); bad {
		return g.refuseHandshake(c, err.Error())
	}
	if err != nil {
		return err
	}
	version, err := negotiate(hello, g.cfg.ServerVersion)
	if err != nil {
		return g.refuseHandshake(c, err.Error())
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	c.version, c.paced = version, bytes.Contains(hello, []byte(paceOption))
	g.counters.Handshakes++
	now := g.nowLocked().In(g.zone).Format("20060102 15:04:05 MST")
	reply := fmt.Sprintf("%d\x00%s\x00", version, now)
	stall := g.faults.handshake
	if stall == StallOneField {
		reply = fmt.Sprintf("%d\x00", version)
	}
	frame, start := wire.BeginFrame(nil)
	frame = wire.EndFrame(append(frame, reply...), start)
	if stall == StallHalfReply {
		frame = frame[:len(frame)/2]
		c.muted = true
	}
	g.log.Debug("handshake", "conn", c.id, "version", version)
	c.raw(frame)
	return nil
}

func (g *Gateway) refuseHandshake(c *conn, text string) error {
	g.refuse(c, &requestError{Reason: reasonHandshake, Text: text})
	return errHandshake
}

// negotiate returns the smaller of own and the client's highest version.
func negotiate(hello []byte, own int) (int, error) {
	m := helloPattern.FindSubmatch(hello)
	if m == nil {
		return 0, fmt.Errorf("hello %.60q is not a version range", hello)
	}
	low, _ := strconv.Atoi(string(m[1]))
	high := low
	if len(m[2]) > 0 {
		high, _ = strconv.Atoi(string(m[2]))
	}
	switch {
	case low > high:
		return 0, fmt.Errorf("hello %.60q: range is upside down", hello)
	case high < MinVersion:
		return 0, fmt.Errorf("client speaks up to version %d, the simulator from %d", high, MinVersion)
	case low > own:
		return 0, fmt.Errorf("client wants at least version %d, the gateway has %d", low, own)
	}
	return min(own, high), nil
}

// waitWhileSilent holds a connection that was accepted by a gateway whose dialog no one answers. What the client
// sends meanwhile is kept; it goes on when the fault is cleared.
func (g *Gateway) waitWhileSilent(c *conn) error {
	c.kickable = true
	defer func() { c.kickable = false }()
	for {
		g.mu.Lock()
		silent := g.faults.acceptSilent
		g.mu.Unlock()
		if !silent {
			return nil
		}
		want := c.br.Buffered() + 1
		if want > c.br.Size() { // more than any hello: stop reading
			select {
			case <-c.done:
				return errClosed
			case <-time.After(100 * time.Millisecond):
				continue
			}
		}
		if _, err := c.br.Peek(want); err != nil && !errors.Is(err, errKicked) {
			return err
		}
	}
}

// sessions is the start of a session, and what concerns the gateway itself.
var sessions = subject{
	requests: map[int]*requestKind{
		wire.ReqStartAPI:    requestAs("startApi", verProtoRest3, inOrder(2), (*Gateway).startAPI),
		wire.ReqCurrentTime: requestAs("reqCurrentTime", verProtoRest3, inOrder(1), (*Gateway).currentTime),
		105: requestAs("reqCurrentTimeInMillis", verProtoRest3, inOrder(0),
			func(g *Gateway, c *conn, _ *protobuf.CurrentTimeInMillisRequest) *requestError {
				c.sendLocked(&protobuf.CurrentTimeInMillis{CurrentTimeInMillis: new(g.nowLocked().UnixMilli())})
				return nil
			}).from(verTimeInMillis),
		8: requestAs("reqIds", verProtoRest3, inOrder(1),
			func(g *Gateway, c *conn, _ *protobuf.IdsRequest) *requestError {
				c.sendLocked(g.nextValidID())
				return nil
			}),
		17: requestAs("reqManagedAccts", verProtoAccounts, inOrder(1),
			func(g *Gateway, c *conn, _ *protobuf.ManagedAccountsRequest) *requestError {
				c.sendLocked(g.managedAccounts())
				return nil
			}),
		14: requestAs("setServerLogLevel", verProtoRest3, inOrder(1),
			func(_ *Gateway, _ *conn, m *protobuf.SetServerLogLevelRequest) *requestError {
				if l := m.GetLogLevel(); l < 1 || l > 5 {
					return invalid("log level must be 1 to 5")
				}
				return nil
			}),
		wire.ReqConfig: requestAs("reqConfig", 0, nil, (*Gateway).configuration).from(verConfigRequests),
	},
	replies: map[protoreflect.Name]reply{
		"ErrorMessage":        {wire.MsgError, verBinaryID, formOf(errorText)},
		"NextValidId":         {wire.MsgNextValidID, verProtoRest3, inOrder(1)},
		"ManagedAccounts":     {wire.MsgManagedAccounts, verProtoAccounts, inOrder(1)},
		"CurrentTime":         {wire.MsgCurrentTime, verProtoRest3, inOrder(1)},
		"CurrentTimeInMillis": {109, verProtoRest3, inOrder(0)},
		"ConfigResponse":      {wire.MsgConfig, verConfigRequests, nil},
	},
}

func errorText(f *form, m *protobuf.ErrorMessage) {
	if f.version < verErrorTime {
		f.messageVersion(2)
	}
	f.all(&m.Id, &m.ErrorCode, &m.ErrorMsg, &m.AdvancedOrderRejectJson)
	f.since(verErrorTime, &m.ErrorTime)
}

// startAPI answers startApi: refusal, or READY and what follows it. Gateway.mu is held.
func (g *Gateway) startAPI(c *conn, m *protobuf.StartApiRequest) *requestError {
	if c.ready {
		return invalid("the API is already started")
	}
	if m.GetClientId() < 0 {
		return invalid("negative client id")
	}
	inUse := &requestError{
		Code: 326, ReqID: -1, Reason: reasonDuplicate, Fatal: true, Stays: refusalStays,
		Text: "Unable to connect as the client id is already in use. Retry with a unique client id.",
	}
	if g.faults.refuse326 > 0 {
		g.faults.refuse326--
		return inUse
	}
	if g.oldSessionLocked(m.GetClientId()) {
		return inUse
	}
	for other := range g.conns {
		if other != c && other.ready && !other.closed() && other.clientID == m.GetClientId() {
			return inUse
		}
	}
	if g.faults.refuse10141 > 0 {
		g.faults.refuse10141--
		return &requestError{
			Code: 10141, ReqID: -1, Reason: reasonInvalid, Fatal: true, Stays: refusalStays,
			Text: "Paper trading disclaimer must first be accepted for API connection.",
		}
	}
	if g.faults.handshake == StallNoReady {
		return nil
	}
	c.clientID, c.ready = m.GetClientId(), true
	if g.faults.handshake != StallNoAccounts {
		c.sendLocked(g.managedAccounts())
		g.counters.Ready++
	}
	c.sendLocked(g.nextValidID())
	for _, farm := range g.farms {
		c.sendLocked(g.errorMessage(-1, farm.Code, farmText(farm.Code, farm.Name)))
	}
	if date := g.cfg.Unsupported; date != "" {
		c.sendLocked(g.errorMessage(-1, 2172, unsupportedText(date)))
	}
	if g.upstreamLost {
		c.sendLocked(g.errorMessage(-1, 2110, noticeText(2110)))
	}
	if g.cfg.OpenOrdersOnConnect {
		g.openOrders(c, false)
	}
	g.log.Info("client ready", "conn", c.id, "client", c.clientID, "version", c.version)
	return nil
}

func (g *Gateway) managedAccounts() *protobuf.ManagedAccounts {
	return &protobuf.ManagedAccounts{AccountsList: new(strings.Join(g.cfg.Accounts, ","))}
}

func (g *Gateway) nextValidID() *protobuf.NextValidId {
	return &protobuf.NextValidId{OrderId: new(int32(g.book.next))}
}

// nowLocked is the time of the gateway: that of its clock plus the skew of [Gateway.ClockSkew].
func (g *Gateway) nowLocked() time.Time { return g.clock.now().Add(g.faults.skew) }
