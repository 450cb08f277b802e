package alert

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"gatewatch/conn/nudge"
	"gatewatch/engine/store"
)

const (
	// keepFor is the age from which on an alert can be given up.
	keepFor = 24 * time.Hour
	// triesAfter is how often an alert of that age is tried all the same, while its channel takes nothing: the computer
	// may have slept, the program may not have run, or the clock was wrong. At the delays of Open it is a quarter of an
	// hour or more.
	triesAfter = 8
	// maxRefusals is how often a server has to refuse an alert for what is in it until those behind it are tried. If it
	// takes one of them and then refuses the first once more, that is given up. If it takes none, it refuses the
	// channel, such as a chat that is not there.
	maxRefusals = 3
	// lateAfter is the age from which on an alert says that it is late.
	lateAfter = 30 * time.Second
	// maxQueue bounds what waits for one channel. Beyond it the oldest is given up.
	maxQueue = 1000
	// sendLimit bounds one delivery.
	sendLimit = 30 * time.Second
	// stopLimit bounds the wait for a delivery under way when the program ends.
	stopLimit = 300 * time.Millisecond
)

// Options is what an [Outbox] needs.
type Options struct {
	Path      string                           // of its file
	Version   string                           // of the program
	Child     []string                         // the command that runs [Child]
	Secret    func(ref string) (string, error) // looks up a reference, as [Secrets.Get] does
	Connected func() bool                      // for the heartbeat; nil: always
	Log       *slog.Logger
}

// Outbox delivers alerts. Make it with Open; its methods may be called from any goroutine.
type Outbox struct {
	version   string
	child     []string
	secret    func(string) (string, error)
	connected func() bool
	log       *slog.Logger
	db        *bbolt.DB
	damaged   error
	client    *http.Client
	delays    [2]time.Duration

	mu      sync.Mutex
	config  Config
	boxes   []*box // by channel, in the order of the settings
	beat    pulse
	running context.Context // nil while Run does not run
	broke   func(string)    // takes the panic of a worker, with its stack
	workers sync.WaitGroup
}

// box is one channel's part of the outbox.
type box struct {
	channel channel
	wake    chan struct{}      // something has come, or the network may be back
	changed chan struct{}      // the channel may be another one
	end     context.CancelFunc // ends its worker; nil while it has none
	status  ChannelStatus
	failing bool
	taken   string // ID of the last alert that the channel took, which the disk may not let go of; the worker's

	givenUp   string // of the last alert that was given up: what became of it; shown for a day
	givenUpAt time.Time
}

// Open opens the outbox at o.Path, and begins one if there is none. A damaged file is moved aside.
func Open(o Options) (*Outbox, error) {
	db, damaged, err := openStore(o.Path)
	if err != nil {
		return nil, err
	}
	box := &Outbox{
		version: o.Version, child: o.Child, secret: o.Secret, connected: o.Connected, log: o.Log, db: db,
		damaged: damaged,
		client: &http.Client{
			Timeout:       sendLimit / 2,
			Transport:     transport(),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		delays: [2]time.Duration{5 * time.Second, 5 * time.Minute},
	}
	if box.connected == nil {
		box.connected = func() bool { return true }
	}
	box.beat.wake = make(chan struct{}, 1)
	return box, nil
}

// transport returns one for requests of our own, whose answers matter only for their status.
func transport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxResponseHeaderBytes = 64 << 10
	return t
}

// openStore opens the file, or another in its place if it is damaged, and then says so.
func openStore(path string) (db *bbolt.DB, damaged, err error) {
	if db, err = store.Open(path); errors.Is(err, store.ErrDamaged) {
		aside := path + ".damaged-" + time.Now().UTC().Format("20060102T150405.000Z")
		damaged = fmt.Errorf("%w; it is kept as %s", err, aside)
		if err = os.Rename(path, aside); err == nil {
			db, err = store.Open(path)
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open waiting alerts: %w", err)
	}
	return db, damaged, nil
}

// Damaged returns why the file was moved aside when it was opened, and where it is now; nil if it was not.
func (o *Outbox) Damaged() error { return o.damaged }

// Configure says where alerts go from now on. What waits for a channel that is no longer there is dropped.
func (o *Outbox) Configure(c Config) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := o.boxes
	o.config, o.boxes = c, nil
	for _, ch := range o.channels(c) {
		i := slices.IndexFunc(before, func(b *box) bool { return b.channel.name == ch.name })
		if i >= 0 {
			b := before[i]
			b.channel = ch
			o.boxes = append(o.boxes, b)
			continue
		}
		b := &box{
			channel: ch, wake: make(chan struct{}, 1), changed: make(chan struct{}, 1),
			status: ChannelStatus{Name: ch.name, Service: ch.service},
		}
		o.boxes = append(o.boxes, b)
	}
	for _, b := range before {
		if !slices.Contains(o.boxes, b) && b.end != nil {
			b.end()
		}
	}
	o.drop()
	for _, b := range o.boxes {
		b.status.Queued, b.status.Oldest = o.count(b.channel.name)
		o.start(b)
		nudge.Send(b.changed)
	}
	o.beat.configure(c.Heartbeat)
}

