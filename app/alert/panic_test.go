package alert

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// brittle is a log that panics at the first error.
type brittle struct{ slog.Handler }

func (brittle) Enabled(_ context.Context, l slog.Level) bool {
	if l >= slog.LevelError {
		panic("injected")
	}
	return false
}

// TestPanicIsRuns has the worker of one channel panic: Run ends in that panic with all of its workers, and called again
// it delivers what waits.
func TestPanicIsRuns(t *testing.T) {
	p, mail, web := everything(t)
	mail.open()
	web.open()
	garbage := func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("slack"))
		if err != nil {
			return err
		}
		return b.Put([]byte("0"), []byte("not JSON"))
	}
	if err := p.box.db.Update(garbage); err != nil {
		t.Fatal(err)
	}
	log := p.box.log
	p.box.log = slog.New(brittle{slog.DiscardHandler})
	ended := make(chan string, 1)
	go func() {
		defer func() { ended <- fmt.Sprint(recover()) }()
		p.box.Run(context.Background())
	}()
	select {
	case text := <-ended:
		if !strings.HasPrefix(text, "injected") || !strings.Contains(text, "(*Outbox).next") {
			t.Errorf("Run ended with %s", text)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("Run goes on")
	}
	p.box.log = log
	p.run()
	p.put(three()...)
	p.delivered()
	arrived(t, mail, web, true, true, true)
}
