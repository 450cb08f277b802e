package engine

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func openAlone(t *testing.T, path string) *Ledger {
	t.Helper()
	l, err := OpenLedger(path, clientID, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func written(id int64) entry {
	o := order(1, 90)
	o.Ref = fmt.Sprint("gw-", id)
	at := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	return entry{Intents: []*Intent{{ID: id, Client: clientID, At: at, Changed: at, Order: o, Fate: Planned}}, Notes: map[string][]byte{"note": fmt.Append(nil, id)}}
}

// TestJournalIsTakenOver ends a program at each point between writing down and taking over.
func TestJournalIsTakenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	l := openAlone(t, path)
	for id := range int64(3) {
		if err := l.journal.append(written(10 + id)); err != nil {
			t.Fatal(err)
		}
	}
	// The second was taken over, and the note was written anew afterwards.
	two := written(11)
	if err := l.put(l.floor, two.Notes, two.Intents...); err != nil {
		t.Fatal(err)
	}
	l.Close()
	for range 2 { // the second time there is nothing left to take over
		l = openAlone(t, path)
		list := l.Intents()
		notes, err := l.Notes()
		if len(list) != 3 || list[0].ID != 10 || list[2].ID != 12 || list[2].Fate != Planned || err != nil || string(notes["note"]) != "12" || l.floor != 12 {
			t.Fatalf("%+v, %q, %v, floor %d", list, notes, err, l.floor)
		}
		if data, err := os.ReadFile(path + ".journal"); err != nil || len(data) != journalSize || len(bytes.Trim(data, "\x00")) != 0 {
			t.Errorf("%d bytes, %v", len(data), err)
		}
		l.Close()
	}
}

// TestJournalForgets holds that an order which was pruned does not come back out of the journal.
func TestJournalForgets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	l := openAlone(t, path)
	old := written(10)
	old.Intents[0].Fate = Filled
	old.Intents[0].Changed = time.Now().Add(-keepDone - time.Hour)
	if err := l.journal.append(old); err != nil {
		t.Fatal(err)
	}
	if err := l.put(l.floor, nil, old.Intents...); err != nil {
		t.Fatal(err)
	}
	l.Close()
	for range 2 {
		l = openAlone(t, path)
		if list := l.Intents(); len(list) != 0 || l.floor != 10 {
			t.Errorf("%+v, floor %d", list, l.floor)
		}
		l.Close()
	}
}

// TestJournalSpaceIsUsedAgain writes more than fits, and leaves old records behind new ones.
func TestJournalSpaceIsUsedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, list, err := openJournal(path)
	if err != nil || len(list) != 0 {
		t.Fatal(list, err)
	}
	if err := j.clear(); err != nil {
		t.Fatal(err)
	}
	ids := func() (ids []int64) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range readJournal(data) {
			ids = append(ids, e.Intents[0].ID)
		}
		return ids
	}
	put := func(id int64) {
		t.Helper()
		if err := j.append(written(id)); err != nil {
			t.Fatal(err)
		}
	}
	for id := range int64(5) {
		put(id + 10)
	}
	if got := fmt.Sprint(ids()); got != "[10 11 12 13 14]" {
		t.Error(got)
	}
	for range 4 {
		j.taken(1)
	}
	put(15)
	if got := fmt.Sprint(ids()); got != "[10 11 12 13 14 15]" {
		t.Error(got)
	}
	j.taken(1)
	j.taken(1)
	put(16) // over the first; what stands behind is older
	if got := fmt.Sprint(ids()); got != "[16]" {
		t.Error(got)
	}
	// A record that was not written to its end, or of which something was lost, ends the list.
	put(17)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range int(j.at) {
		broken := bytes.Clone(data)
		broken[n] ^= 0x40
		if list := readJournal(broken); len(list) > 1 && n < int(j.at) {
			t.Fatalf("byte %d is broken: %d records", n, len(list))
		}
		if list := readJournal(data[:n]); len(list) > 1 {
			t.Fatalf("cut to %d bytes: %d records", n, len(list))
		}
	}
	for id := range int64(1000) {
		put(id + 100)
	}
	if n := len(ids()); n != 1002 {
		t.Errorf("%d records", n)
	}
	if err := j.file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.append(written(5000)); err == nil {
		t.Error("written to a file that is closed")
	}
}

func FuzzJournal(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 64))
	path := filepath.Join(f.TempDir(), "journal")
	j, _, err := openJournal(path)
	if err != nil {
		f.Fatal(err)
	}
	for id := range int64(3) {
		if err := j.append(written(id + 1)); err != nil {
			f.Fatal(err)
		}
	}
	j.file.Close()
	data, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		last := int64(0)
		for _, e := range readJournal(data) {
			if e.Intents[0].ID <= last {
				t.Fatal("ids do not grow")
			}
			last = e.Intents[0].ID
		}
	})
}

// BenchmarkWriteDown compares a record of the journal with a transaction of the database that it stands for.
func BenchmarkWriteDown(b *testing.B) {
	l, err := OpenLedger(filepath.Join(b.TempDir(), "orders.db"), clientID, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	var journal, database time.Duration
	id := int64(0)
	for b.Loop() {
		id++
		e := written(id)
		began := time.Now()
		if err := l.journal.append(e); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		if err := l.put(l.floor, e.Notes, e.Intents...); err != nil {
			b.Fatal(err)
		}
		l.journal.taken(1)
		journal, database = journal+middle.Sub(began), database+time.Since(middle)
	}
	b.ReportMetric(float64(journal.Microseconds())/float64(id), "µs/record")
	b.ReportMetric(float64(journal)/float64(database), "ratio")
	b.ReportMetric(0, "ns/op")
}
