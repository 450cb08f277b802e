package ledger

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkWriteDown compares a record of the journal with a transaction of the database that it stands for.
func BenchmarkWriteDown(b *testing.B) {
	l, err := Open(filepath.Join(b.TempDir(), "orders.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	var journal, database time.Duration
	id := int64(0)
	for b.Loop() {
		id++
		e := written(id, Planned)
		began := time.Now()
		if err := errors.Join(l.journal.write(e), l.journal.sync()); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		number := l.journal.turn()
		if err := l.put(number, l.floor, e.Notes, e.Intents...); err != nil {
			b.Fatal(err)
		}
		l.journal.taken(number)
		journal, database = journal+middle.Sub(began), database+time.Since(middle)
	}
	b.ReportMetric(float64(journal.Microseconds())/float64(id), "µs/record")
	b.ReportMetric(float64(journal)/float64(database), "ratio")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkWriteDownAfterPause is what a record costs that is on disk then, when the disk has had nothing to do for 25
// ms. It is what an order waits for. Use -benchtime 1000x.
func BenchmarkWriteDownAfterPause(b *testing.B) {
	j, _ := journalIn(b, b.TempDir())
	e := written(1, Planned)
	var took []time.Duration
	for b.Loop() {
		time.Sleep(25 * time.Millisecond)
		began := time.Now()
		if err := errors.Join(j.write(e), j.sync()); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
		if j.presses() {
			j.taken(j.turn())
		}
	}
	slices.Sort(took)
	for _, q := range []int{50, 90, 99} {
		b.ReportMetric(float64(took[len(took)*q/100].Microseconds()), fmt.Sprintf("µs-p%d", q))
	}
	b.ReportMetric(0, "ns/op")
}
