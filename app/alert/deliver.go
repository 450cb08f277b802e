package alert

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// Run delivers until ctx ends. A panic, also of the goroutine of a channel, ends all of it and is Run's, which may be
// called again.
func (o *Outbox) Run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	broken := make(chan string, 1)
	o.mu.Lock()
	o.running = ctx
	o.broke = func(text string) {
		select {
		case broken <- text:
		default:
		}
		cancel()
	}
	for _, b := range o.boxes {
		o.start(b)
	}
	o.mu.Unlock()
	defer func() {
		cancel()
		o.mu.Lock()
		o.running = nil
		o.mu.Unlock()
		o.workers.Wait()
		o.mu.Lock()
		for _, b := range o.boxes {
			b.end = nil
		}
		o.mu.Unlock()
	}()
	o.runHeartbeat(ctx)
	select {
	case text := <-broken:
		panic(text)
	default:
	}
}

// start gives a box its worker, if the outbox runs and it has none. The caller holds o.mu.
func (o *Outbox) start(b *box) {
	if o.running == nil || b.end != nil {
		return
	}
	ctx, end := context.WithCancel(o.running)
	b.end = end
	broke := o.broke
	o.workers.Go(func() {
		defer end()
		defer func() {
			if p := recover(); p != nil {
				broke(fmt.Sprintf("%v\n\n%s", p, debug.Stack()))
			}
		}()
		o.work(ctx, b)
	})
}

// work delivers what waits for one channel, in order.
func (o *Outbox) work(ctx context.Context, b *box) {
	wait := time.NewTimer(0)
	defer wait.Stop()
	// failures: of alerts older than keepFor, in a row; refusals: of the present alert, in a row
	delay, failures, refusals := o.delays[0], 0, 0
	// up to here the server has refused every alert so often; it may then have taken one behind them
	var refused []byte
	proven := false
	for ctx.Err() == nil {
		wake := b.wake
		select {
		case <-b.changed: // it is looked at below
		default:
		}
		after := refused
		if proven {
			after = nil
		}
		key, e := o.next(b, after)
		if ctx.Err() != nil {
			return // the channel is gone: what was found may wait for one of the same name that came after it
		}
		if proven && (key == nil || bytes.Compare(key, refused) > 0) {
			refused, proven = nil, false
		}
		old := key != nil && time.Since(e.Alert.At) > keepFor
		if !old && refused == nil {
			failures = 0
		} else if old && failures >= triesAfter && o.giveUp(b, key, e, givenUp, "") == nil {
			continue
		}
		switch {
		case key != nil:
			err := o.deliver(ctx, b, key, e)
			if ctx.Err() != nil {
				return
			}
			if err == nil {
				proven = refused != nil
				delay, failures, refusals = o.delays[0], 0, 0
				continue
			}
			if refusals++; !errors.As(err, new(*contentError)) {
				refusals = 0
			}
			switch {
			case proven && refusals > 0 && o.giveUp(b, key, e, givenUpRefused, err.Error()) == nil:
				refusals = 0
				continue
			case refusals == maxRefusals && !proven:
				refused, refusals = key, 0
				continue
			}
			pause := pauseOf(err)
			if wait.Reset(max(delay, pause)); pause > 0 {
				wake = nil // whatever comes now, the server does not want it
			}
		case refused != nil: // it takes none: it is not about what is in them
			refused = nil
			wait.Reset(delay)
		default:
			delay = o.delays[0]
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-b.changed:
		case <-wait.C:
			delay = min(2*delay, o.delays[1])
			if old {
				failures++
			}
		}
	}
}

// next returns the oldest alert that waits for a channel and came after another, nil for none; key is nil if there is
// none.
func (o *Outbox) next(b *box, after []byte) (key []byte, e entry) {
	o.mu.Lock()
	name := b.channel.name
	o.mu.Unlock()
	for {
		err := o.db.View(func(tx *bbolt.Tx) error {
			key, e = nil, entry{}
			bucket := tx.Bucket([]byte(name))
			if bucket == nil {
				return nil
			}
			c := bucket.Cursor()
			k, v := c.Seek(after)
			if k != nil && bytes.Equal(k, after) {
				k, v = c.Next()
			}
			if k == nil {
				return nil
			}
			key = slices.Clone(k)
			return json.Unmarshal(v, &e)
		})
		if err == nil {
			return key, e
		}
		o.log.Error("an alert that waits cannot be read and is given up", "channel", name, "err", err)
		if key == nil || o.remove(b, key, func(*ChannelStatus) {}) != nil {
			return nil, e
		}
	}
}

