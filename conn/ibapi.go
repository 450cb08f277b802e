package conn

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scmhub/ibapi"
	"github.com/scmhub/ibapi/protobuf"
)

// This file and ibapi_orders.go are the only ones that know the client library. The library connects to a relay on loopback and never to
// Gateway itself, because on its own it cannot be trusted with a connection for long: it redials behind our back,
// has no deadlines, ends the process when Gateway hangs up at the wrong moment, and loses what was queued before a
// close. docs/adapter.md tells what is done about each.

const (
	// newestVersion is the newest protocol version spoken, the library's own.
	newestVersion = ibapi.MAX_CLIENT_VER
	// oldestVersion is the first with length-prefixed messages.
	oldestVersion = ibapi.MIN_CLIENT_VER

	localLimit = 5 * time.Second // for the steps between relay and library, which wait for nobody else
	// strangerLimit is what a connection to the relay may take to prove that it is our own library's, which may have to
	// wait for a processor. So many are given that time at once.
	strangerLimit, strangers = 2 * time.Second, 16
	// startLimit is after how long a library whose start went wrong has surely started or given up.
	startLimit = time.Minute
	drainLimit = 2 * time.Second // for the library to decode the next of what was queued when the session ended
	tellLimit  = 25 * time.Millisecond
)

// farewells is where the times begin that say that everything has been decoded; those before tell when something was read.
const farewells = math.MinInt64 / 2

var silenceLibrary = sync.OnceFunc(func() {
	const disabled = 7 // zerolog.Disabled; the library logs account data at info level
	ibapi.SetLogLevel(disabled)
})

// library is one client of the library, used for one session.
type library struct {
	ibapi.Wrapper
	client *ibapi.EClient
	relay  *relay
	number uint64
	post   func(input)
	ticks  *Ticks
	book   *books

	clientID int64
	nextID   atomic.Int64
	accounts atomic.Pointer[[]string]
	ready    chan struct{} // closed when both login messages have arrived
	isReady  atomic.Bool

	fatal     atomic.Pointer[AttemptError] // a code after which Gateway closes
	refused   chan struct{}                // closed when fatal is set
	onceFatal sync.Once

	runs     bool // its requester has been seen at work
	sentinel int64
	readAt   time.Duration // when the market data that is being decoded was read; the decoder's own
	decoded  chan struct{} // closed when the farewell has come out of the decoder
	onceDone sync.Once
	sizeless bool // the tick being decoded has no size; the decoder's own

	kinds map[int64]dataKind // of the data that is not live, by the number of its request; the decoder's own

	calls     chan func(*library)
	callsDone chan struct{}
	told      chan struct{} // closed when the outcome is settled
	tidy      chan struct{}
}

// open makes one connection on a TCP connection to Gateway that is already up: handshake, library, READY.
// It owns gw from here on. The context's deadline covers all of it.
func open(ctx context.Context, gw net.Conn, number uint64, cfg *Config, mono func() time.Duration, post func(input)) (*library, *AttemptError) {
	silenceLibrary()
	r := newRelay(gw, mono)
	if at, ok := gw.RemoteAddr().(*net.TCPAddr); ok {
		r.times.ours = at.IP.IsLoopback()
	}
	stop := context.AfterFunc(ctx, func() { _ = gw.SetDeadline(time.Now()) })
	defer stop()

	if _, err := gw.Write(hello(oldestVersion, newestVersion)); err != nil {
		gw.Close()
		return nil, handshakeError(ctx, err)
	}
	version, at, err := readReply(r.gwIn, oldestVersion, newestVersion)
	if err != nil {
		gw.Close()
		return nil, handshakeError(ctx, err)
	}
	r.version = version

	l := &library{
		relay: r, number: number, kinds: map[int64]dataKind{}, post: post, ticks: newTicks(), book: newBooks(version), clientID: int64(cfg.ClientID),
		ready: make(chan struct{}), refused: make(chan struct{}), decoded: make(chan struct{}),
		calls: make(chan func(*library), 64), callsDone: make(chan struct{}), told: make(chan struct{}), tidy: make(chan struct{}),
		sentinel: farewells + int64(number),
	}
	l.book.session = number
	r.passage = &l.book.passage
	l.client = ibapi.NewEClient(l)
	ended := l.client.Ctx().Done() // before Connect: afterwards the field is the library's to change
	if err := l.start(ctx, int64(cfg.ClientID), at); err != nil {
		if r.hungUp() {
			err = io.EOF
		}
		gw.Close()
		l.abandon()
		return nil, startError(ctx, err)
	}
	if !stop() {
		gw.Close()
		r.lib.Close()
		return nil, startError(ctx, ctx.Err())
	}
	l.run(ended)
	return l.awaitReady(ctx)
}

