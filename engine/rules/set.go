package rules

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"gatewatch/conn/ib"
	"gatewatch/engine"
	"gatewatch/engine/ledger"
)

// Set is the trader's rules, and their states. It is an [engine.Strategy]; its other methods may be called from any
// goroutine.
//
// A rule does nothing until it is activated, and what was activated is exactly its present text: a rule that is changed
// becomes a draft. States outlive the program; they are written down beside the orders. That a rule has triggered is
// written together with its order, so that a rule that triggers once does so once. A condition that is met triggers the
// rule, and has to be unmet before it can do so again, also if the order was blocked: an order is never kept for later.
type Set struct {
	cfg Config

	turn sync.Mutex // a rule that triggers, or a change of the rules from outside; taken before mu

	mu      sync.Mutex
	entries []*entry // in the order in which they were given
	watches []*watch // as the engine knows them
	session *ib.Session
	opened  time.Duration // when the session's guard was, before what is known was seen
	ready   []*active     // that trigger now; reused
	notes   map[string][]byte

	preview   *entry        // a rule that someone is writing, watched as if it were active; nil if there is none
	previewAt time.Duration // when it was asked for last
}

// Config is what a [Set] needs. Its functions must not block.
type Config struct {
	Ledger *ledger.Ledger
	Desk   *engine.Desk
	// all contracts that one can mean; may take a while
	Resolve func(context.Context, ib.Contract) ([]ib.Details, error)
	// those between the prices of a contract; may be nil, may take a while
	PriceSteps func(context.Context, ib.Details) ([]ib.PriceStep, error)
	Clock      func() time.Duration // the clock of ib.Tick.At
	// after which an instrument that says nothing is not trusted
	MaxTickAge  func() time.Duration
	MarketHours func(time.Time) bool // whether the market is open
	Report      func(engine.Report)
	Changed     func() // something that Views shows has changed, other than prices
	Refresh     func() // the instruments have changed; see [engine.Engine.Refresh]
	Log         *slog.Logger
}

// entry is one rule, and its state.
type entry struct {
	rule Rule
	record
	active     *active      // nil unless it is watched
	candidates []ib.Details // what its instrument can mean, if that was ambiguous
	blocked    *engine.BlockedError
	blockedAt  time.Time
	triggered  time.Duration // when it triggered the last time, on the clock of Config
	order      string        // reference of the order that it placed then; empty if that was before the start
}

// record is what is written down of a rule.
type record struct {
	Hash         string    `json:"hash"` // of the rule's text
	State        State     `json:"state"`
	Since        time.Time `json:"since"`           // UTC; of the state
	Activated    time.Time `json:"activated"`       // UTC
	TriggerCount int       `json:"fired,omitempty"` // since it was activated
	TriggeredAt  time.Time `json:"fired_at"`        // UTC; the last time
	// an order of it was blocked since it was activated
	WasBlocked bool   `json:"was_blocked,omitempty"`
	Settled    bool   `json:"settled"`          // what it had to do when it triggered is done
	Reason     string `json:"reason,omitempty"` // why it failed
	Code       int    `json:"code,omitempty"`   // IB's
	Detail     string `json:"detail,omitempty"`
	// that of the rule, then those of its conditions; nil where it is that of the rule
	Contracts []*resolved `json:"contracts,omitempty"`
}

// The reasons for which a rule has failed.
const (
	FailedRejected = "order_rejected"
	FailedInactive = "order_inactive" // Gateway has completed it as inactive
	FailedNotSent  = "order_not_sent"
)

const notePrefix = "rule/"

// NewSet returns a set without rules that knows the states of rules when they were written down.
func NewSet(cfg Config) (*Set, error) {
	notes, err := cfg.Ledger.Notes()
	if err != nil {
		return nil, fmt.Errorf("read the states of rules: %w", err)
	}
	return &Set{cfg: cfg, notes: notes}, nil
}

