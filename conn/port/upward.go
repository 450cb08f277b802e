package port

import (
	"errors"
	"sync"
	"time"

	"gatewatch/conn/nudge"
	"gatewatch/conn/port/record"
	"gatewatch/conn/wire"
)

// maxWaiting bounds what waits of one program, in bytes. Beyond it, the program is not read.
const maxWaiting = 256 << 10

// waiting is a request that waits for its turn.
type waiting struct {
	request
	frame     []byte
	withdrawn bool // its cancellation was read
	claimed   bool // it is being written
}

// upward is what a program has sent and has to wait.
type upward struct {
	mu      sync.Mutex
	queue   []*waiting
	size    int      // bytes in it
	current *waiting // taken out of the queue, and not done with; nil: none
	urgent  int      // cancellations that wait for their turn
	pace    pace
	more    chan struct{}
	room    chan struct{}

	refused map[int64]bool // ids of orders that were refused and never sent, or cancelled because their exits were
	held    map[int64]bool // ids of orders that Gateway has and that are not to be transmitted yet
}

func newUpward() upward {
	return upward{
		more: make(chan struct{}, 1), room: make(chan struct{}, 1), refused: map[int64]bool{}, held: map[int64]bool{},
	}
}

// maxRefused bounds the ids that are remembered as refused.
const maxRefused = 10_000

// take reads what the program sends, and forwards at once what need not wait.
func (c *client) take() {
	for {
		frames, err := c.fromDown.Frames()
		if err != nil {
			if _, bad := errors.AsType[*wire.ProtocolError](err); bad {
				c.log.Warn("a program has sent what is not the protocol", "err", err)
				c.end(EndBadMessage, false)
				return
			}
			c.sendRest()
			c.end(EndClientLeft, false)
			return
		}
		c.last.Store(time.Now().UnixNano())
		for len(frames) > 0 {
			payload, rest := wire.CutFrame(frames)
			if !c.takeOne(frames[:len(frames)-len(rest)], payload) {
				return
			}
			frames = rest
		}
	}
}

// restLimit is how long what a program has sent may wait for its turn after the program has left.
const restLimit = 10 * time.Second

// sendRest waits until what the program has sent before it left has been sent, as it would have been without the port.
func (c *client) sendRest() {
	if c.options().CancelOnDisconnect {
		return
	}
	u := &c.queue
	for end := time.Now().Add(restLimit); time.Now().Before(end); {
		u.mu.Lock()
		idle := len(u.queue) == 0 && u.current == nil
		u.mu.Unlock()
		if idle || !c.sleep(time.Millisecond) {
			return
		}
	}
}

// takeOne takes one message. It returns false if the connection is over.
func (c *client) takeOne(frame, payload []byte) bool {
	if c.isOver() {
		return false
	}
	r, err := readRequest(payload, c.version)
	if err == nil && r.class == classStart && !c.start(r.id) {
		r.id, err = record.NoID, errMalformed
	}
	switch {
	case errors.Is(err, errNumber):
		c.end(EndBadMessage, false)
		return false
	case err != nil && !c.port.settings.Load().observes():
		c.refuse(&r, Unreadable)
		return true
	case r.class == classCancel || r.class == classCancelAll:
		return c.cancel(&r, frame)
	}
	return c.pass(&r, frame)
}

// start takes in the client id. It returns false if that is none, or another one than before, whose options would hold
// on.
func (c *client) start(id int64) bool {
	return id >= 0 && (c.id.CompareAndSwap(-1, id) || c.id.Load() == id)
}

// pass forwards a request, at once if nothing waits before it.
func (c *client) pass(r *request, frame []byte) bool {
	u, observes := &c.queue, c.port.settings.Load().observes()
	for {
		u.mu.Lock()
		now := time.Now()
		idle := len(u.queue) == 0 && u.current == nil
		if idle && r.class != classOrder && (observes || u.pace.wait(now) == 0) {
			u.pace.note(now)
			u.mu.Unlock()
			return c.forward(r, frame)
		}
		if u.size == 0 || u.size+len(frame) <= maxWaiting {
			w := &waiting{request: *r, frame: append([]byte(nil), frame...)}
			_, _, w.body, _ = cutNumber(w.frame[4:], c.version)
			u.queue = append(u.queue, w)
			u.size += len(frame)
			u.mu.Unlock()
			nudge.Send(u.more)
			return true
		}
		u.mu.Unlock()
		select {
		case <-u.room:
		case <-c.over.Done():
			return false
		}
	}
}

