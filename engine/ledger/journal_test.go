package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func openAlone(t *testing.T, path string) *Ledger {
	t.Helper()
	l, err := Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func intent(id int64, state OrderState) *Intent {
	o := order(1, 90)
	o.Ref = fmt.Sprint("gw-", id)
	at := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	return &Intent{ID: id, Client: clientID, At: at, Changed: at, Order: o, State: state}
}

func written(id int64, state OrderState) entry {
	return entry{
		Intents: []*Intent{intent(id, state)}, Notes: map[string][]byte{"note": fmt.Append(nil, id, " ", state)},
	}
}

// leave copies the files of a ledger as they are, which is what a program that is killed leaves behind.
func leave(t *testing.T, path string) string {
	t.Helper()
	left := filepath.Join(t.TempDir(), "orders.db")
	for _, end := range []string{"", ".journal"} {
		data, err := os.ReadFile(path + end)
		if err = errors.Join(err, os.WriteFile(left+end, data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return left
}

// TestJournalIsTakenOver ends a program at each point between writing down and taking over.
func TestJournalIsTakenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	l := openAlone(t, path)
	defer l.Close()
	state := func(path, want string) {
		t.Helper()
		for range 2 { // the second time there is nothing left to take over
			l := openAlone(t, path)
			notes, err := l.Notes()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, i := range l.Intents() {
				got = append(got, fmt.Sprint(i.ID, " ", i.State))
			}
			if got := fmt.Sprintf("%s, %s, %d", got, notes["note"], l.floor); got != want {
				t.Errorf("%s, want %s", got, want)
			}
			if data, err := os.ReadFile(path + ".journal"); err != nil || len(data) != 2*halfSize ||
				len(bytes.Trim(data, "\x00")) != 0 {
				t.Errorf("%d bytes, %v", len(data), err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	write := func(e entry) {
		t.Helper()
		if err := l.journal.write(e); err != nil {
			t.Fatal(err)
		}
	}
	take := func(number uint64, list ...*Intent) {
		t.Helper()
		if err := l.put(number, l.floor, nil, list...); err != nil {
			t.Fatal(err)
		}
	}
	state(leave(t, path), "[], , 0")
	write(written(10, Planned))
	state(leave(t, path), "[10 planned], 10 planned, 10")
	write(written(11, Planned))
	write(written(10, Working))
	state(leave(t, path), "[10 working 11 planned], 10 working, 11")
	// The database takes it over, and what it has is not looked for in the journal.
	number := l.journal.turn()
	take(number, intent(10, Working), intent(11, Sent))
	state(leave(t, path), "[10 working 11 sent], , 11")
	write(written(12, Planned))
	state(leave(t, path), "[10 working 11 sent 12 planned], 12 planned, 12")
	l.journal.taken(number)
	state(leave(t, path), "[10 working 11 sent 12 planned], 12 planned, 12")
	// It does so again, and the first half is written over.
	number = l.journal.turn()
	write(written(10, Filled))
	state(leave(t, path), "[10 filled 11 sent 12 planned], 10 filled, 12")
	take(number, intent(12, Working))
	l.journal.taken(number)
	write(written(11, Cancelled))
	state(leave(t, path), "[10 filled 11 cancelled 12 working], 11 cancelled, 12")
	// A database that is begun again does not find what another one has had.
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	left := leave(t, path)
	if err := os.Remove(left); err != nil {
		t.Fatal(err)
	}
	state(left, "[], , 0")
}

// TestJournalForgets: an order which was pruned does not come back out of the journal.
func TestJournalForgets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders.db")
	l := openAlone(t, path)
	old := intent(10, Filled)
	old.Changed = time.Now().Add(-keepDone - time.Hour)
	if err := l.journal.write(entry{Intents: []*Intent{old}}); err != nil {
		t.Fatal(err)
	}
	path = leave(t, path)
	l.Close()
	for range 2 {
		l = openAlone(t, path)
		if list := l.Intents(); len(list) != 0 || l.floor != 10 {
			t.Errorf("%+v, floor %d", list, l.floor)
		}
		l.Close()
	}
}

// journalIn returns an empty journal, and what reads the numbers of its records from the disk.
func journalIn(t testing.TB, folder string) (*journal, func() string) {
	t.Helper()
	path := filepath.Join(folder, "journal")
	j, list, err := openJournal(path)
	if err != nil || len(list) != 0 {
		t.Fatal(list, err)
	}
	t.Cleanup(func() { j.file.Close() })
	if err := j.clear(9); err != nil {
		t.Fatal(err)
	}
	return j, func() string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		numbers := []uint64{}
		for _, e := range readJournal(data) {
			numbers = append(numbers, e.Number)
		}
		return fmt.Sprint(numbers)
	}
}

// TestJournalSpaceIsUsedAgain has the halves of a journal be written in turns.
func TestJournalSpaceIsUsedAgain(t *testing.T) {
	j, numbers := journalIn(t, t.TempDir())
	put := func(want string) {
		t.Helper()
		if err := j.write(written(1, Sent)); err != nil {
			t.Fatal(err)
		}
		if got := numbers(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	put("[10]")
	put("[10 11]")
	put("[10 11 12]")
	if n := j.turn(); n != 12 {
		t.Error(n)
	}
	put("[10 11 12 13]")
	j.taken(11)
	if n := j.turn(); n != 13 { // the first half is not free
		t.Error(n)
	}
	put("[10 11 12 13 14]")
	j.taken(12)
	put("[10 11 12 13 14 15]") // only who turns comes into a free half
	if n := j.turn(); n != 15 {
		t.Error(n)
	}
	put("[13 14 15 16]") // over what is left of 10; what is behind is older
	j.taken(15)
	put("[13 14 15 16 17]")
	j.turn()
	put("[16 17 18]")
	// All is taken at once, of both halves.
	j.taken(18)
	put("[16 17 19]") // 18 was in the half that is written, and is written over
	j.turn()
	put("[19 20]")
	if err := j.leave(); err != nil || numbers() != "[]" {
		t.Error(err, numbers())
	}
}

// TestJournalIsFull writes more than fits: that is refused, and nothing of what is there is lost.
func TestJournalIsFull(t *testing.T) {
	j, numbers := journalIn(t, t.TempDir())
	fill := func() (n, free int) {
		t.Helper()
		for {
			err := j.write(written(1, Sent))
			if errors.Is(err, errJournalFull) {
				return n, free
			}
			if err != nil {
				t.Fatal(err)
			}
			if n++; !j.presses() {
				free = n
			}
		}
	}
	n, free := fill()
	if n < 1000 || math.Abs(float64(free)-0.75*float64(n)) > 10 {
		t.Errorf("%d records, %d before it presses", n, free)
	}
	before := numbers()
	if again, _ := fill(); again != 0 || numbers() != before {
		t.Errorf("%d more", again)
	}
	last := j.turn()
	more, _ := fill()
	if more < n-50 || j.turn() != last+uint64(more) || j.last != 9+uint64(n+more) {
		t.Errorf("%d more, the last is %d", more, j.last)
	}
	if got := len(strings.Fields(numbers())); got != n+more {
		t.Errorf("%d records", got)
	}
	j.taken(last)
	if j.turn(); j.presses() {
		t.Error("no space")
	}
}

// TestJournalIsTorn flips a bit of a record, which shows, and cuts it, of which nothing is left.
func TestJournalIsTorn(t *testing.T) {
	folder := t.TempDir()
	j, numbers := journalIn(t, folder)
	for id := range int64(2) {
		if err := j.write(written(id+1, Sent)); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(filepath.Join(folder, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	data = data[:j.used[0]+64]
	for n := range int(j.used[0]) {
		broken := bytes.Clone(data)
		broken[n] ^= 0x40
		if list := readJournal(broken); len(list) != 2 || list[0].flipped == list[1].flipped {
			t.Fatalf("byte %d is broken: %+v", n, list)
		}
		if list := readJournal(data[:n]); len(list) > 1 || len(list) == 1 && list[0].flipped {
			t.Fatalf("cut to %d bytes: %+v", n, list)
		}
	}
	// What cannot be encoded or written leaves no trace.
	odd := written(3, Sent)
	odd.Intents[0].Filled = math.NaN()
	if err := j.write(odd); err == nil {
		t.Error("what is no number was written")
	}
	file := j.file
	if j.file, err = os.Open(file.Name()); err != nil {
		t.Fatal(err)
	}
	if err := j.write(written(3, Sent)); err == nil {
		t.Error("written to a file that can only be read")
	}
	j.file.Close()
	if err := j.sync(); err == nil {
		t.Error("a file that is closed was synced")
	}
	j.file = file
	if err := j.write(written(3, Sent)); err != nil || numbers() != "[10 11 12]" {
		t.Error(err, numbers())
	}
}

// TestJournalTogether has several goroutines write, turn and take at once.
func TestJournalTogether(t *testing.T) {
	j, numbers := journalIn(t, t.TempDir())
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for n := range int64(200) {
				if err := j.write(written(n+1, Sent)); err != nil {
					t.Error(err)
				}
				if n%50 == 0 {
					j.taken(j.turn())
				}
			}
		})
	}
	running.Wait()
	if j.last != 809 {
		t.Errorf("the last is %d", j.last)
	}
	if list := strings.Fields(strings.Trim(numbers(), "[]")); len(list) == 0 || list[len(list)-1] != "809" {
		t.Error(list)
	}
}

func FuzzJournal(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 64))
	j, _ := journalIn(f, f.TempDir())
	for id := range int64(6) {
		if err := j.write(written(id+1, Sent)); err != nil {
			f.Fatal(err)
		}
		if id == 3 {
			j.turn()
		}
	}
	data, err := os.ReadFile(j.file.Name())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data[:j.used[0]])
	f.Add(data[halfSize:][:j.used[1]])
	f.Fuzz(func(t *testing.T, data []byte) {
		last := uint64(0)
		for _, e := range readHalf(data) {
			if e.Number <= last {
				t.Fatal("numbers do not grow")
			}
			last = e.Number
		}
		readJournal(append(make([]byte, halfSize), data...))
	})
}