// deliver sends one alert and takes it out of the outbox when the channel has it.
func (o *Outbox) deliver(ctx context.Context, b *box, key []byte, e entry) error {
	m := &message{entry: e, done: func(string) {}}
	if age := time.Since(e.Alert.At); e.Tried || age > lateAfter || e.Stuck && age > time.Second {
		m.late = max(age, time.Second)
	}
	o.mu.Lock()
	ch := b.channel
	o.mu.Unlock()
	m.done = func(string) { o.rewrite(ch.name, key, m.entry) }
	var err error
	if e.ID != b.taken {
		err = sendWithin(ctx, ch, m)
	}
	if ctx.Err() != nil && err != nil {
		return err // the program ends; it is tried again after the next start
	}
	now := time.Now().Round(0)
	var refused *refusedError
	if errors.As(err, &refused) {
		err = nil
	}
	if err == nil {
		b.taken = e.ID
		removeErr := o.remove(b, key, func(s *ChannelStatus) {
			s.note(now, nil)
			if now.Sub(b.givenUpAt) < keepFor { // the success of the next one must not hide it
				s.LastError, s.LastErrorAt = b.givenUp, b.givenUpAt
			}
			if refused != nil {
				s.LastError, s.LastErrorAt = refused.Error(), now
			}
		})
		if removeErr != nil {
			o.log.Error("a delivered alert cannot be taken out of the outbox", "channel", ch.name, "err", removeErr)
			return removeErr
		}
	} else if !e.Tried {
		m.Tried = true
		o.rewrite(ch.name, key, m.entry)
	}
	o.mu.Lock()
	again, first := b.failing && err == nil, !b.failing && err != nil
	b.failing = err != nil
	if err != nil {
		b.status.note(now, err)
	}
	o.mu.Unlock()
	switch {
	case refused != nil:
		o.log.Warn("an alert has reached some receivers only, the server refused the others", "channel", ch.name, "err",
			refused)
	case first && errors.As(err, new(*contentError)):
		o.log.Warn("an alert is refused, it is given up if the server takes another", "channel", ch.name, "err", err)
	case first:
		o.log.Warn("alerts cannot be delivered, they are tried again for 24 hours", "channel", ch.name, "err", err)
	case again:
		o.log.Info("alerts are delivered again", "channel", ch.name)
	}
	return err
}

// sendWithin sends and waits no longer than the limit, or a moment longer than ctx.
func sendWithin(ctx context.Context, ch channel, m *message) error {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendLimit)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(stopLimit, cancel) })
	defer stop()
	return safely(limited, ch, m)
}

// note takes down the outcome of a delivery.
func (s *ChannelStatus) note(now time.Time, err error) {
	if err != nil {
		s.LastError, s.LastErrorAt = err.Error(), now
		return
	}
	s.Sent++
	s.LastSent, s.LastError, s.LastErrorAt = now, "", time.Time{}
}

// rewrite puts what is known of a delivery under way on disk.
func (o *Outbox) rewrite(name string, key []byte, e entry) {
	err := o.db.Update(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket([]byte(name))
		if bucket == nil || bucket.Get(key) == nil {
			return nil
		}
		value, err := json.Marshal(e)
		if err != nil {
			return err
		}
		return bucket.Put(key, value)
	})
	if err != nil {
		o.log.Error(cannotWrite, "err", err)
	}
}

// remove takes an alert out of the outbox. If that works, what became of it is noted at the same moment.
func (o *Outbox) remove(b *box, key []byte, note func(*ChannelStatus)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.db.Update(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket([]byte(b.channel.name))
		if bucket == nil {
			return nil
		}
		return bucket.Delete(key)
	})
	b.status.Queued, b.status.Oldest = o.count(b.channel.name)
	if err == nil {
		note(&b.status)
	}
	return err
}

const (
	givenUp        = "an alert was given up after 24 hours"
	givenUpRefused = "an alert was given up, the server refused it"
	cannotWrite    = "alerts that wait cannot be written"
)

// giveUp drops an alert, and says what has become of it, and why; if why is empty, because of the last error.
func (o *Outbox) giveUp(b *box, key []byte, e entry, what, why string) error {
	var name string
	err := o.remove(b, key, func(s *ChannelStatus) {
		// what is cut is of the one before, if this one was not tried any more
		name, why = s.Name, cmp.Or(why, strings.TrimPrefix(s.LastError, what+": "))
		b.givenUp, b.givenUpAt = strings.TrimSuffix(what+": "+why, ": "), time.Now().Round(0)
		s.LastError, s.LastErrorAt = b.givenUp, b.givenUpAt
	})
	if err != nil {
		o.log.Error(cannotWrite, "err", err)
		return err
	}
	o.log.Error(what, "channel", name, "kind", e.Alert.Kind, "at", e.Alert.At, "err", why)
	return nil
}