// abandon closes the library's side after a start that went wrong. A library that may still be starting would end the
// process at a close, so on a machine that starves it the close waits.
func (l *library) abandon() {
	switch lib := l.relay.lib; {
	case lib == nil:
	case l.runs:
		lib.Close()
	default:
		time.AfterFunc(startLimit, func() { lib.Close() })
	}
}

// awaitReady waits for both login messages, for Gateway to say no, or for the deadline.
func (l *library) awaitReady(ctx context.Context) (*library, *AttemptError) {
	r := l.relay
	select {
	case <-l.ready:
		l.isReady.Store(true)
		return l, nil
	case <-l.refused:
		r.end(CauseClosed, "")
	case <-r.over:
	case <-ctx.Done():
		r.end(CauseNotReady, "")
	}
	<-l.tidy // Gateway says why before it closes: by now that has been decoded
	if e := l.fatal.Load(); e != nil {
		return nil, e
	}
	switch r.cause {
	case CauseNotReady:
		return nil, &AttemptError{Cause: CauseNotReady, Err: ctx.Err()}
	case CauseClosed, CauseBroken:
		return nil, &AttemptError{Cause: CauseClosedLogin, Err: detailError(r.detail)}
	}
	return nil, &AttemptError{Cause: r.cause, Err: detailError(r.detail)}
}

func detailError(detail string) error {
	if detail == "" {
		return nil
	}
	return errors.New(detail)
}

// handshakeError says what a failure before the version means.
func handshakeError(ctx context.Context, err error) *AttemptError {
	switch {
	case ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded):
		return &AttemptError{Cause: CauseNoAnswer, Err: errors.New("no handshake reply")}
	case errors.Is(err, errVersion):
		return &AttemptError{Cause: CauseUnsupported, Err: err}
	case errors.Is(err, errProtocol):
		return &AttemptError{Cause: CauseGarbage, Err: err}
	}
	return &AttemptError{Cause: CauseClosedEarly, Err: err}
}

// startError says what a failure between version and READY means.
func startError(ctx context.Context, err error) *AttemptError {
	if ctx.Err() != nil {
		return &AttemptError{Cause: CauseNotReady, Err: ctx.Err()}
	}
	var client *clientError
	if errors.As(err, &client) {
		return &AttemptError{Cause: CauseClient, Err: err}
	}
	return &AttemptError{Cause: CauseClosedLogin, Err: err}
}

// clientError is a failure on this machine, between relay and library.
type clientError struct{ err error }

func (e *clientError) Error() string { return "start the client library: " + e.err.Error() }
func (e *clientError) Unwrap() error { return e.err }

// start lets the library connect to the relay, passes its startApi on and waits until its requester runs. No byte
// from Gateway reaches the library before that: a close in this phase would end the process.
func (l *library) start(ctx context.Context, clientID int64, at string) error {
	r := l.relay
	ln, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return &clientError{err}
	}
	defer ln.Close()
	limit := time.Now().Add(localLimit)
	_ = ln.SetDeadline(limit)

	nonce := rand.Text()
	l.client.SetConnectionOptions(nonce)
	connected := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				connected <- fmt.Errorf("panic: %v", v)
			}
		}()
		connected <- l.client.Connect("127.0.0.1", ln.Addr().(*net.TCPAddr).Port, clientID)
	}()

	r.lib, err = acceptOwn(ln, nonce, limit)
	ln.Close() // from here on hidden redials and strangers are refused
	if err != nil {
		return &clientError{err}
	}
	_ = r.lib.SetDeadline(limit)
	if _, err := r.lib.Write(textFrame(fmt.Sprint(r.version), at)); err != nil {
		return &clientError{err}
	}
	in := bufio.NewReader(r.lib)
	startAPI, err := readFrame(in, nil, maxFrame)
	if err != nil {
		return &clientError{err}
	}
	if err := <-connected; err != nil {
		return &clientError{err}
	}
	l.client.ReqCurrentTime()
	if _, err := readFrame(in, nil, maxFrame); err != nil { // swallowed: it only shows that the requester runs
		return &clientError{err}
	}
	l.runs = true
	if in.Buffered() != 0 {
		return &clientError{errors.New("unexpected request")}
	}
	_ = r.lib.SetDeadline(time.Time{})
	_, err = r.gw.Write(startAPI)
	return err
}

