package conn

import (
	"sync"
	"time"
)

// placeLimit is how long an order may take from [Session.Place] to Gateway's socket, pacing included, and how long it
// may be prepared when its turn has come.
const placeLimit = 5 * time.Second

// placement is an order on its way from [Session.Place] to Gateway's socket.
type placement struct {
	id      int64
	guard   func() error         // says why no order may leave
	within  func() time.Duration // how recently Gateway must have been heard
	allowed func() error         // [Conditions.Allowed], may be nil
	prepare func() error         // [Conditions.Prepare], may be nil
	ready   chan struct{}        // closed when it is prepared, or will never be; nil: there is nothing to prepare

	mu      sync.Mutex
	settled bool // it is being written, or will never be
	done    chan error
}

func newPlacement(s *Session, id int64, c Conditions) *placement {
	p := &placement{
		id: id, guard: s.Guard, within: s.gate.proofOfLife, allowed: c.Allowed, prepare: c.Prepare, done: make(chan error, 1),
	}
	if p.prepare != nil {
		p.ready = make(chan struct{})
	}
	return p
}

// getReady prepares the order. With an error it never leaves.
func (p *placement) getReady() (err error) {
	if p.ready == nil {
		return nil
	}
	prepared := false
	defer func() {
		if !prepared {
			p.claim()
		}
		close(p.ready)
	}()
	err = p.prepare()
	prepared = err == nil
	return err
}

// unready returns what to wait for before the order may leave, nil if it is prepared.
func (p *placement) unready() <-chan struct{} {
	if p.ready == nil {
		return nil
	}
	select {
	case <-p.ready:
		return nil
	default:
		return p.ready
	}
}

// permit says why the order may not leave. It is asked when its bytes are about to.
func (p *placement) permit() error {
	if err := p.guard(); err != nil || p.allowed == nil {
		return err
	}
	return p.allowed()
}

// claim settles what becomes of the order. Only the caller that gets true may write it, or report that it never leaves.
func (p *placement) claim() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := !p.settled
	p.settled = true
	return first
}

// refuse reports that the order never leaves, unless something else was settled before.
func (p *placement) refuse(err error) {
	if p.claim() {
		p.done <- err
	}
}

// placements are the orders on their way, by id: no two of them have one id.
type placements struct {
	mu   sync.Mutex
	byID map[int64]*placement
}

// add returns false if an order with the same id is on its way.
func (p *placements) add(one *placement) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byID[one.id] != nil {
		return false
	}
	if p.byID == nil {
		p.byID = map[int64]*placement{}
	}
	p.byID[one.id] = one
	return true
}

func (p *placements) remove(one *placement) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.byID, one.id)
}