// send forwards what had to wait. Orders that still wait when the connection ends are recorded as refused.
func (c *client) send() {
	u := &c.queue
	for {
		u.mu.Lock()
		u.current = nil
		if len(u.queue) > 0 {
			u.current = u.queue[0]
			u.queue[0] = nil
			if u.queue = u.queue[1:]; len(u.queue) == 0 {
				u.queue = nil
			}
			u.size -= len(u.current.frame)
		}
		w := u.current
		u.mu.Unlock()
		if w == nil {
			select {
			case <-u.more:
				continue
			case <-c.over.Done():
				return
			}
		}
		nudge.Send(u.room)
		switch {
		case w.class == classOrder:
			c.sending.Store(int64(sinceBegan()))
			c.place(w)
			c.sending.Store(0)
		case c.turn():
			u.mu.Lock()
			u.pace.note(time.Now())
			u.mu.Unlock()
			c.forward(&w.request, w.frame)
		}
	}
}

// turn waits until the next message may leave; cancellations go first. It returns false if the connection is over.
func (c *client) turn() bool {
	for {
		c.queue.mu.Lock()
		wait := c.queue.pace.wait(time.Now())
		if c.queue.urgent > 0 {
			wait = max(wait, time.Millisecond)
		}
		c.queue.mu.Unlock()
		if wait == 0 || c.port.settings.Load().observes() {
			return true
		}
		if !c.sleep(wait) {
			return false
		}
	}
}

// sleep waits, and returns false if the connection ended meanwhile.
func (c *client) sleep(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-c.over.Done():
		return false
	}
}

// forward forwards a request that is no order, unless it must not pass. It returns false if the connection is over.
func (c *client) forward(r *request, frame []byte) bool {
	if c.answered(r) {
		return true
	}
	if reason := c.permitRequest(r); reason != Allowed {
		if !c.port.settings.Load().observes() || reason == c.forbidden() {
			c.refuse(r, reason)
			return true
		}
		c.port.count(c.port.counters.Observed, reason)
	}
	return c.writeUp(frame)
}

// permitRequest says why a request that is no order must not pass.
func (c *client) permitRequest(r *request) Reason {
	if r.class != classUnknown && r.class != classAdmin {
		return Allowed
	}
	forbidden, guard := c.forbidden(), c.guard()
	switch {
	case forbidden != Allowed:
		return forbidden
	case r.number == reqUpdateConfig && !c.options().AllowConfig:
		return NotAllowed
	case guard != Allowed && r.class == classUnknown:
		return UnknownRequest
	}
	return guard
}

// writeUp writes a frame to Gateway. It returns false if the connection is over.
func (c *client) writeUp(frame []byte) bool {
	c.upMu.Lock()
	defer c.upMu.Unlock()
	return c.writeUpLocked(frame)
}

func (c *client) writeUpLocked(frame []byte) bool {
	_ = c.up.SetWriteDeadline(time.Now().Add(upLimit))
	if _, err := c.up.Write(frame); err != nil {
		select { // what Gateway has sent before it closed is still to be forwarded
		case <-c.over.Done():
		case <-time.After(time.Second):
		}
		c.end(EndGatewayLost, true)
		return false
	}
	c.port.toGateway.Add(1)
	return true
}

// cancel forwards a cancellation before everything that waits. Orders that wait and that it concerns are not sent any
// more.
func (c *client) cancel(r *request, frame []byte) bool {
	u := &c.queue
	if c.port.settings.Load().observes() {
		return c.pass(r, frame)
	}
	concerns := func(w *waiting) bool {
		return w != nil && w.class == classOrder && !w.claimed && (r.class == classCancelAll || w.id == r.id)
	}
	u.mu.Lock()
	waits := false
	for _, w := range append([]*waiting{u.current}, u.queue...) {
		if concerns(w) {
			w.withdrawn, waits = true, true
		}
	}
	u.urgent++
	u.mu.Unlock()
	defer func() {
		u.mu.Lock()
		u.urgent--
		u.mu.Unlock()
	}()
	if r.class == classCancel && waits && !c.mayHave(r.id) || c.answered(r) {
		return true
	}
	for {
		u.mu.Lock()
		now := time.Now()
		wait := u.pace.wait(now)
		if wait == 0 {
			u.pace.note(now)
		}
		u.mu.Unlock()
		if wait == 0 {
			return c.writeUp(frame)
		}
		if !c.sleep(wait) {
			return false
		}
	}
}

// answered answers the cancellation of an order that was refused, and returns true, if it is one: Gateway would look
// for that id among the orders of other client ids.
func (c *client) answered(r *request) bool {
	c.queue.mu.Lock()
	refused := r.class == classCancel && c.queue.refused[r.id]
	c.queue.mu.Unlock()
	if !refused || c.mayHave(r.id) {
		return false
	}
	c.sendError(r.id, codeNotFound, "Gatewatch: the order was not sent; there is nothing to cancel")
	return true
}