// acceptOwn returns the connection that proves with the nonce to be our own library's. Other programs on this
// machine are turned away.
func acceptOwn(ln *net.TCPListener, nonce string, limit time.Time) (net.Conn, error) {
	want := append([]byte("API\x00"), frame(fmt.Appendf(nil, "v%d..%d %s", oldestVersion, newestVersion, nonce))...)
	own, slots := make(chan net.Conn, 1), make(chan struct{}, strangers)
	ctx, found := context.WithCancel(context.Background())
	defer found()
	var asked sync.WaitGroup
	for {
		slots <- struct{}{}
		c, err := ln.AcceptTCP()
		if err != nil {
			asked.Wait()
			select {
			case c := <-own:
				return c, nil
			default:
				return nil, err
			}
		}
		asked.Go(func() {
			defer func() { <-slots }()
			turnAway := context.AfterFunc(ctx, func() { c.Close() })
			_ = c.SetReadDeadline(earlier(limit, time.Now().Add(strangerLimit)))
			got := make([]byte, len(want))
			if _, err := io.ReadFull(c, got); err == nil && subtle.ConstantTimeCompare(got, want) == 1 && turnAway() {
				select {
				case own <- c:
					found()
					ln.Close()
					return
				default:
				}
			}
			c.Close()
		})
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// run starts the pumps and what tidies up after them.
func (l *library) run(ended <-chan struct{}) {
	r := l.relay
	_ = r.gw.SetDeadline(time.Time{})
	var pumps sync.WaitGroup
	pumps.Go(r.toGateway)
	pumps.Go(r.fromLibrary)
	pumps.Go(r.fromGateway)
	go l.door()
	go func() {
		select {
		case <-ended:
			r.end(CauseClient, "the client library gave up")
		case <-r.over:
		}
		<-r.readDone
		limit, cancel := l.whileItDecodes()
		defer cancel()
		pumps.Go(func() { l.sayFarewell(limit) })
		tell := time.NewTimer(tellLimit)
		defer tell.Stop()
		select {
		case <-l.decoded:
		case <-ended:
		case <-tell.C:
		}
		close(l.told)
		select {
		case <-l.decoded:
		case <-ended: // the decoder is gone, nothing more comes out of it
		case <-limit.Done():
		}
		r.lib.Close()
		pumps.Wait()
		close(l.tidy)
	}()
}

// whileItDecodes ends when nothing that was queued has been decoded for [drainLimit].
func (l *library) whileItDecodes() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		look := time.NewTicker(drainLimit)
		defer look.Stop()
		for before := uint64(0); ; {
			select {
			case <-ctx.Done():
				return
			case <-look.C:
			}
			now, _ := l.ticks.Counts() // what there are many of
			if now == before {
				return
			}
			before = now
		}
	}()
	return ctx, cancel
}

// sayFarewell sends a frame whose callback shows that everything before it has been decoded, and that nobody calls the
// library any more. The callback is what makes the calls happen before the library tears itself down: without it
// the two would meet in a data race.
func (l *library) sayFarewell(limit context.Context) {
	select {
	case <-l.callsDone:
	case <-limit.Done():
		return
	}
	_ = l.relay.lib.SetWriteDeadline(time.Now().Add(libLimit))
	_, _ = l.relay.lib.Write(currentTimeFrame(l.relay.version, l.sentinel))
}

// outcome says why the session is over; it is settled once ended is closed.
func (l *library) outcome() (cause Cause, code int, detail string) {
	if e := l.fatal.Load(); e != nil {
		return e.Cause, e.Code, e.Text
	}
	return l.relay.cause, 0, l.relay.detail
}

// door makes all calls to the library, one after the other and never from one of its callbacks.
func (l *library) door() {
	defer close(l.callsDone)
	for {
		select {
		case <-l.relay.over:
			return
		case f := <-l.calls:
			func() {
				defer func() {
					if v := recover(); v != nil {
						l.relay.end(CauseClient, fmt.Sprintf("panic in the client library: %v", v))
					}
				}()
				f(l)
			}()
		}
	}
}