func hash(r *Rule) string {
	text, err := json.Marshal(r)
	if err != nil {
		return "" // no number of a rule is infinite
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// Put replaces all rules. Those whose text is the same keep their states.
func (s *Set) Put(list []Rule) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	err := s.keep(s.merge(list))
	s.cfg.Refresh()
	s.cfg.Changed()
	return err
}

// merge takes the rules in, and returns what is to be written down.
func (s *Set) merge(list []Rule) (notes map[string][]byte) {
	now := time.Now().UTC()
	s.mu.Lock()
	defer s.mu.Unlock()
	old := map[string]*entry{}
	for _, e := range s.entries {
		old[e.rule.Name] = e
	}
	var entries []*entry
	notes = map[string][]byte{}
	for name := range s.notes { // those of rules that are gone
		if strings.HasPrefix(name, notePrefix) {
			notes[name] = nil
		}
	}
	for i := range list {
		r := &list[i]
		name, sum := notePrefix+r.Name, hash(r)
		e := old[r.Name]
		if e == nil || e.Hash != sum {
			e = &entry{rule: *r, record: record{Hash: sum, State: Draft, Since: now}}
			var kept record
			if text := s.notes[name]; old[r.Name] == nil && text != nil && json.Unmarshal(text, &kept) == nil &&
				kept.Hash == sum {
				e.record = kept
				s.catchUp(e)
				e.triggered = s.cfg.Clock() - max(0, now.Sub(e.TriggeredAt)) // below 0: the clock was set back since
			}
		}
		entries = append(entries, e)
		notes[name] = e.note()
	}
	s.entries = entries
	return notes
}

// catchUp takes in what became of the orders of a rule while no one looked.
func (s *Set) catchUp(e *entry) {
	list := s.cfg.Ledger.Intents()
	apart := map[int64]bool{} // orders that did not leave with all of their exits, and so were blocked
	for _, i := range list {
		apart[i.Order.Parent] = apart[i.Order.Parent] || i.State == ledger.NotSent
	}
	for _, i := range list {
		if i.Rule != e.rule.Name {
			continue
		}
		// than the last time that it is known to have triggered
		later := i.At.After(e.Activated) && i.At.Sub(e.TriggeredAt) > seconds(e.rule.CooldownSeconds)
		if e.State == Active && i.Order.Parent == 0 && i.State != ledger.NotSent && !apart[i.ID] && later {
			// It has triggered, and the disk took that of its order alone.
			e.State, e.Since, e.TriggeredAt, e.Settled = Triggered, i.At, i.At, false
			e.TriggerCount++
		}
		e.learn(i)
	}
}

// write writes notes down and remembers them.
func (s *Set) write(notes map[string][]byte) error {
	for name, text := range notes {
		if string(s.notes[name]) == string(text) && text != nil {
			delete(notes, name)
		}
	}
	if len(notes) == 0 {
		return nil
	}
	if err := s.cfg.Ledger.Note(notes); err != nil {
		return fmt.Errorf("write the states of rules: %w; is the disk full?", err)
	}
	s.remember(notes)
	return nil
}

// keep is write for what is already so. What the disk refuses goes to the journal, which has its space, and is tried
// again until the database takes it: a rule that has triggered must not do so again after a restart. The error says
// that the journal does not take it either.
func (s *Set) keep(notes map[string][]byte) error {
	err := s.write(notes)
	if err == nil {
		return nil
	}
	s.remember(notes)
	if s.cfg.Ledger.NoteSoon(notes) == nil {
		return nil
	}
	return err
}

func (s *Set) remember(notes map[string][]byte) {
	maps.Copy(s.notes, notes)
	maps.DeleteFunc(s.notes, func(_ string, text []byte) bool { return text == nil })
}

// Rules returns the rules as they were put.
func (s *Set) Rules() []Rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Rule, len(s.entries))
	for i, e := range s.entries {
		list[i] = e.rule
	}
	return list
}

// ErrNoRule means that no rule has that name. ErrChanged means that it was changed while its instruments were resolved.
var (
	ErrNoRule  = errors.New("no such rule")
	ErrChanged = errors.New("the rule was changed meanwhile; look at it, and activate it again")
)

// Activate makes a rule watch prices, after its instruments were resolved. The error is [ErrNoRule], [ErrChanged], a
// *[NotResolvedError], or about asking Gateway. A rule that has triggered begins again.
func (s *Set) Activate(ctx context.Context, name string) error {
	s.mu.Lock()
	e := s.find(name)
	if e == nil {
		s.mu.Unlock()
		return ErrNoRule
	}
	rule, sum := e.rule, e.Hash
	s.mu.Unlock()

	contracts, err := s.resolve(ctx, &rule)

	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	if e = s.find(name); e == nil || e.Hash != sum {
		s.mu.Unlock()
		if e == nil {
			return ErrNoRule
		}
		return ErrChanged
	}
	e.candidates = nil
	if err != nil {
		if several, ok := errors.AsType[*NotResolvedError](err); ok {
			e.candidates = several.Candidates
		}
		s.mu.Unlock()
		s.cfg.Changed()
		return err
	}
	now := time.Now().UTC()
	next := record{Hash: sum, State: Active, Since: now, Activated: now, Contracts: contracts}
	s.mu.Unlock()
	if err := s.write(map[string][]byte{notePrefix + name: next.note()}); err != nil {
		return err
	}
	s.mu.Lock()
	e.record, e.blocked, e.active = next, nil, nil // begins again
	s.mu.Unlock()
	s.cfg.Refresh()
	s.cfg.Changed()
	return nil
}

// Deactivate makes a rule a draft. When it returns, the rule does not trigger any more. An error but for [ErrNoRule]
// says that this is not written down yet: a restart would not know it.
func (s *Set) Deactivate(name string) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	e := s.find(name)
	s.mu.Unlock()
	if e == nil {
		return ErrNoRule
	}
	err := s.set(e, record{Hash: e.Hash, State: Draft, Since: time.Now().UTC()})
	s.cfg.Refresh()
	return err
}

func (s *Set) find(name string) *entry {
	at := slices.IndexFunc(s.entries, func(e *entry) bool { return e.rule.Name == name })
	if at < 0 {
		return nil
	}
	return s.entries[at]
}

// set gives a rule another record, in memory even where the disk refuses it: what is shown as active has to be active.
// The caller has the turn.
func (s *Set) set(e *entry, r record) error {
	err := s.keep(s.enter(e, r))
	if err != nil {
		s.cfg.Log.Error("the state of a rule cannot be written", "rule", e.rule.Name, "err", err)
	}
	s.cfg.Changed()
	return err
}

// setSoon is set for what catchUp can find out again: it is written down with the state of the order from which it was
// learned.
func (s *Set) setSoon(e *entry, r record) {
	note := s.enter(e, r)
	_ = s.cfg.Ledger.NoteSoon(note) // it can be found out again
	s.remember(note)
}

// enter gives a rule a record in memory, and returns its note.
func (s *Set) enter(e *entry, r record) map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.record = r
	return map[string][]byte{notePrefix + e.rule.Name: e.note()}
}