// drop removes what waits for channels that are not there.
func (o *Outbox) drop() {
	err := o.db.Update(func(tx *bbolt.Tx) error {
		var gone [][]byte
		err := tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			if !slices.ContainsFunc(o.boxes, func(b *box) bool { return b.channel.name == string(name) }) {
				gone = append(gone, slices.Clone(name))
				if n := b.Stats().KeyN; n > 0 {
					o.log.Warn("alerts were dropped, their channel is no longer set up", "channel", string(name),
						"alerts", n)
				}
			}
			return nil
		})
		for _, name := range gone {
			err = errors.Join(err, tx.DeleteBucket(name))
		}
		return err
	})
	if err != nil {
		o.log.Error(cannotWrite, "err", err)
	}
}

// count returns how many alerts wait for a channel, and the time of the oldest.
func (o *Outbox) count(name string) (n int, oldest time.Time) {
	err := o.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(name))
		if b == nil {
			return nil
		}
		return b.ForEach(func(_, v []byte) error {
			var e entry
			if n++; oldest.IsZero() && json.Unmarshal(v, &e) == nil {
				oldest = e.Alert.At
			}
			return nil
		})
	})
	if err != nil {
		o.log.Error("alerts that wait cannot be read", "err", err)
	}
	return n, oldest
}

// Put has an alert delivered by every channel. It is on disk when Put returns without an error.
func (o *Outbox) Put(a Alert) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.boxes) == 0 {
		return nil
	}
	id := rand.Text()
	counts := make([]int, len(o.boxes))
	err := o.db.Update(func(tx *bbolt.Tx) error {
		for i, b := range o.boxes {
			value, err := json.Marshal(entry{ID: id, Alert: a, Stuck: b.status.Queued > 0})
			if err != nil {
				return err
			}
			bucket, err := tx.CreateBucketIfNotExists([]byte(b.channel.name))
			if err != nil {
				return err
			}
			seq, err := bucket.NextSequence()
			if err != nil {
				return err
			}
			if err := bucket.Put(binary.BigEndian.AppendUint64(nil, seq), value); err != nil {
				return err
			}
			if counts[i] = b.status.Queued + 1; counts[i] > maxQueue {
				if key, _ := bucket.Cursor().First(); key != nil {
					if err := bucket.Delete(slices.Clone(key)); err != nil {
						return err
					}
					counts[i]--
					o.log.Error("an alert was given up, too many wait", "channel", b.channel.name)
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep alert: %w; is the disk full?", err)
	}
	for i, b := range o.boxes {
		if b.status.Queued = counts[i]; b.status.Oldest.IsZero() {
			b.status.Oldest = a.At
		}
		nudge.Send(b.wake)
	}
	return nil
}

// Retry has every channel try at once: the network may be back.
func (o *Outbox) Retry() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, b := range o.boxes {
		nudge.Send(b.wake)
	}
}

// Channels returns the channels that a configuration has, in the order of [Outbox.Status].
func Channels(c Config) (list []ChannelStatus) {
	for _, ch := range new(Outbox).channels(c) {
		list = append(list, ChannelStatus{Name: ch.name, Service: ch.service})
	}
	if c.Heartbeat != nil {
		list = append(list, ChannelStatus{Name: heartbeatName, Service: "Heartbeat"})
	}
	return list
}

// Status returns the status of the channels, in the order of the settings, the heartbeat last.
func (o *Outbox) Status() []ChannelStatus {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []ChannelStatus
	for _, b := range o.boxes {
		list = append(list, b.status)
	}
	if o.config.Heartbeat != nil {
		list = append(list, o.beat.status)
	}
	return list
}

// Test sends a message by one channel, or by all if none is named, past the outbox and at once.
func (o *Outbox) Test(ctx context.Context, name string) ([]Result, error) {
	o.mu.Lock()
	var list []channel
	var names []string
	for _, b := range o.boxes {
		names = append(names, b.channel.name)
		list = append(list, b.channel)
	}
	if h := o.config.Heartbeat; h != nil {
		names = append(names, heartbeatName)
		list = append(list, channel{heartbeatName, "Heartbeat", func(ctx context.Context, _ *message) error {
			return o.callHeartbeat(ctx, *h)
		}})
	}
	o.mu.Unlock()
	if name != "" {
		i := slices.Index(names, name)
		if i < 0 {
			return nil, fmt.Errorf("there is no channel %q; there are %q", name, names)
		}
		list = list[i : i+1]
	}
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	results := make([]Result, len(list))
	var all sync.WaitGroup
	for i, ch := range list {
		all.Go(func() {
			m := &message{entry: entry{ID: rand.Text(), Alert: Alert{
				Kind: "test", At: time.Now().Round(0), Title: "Test",
				Body: "This is a test message. Alerts arrive here.",
			}}, done: func(string) {}}
			results[i] = Result{ch.name, safely(ctx, ch, m)}
		})
	}
	all.Wait()
	return results, nil
}

// safely sends, and makes an error of a panic without its text, which may hold a secret.
func safely(ctx context.Context, ch channel, m *message) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the delivery failed in a way that was not expected")
		}
	}()
	return ch.send(ctx, m)
}

// Close closes the file. Run has to have returned.
func (o *Outbox) Close() error { return o.db.Close() }