func (l *library) call(ctx context.Context, f func(*library)) error {
	if !l.relay.alive() {
		return ErrSessionOver
	}
	select {
	case l.calls <- f:
		return nil
	case <-l.relay.over:
		return ErrSessionOver
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *library) subscribe(request int64, c Contract) {
	l.client.ReqMktData(marketBase+request, contractOf(c), "", false, false, nil)
}

func (l *library) unsubscribe(request int64) { l.client.CancelMktData(marketBase + request) }

// marketDataType says whether subscriptions to come may be answered with delayed data.
func (l *library) marketDataType(delayed bool) {
	kind := int64(ibapi.REALTIME)
	if delayed {
		kind = int64(ibapi.DELAYED)
	}
	l.client.ReqMarketDataType(kind)
}

func (l *library) seen() evidence {
	return evidence{
		session:  l.number,
		heard:    time.Duration(l.relay.heard.Load()),
		marketAt: time.Duration(l.relay.marketAt.Load()),
		asked:    l.relay.times.unanswered(),
	}
}

func (l *library) probe()                 { l.relay.times.want() }
func (l *library) end(cause Cause)        { l.relay.end(cause, "") }
func (l *library) over() <-chan struct{}  { return l.relay.over }
func (l *library) ended() <-chan struct{} { return l.told }
func (l *library) gone() <-chan struct{}  { return l.tidy }

// about returns what is known of Gateway after READY.
func (l *library) about(host string, port int) Gateway {
	g := Gateway{Host: host, Port: port, ServerVersion: l.relay.version, Mode: AnyMode}
	for _, a := range *l.accounts.Load() {
		if a == "" {
			continue
		}
		g.Accounts++
		// Paper accounts begin with D (DU, DF, DI). Source: IBKR's guide, "Paper trading account".
		switch {
		case !strings.HasPrefix(a, "D"):
			g.Mode = Live // whatever else there is
		case g.Mode == AnyMode:
			g.Mode = Paper
		}
	}
	return g
}

// Callbacks. They come from the library's decoder and only copy and enqueue; none blocks.

// NextValidID is half of READY.
func (l *library) NextValidID(id int64) {
	l.nextID.Store(max(1, id))
	l.book.first.CompareAndSwap(0, max(1, id))
	l.checkReady()
}

// ManagedAccounts is the other half of READY.
func (l *library) ManagedAccounts(accounts []string) {
	l.accounts.Store(&accounts)
	l.checkReady()
}

func (l *library) checkReady() {
	if l.nextID.Load() != 0 && l.accounts.Load() != nil {
		select {
		case <-l.ready:
		default:
			close(l.ready)
		}
	}
}

// maxText bounds a text of Gateway's, in bytes. Its longest ones, about precautions, have some 500.
const maxText = 1024

// cut bounds a text, and repairs what is not UTF-8.
func cut(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// Error takes every code from Gateway, and those that the library makes up itself.
func (l *library) Error(request, _ int64, code int64, text, _ string) {
	text = cut(text)
	n := int(code)
	if int64(n) != code {
		n = 0
	}
	switch row := codeTable[n]; row.effect {
	case effectFailsAttempt, effectPortChanged:
		if row.effect == effectFailsAttempt && l.isReady.Load() {
			break
		}
		l.onceFatal.Do(func() {
			l.fatal.Store(&AttemptError{Cause: row.cause, Code: n, Text: text})
			close(l.refused)
		})
	}
	if l.questionError(request, n, text) {
		l.post(inMessage{n, text})
		return
	}
	if unnumbered(request) {
		if request = -1; n == codeInvalid {
			l.book.refuse(n, text)
		}
	}
	l.orderError(request, n, text)
	own := request > 0
	switch {
	case request > marketBase && request < detailsBase:
		request -= marketBase
	case request > 0: // an order, of which Orders tells, or another question
		request = 0
	}
	l.post(inCode{session: l.number, request: request, own: own, code: n, text: text})
}

// CurrentTime answers a probe, or is of the relay's making: it tells when the market data that follows was read, or is the
// farewell that shows that everything has been decoded.
func (l *library) CurrentTime(unix int64) {
	if unix < farewells {
		if at := time.Duration(unix - firstMark); at <= l.relay.mono() { // else Gateway's own, whatever it means
			l.readAt = at
		}
		return
	}
	if unix == l.sentinel {
		select {
		case <-l.callsDone:
			l.onceDone.Do(func() { close(l.decoded) })
		default: // by a wild chance Gateway's own
		}
		return
	}
	ours := time.Now().Unix()
	if asked, rtt, ok := l.relay.times.answer(l.relay.mono(), ours, unix); ok {
		l.post(inAnswered{session: l.number, asked: asked, rtt: rtt, skew: time.Duration(unix-ours) * time.Second})
	}
}

var tickFields = map[ibapi.TickType]struct {
	field   TickField
	delayed bool
}{
	ibapi.BID: {Bid, false}, ibapi.ASK: {Ask, false}, ibapi.LAST: {Last, false},
	ibapi.BID_SIZE: {BidSize, false}, ibapi.ASK_SIZE: {AskSize, false}, ibapi.LAST_SIZE: {LastSize, false},
	ibapi.HIGH: {High, false}, ibapi.LOW: {Low, false}, ibapi.CLOSE: {Close, false}, ibapi.OPEN: {Open, false},
	ibapi.VOLUME:      {Volume, false},
	ibapi.DELAYED_BID: {Bid, true}, ibapi.DELAYED_ASK: {Ask, true}, ibapi.DELAYED_LAST: {Last, true},
	ibapi.DELAYED_BID_SIZE: {BidSize, true}, ibapi.DELAYED_ASK_SIZE: {AskSize, true},
	ibapi.DELAYED_LAST_SIZE: {LastSize, true}, ibapi.DELAYED_VOLUME: {Volume, true},
	ibapi.DELAYED_HIGH: {High, true}, ibapi.DELAYED_LOW: {Low, true},
	ibapi.DELAYED_CLOSE: {Close, true}, ibapi.DELAYED_OPEN: {Open, true},
	ibapi.LAST_TIMESTAMP: {LastTime, false}, ibapi.DELAYED_LAST_TIMESTAMP: {LastTime, true},
}

// tick keeps a value, of the kind of data that its subscription has now.
func (l *library) tick(request int64, kind ibapi.TickType, value float64) {
	f, ok := tickFields[kind]
	if !ok {
		return
	}
	data := l.kinds[request]
	l.ticks.put(Tick{
		Request: request - marketBase, Field: f.field, Delayed: f.delayed || data.delayed, Old: data.old, Value: value, At: l.readAt,
	})
}

// TickPriceProtoBuf comes right before TickPrice and TickSize.
func (l *library) TickPriceProtoBuf(p *protobuf.TickPrice) { l.sizeless = p.Size == nil }

// TickSizeProtoBuf comes right before TickSize.
func (l *library) TickSizeProtoBuf(p *protobuf.TickSize) { l.sizeless = p.Size == nil }

// TickPrice takes a price.
func (l *library) TickPrice(request int64, kind ibapi.TickType, price float64, _ ibapi.TickAttrib) {
	l.tick(request, kind, realPrice(price))
}

// TickSize takes a size; an unset or unreadable one is NaN.
func (l *library) TickSize(request int64, kind ibapi.TickType, size ibapi.Decimal) {
	if v := size.Float(); !l.sizeless && v >= 0 && real(v) == v { // the library makes a zero of none
		l.tick(request, kind, v)
	}
}

// TickString takes when a price was traded.
func (l *library) TickString(request int64, kind ibapi.TickType, value string) {
	if at, err := strconv.ParseInt(value, 10, 64); err == nil && at > 0 && tickFields[kind].field == LastTime {
		l.tick(request, kind, float64(at))
	}
}

// dataKind is which data a subscription has.
type dataKind struct{ delayed, old bool }

// dataKinds are the types of market data but for live data (1). IBKR freezes what was valid when trading ended. Source: IBKR's API
// reference, "Market data types".
var dataKinds = map[int64]dataKind{2: {old: true}, 3: {delayed: true}, 4: {delayed: true, old: true}}

// MarketDataType tells of which type the data of a subscription is from now on. One that is not known is not live.
func (l *library) MarketDataType(request, typ int64) {
	kind, ok := dataKinds[typ]
	if !ok && typ != 1 {
		kind = dataKind{old: true}
	}
	if l.kinds[request] == kind {
		return
	}
	l.kinds[request] = kind
	l.ticks.put(Tick{
		Request: request - marketBase, Field: DataKind, Delayed: kind.delayed, Old: kind.old, Value: float64(typ), At: l.readAt,
	})
}
