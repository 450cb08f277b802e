package record_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"gatewatch/conn/port/record"
)

func openJournal(t *testing.T, dir string) *record.Journal {
	t.Helper()
	j, err := record.OpenJournal(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func order(n uint64, state record.State) record.Order {
	return record.Order{
		Number: n, At: time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC), Client: 7, ID: int64(n),
		Words: "BUY 1 AAPL \"x\"\n", State: state, Quantity: "1", Ref: "ref",
	}
}

func yearFile(dir string, year int) string {
	return filepath.Join(dir, fmt.Sprintf("program-orders-%d.jsonl", year))
}

// TestJournal: what is recorded last counts, and it is there after the end.
func TestJournal(t *testing.T) {
	dir := t.TempDir()
	j := openJournal(t, dir)
	for n := range uint64(5) {
		if err := j.Write(t.Context(), order(n+1, record.Sent)); err != nil {
			t.Fatal(err)
		}
	}
	j.Note(order(2, record.Filled))
	j.Note(order(3, record.Working))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Write(t.Context(), order(9, record.Sent)); err == nil {
		t.Error("an order is recorded after the end")
	}
	want := []record.Order{
		order(1, record.Sent), order(2, record.Filled), order(3, record.Working), order(4, record.Sent),
		order(5, record.Sent),
	}
	if got := openJournal(t, dir).Orders(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

// TestTornTail cuts the file at every byte of its last line: the others are there, and the record goes on.
func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	j := openJournal(t, dir)
	path := yearFile(dir, time.Now().UTC().Year())
	for n := range uint64(3) {
		if err := j.Write(t.Context(), order(n+1, record.Sent)); err != nil {
			t.Fatal(err)
		}
	}
	j.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line := len(whole) / 3
	for cut := 2 * line; cut < len(whole); cut += 7 {
		for _, tail := range []string{"", "\x00\x00\x00\x00"} {
			if err := os.WriteFile(path, append(whole[:cut:cut], tail...), 0o600); err != nil {
				t.Fatal(err)
			}
			j := openJournal(t, dir)
			if err := j.Write(t.Context(), order(4, record.Sent)); err != nil {
				t.Fatal(err)
			}
			j.Close()
			got := openJournal(t, dir).Orders()
			want := []record.Order{order(1, record.Sent), order(2, record.Sent), order(4, record.Sent)}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("cut at %d: %+v", cut, got)
			}
		}
	}
}

// TestDamagedLine refuses a record with a line that cannot be read, names it and leaves the file as it is: its order
// may be at Gateway. Where a file lacks its end, nothing that counts is missing, also in that of the year before.
func TestDamagedLine(t *testing.T) {
	dir := t.TempDir()
	j := openJournal(t, dir)
	if err := errors.Join(j.Write(t.Context(), order(1, record.Sent)), j.Close()); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Year()
	whole, err := os.ReadFile(yearFile(dir, now))
	if err != nil {
		t.Fatal(err)
	}
	good := string(whole)
	for _, damaged := range []string{
		"{\"number\":\n", "\n", "null\n", "{\"number\":0}\n", "{\"number\":1e300}\n", good[1:],
		good[:len(good)-1] + "\v" + good, "\x00\x00\x00\n", "\xff\xfe\n", strings.Repeat(" ", 2<<20) + good,
	} {
		for _, year := range []int{now - 1, now} {
			text := good + damaged + good[:len(good)/2]
			if err := os.WriteFile(yearFile(dir, year), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if j, err := record.OpenJournal(t.Context(), dir); err == nil {
				j.Close()
				t.Errorf("%.40q: opened", damaged)
			} else if !strings.Contains(err.Error(), yearFile(dir, year)+":2: ") {
				t.Errorf("%.40q: %v", damaged, err)
			}
			if kept, err := os.ReadFile(yearFile(dir, year)); err != nil || string(kept) != text {
				t.Errorf("%.40q: the file has become %.80q, %v", damaged, kept, err)
			}
			if err := os.WriteFile(yearFile(dir, year), []byte(good+good[:len(good)/2]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := openJournal(t, dir).Orders(); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}

// TestJournalYears keeps what is not done of the year before, in whose file nothing is written any more.
func TestJournalYears(t *testing.T) {
	dir := t.TempDir()
	j := openJournal(t, dir)
	if err := j.Write(t.Context(), order(1, record.Sent)); err != nil {
		t.Fatal(err)
	}
	j.Close()
	now := time.Now().UTC().Year()
	if err := os.Rename(yearFile(dir, now), yearFile(dir, now-1)); err != nil {
		t.Fatal(err)
	}
	j = openJournal(t, dir)
	if got := j.Orders(); len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	j.Note(order(1, record.Cancelled))
	j.Close()
	if got := openJournal(t, dir).Orders(); len(got) != 1 || got[0].State != record.Cancelled {
		t.Errorf("%+v", got)
	}
	if data, err := os.ReadFile(yearFile(dir, now)); err != nil || len(data) == 0 {
		t.Errorf("%q, %v", data, err)
	}
}

// TestJournalFromTheFuture opens a record that was written while the clock was ahead: nothing of it is lost.
func TestJournalFromTheFuture(t *testing.T) {
	dir := t.TempDir()
	j := openJournal(t, dir)
	if err := errors.Join(j.Write(t.Context(), order(1, record.Sent)), j.Close()); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Year()
	if err := os.Rename(yearFile(dir, now), yearFile(dir, now+3)); err != nil {
		t.Fatal(err)
	}
	for _, state := range []record.State{record.Sent, record.Cancelled} {
		j = openJournal(t, dir)
		if got := j.Orders(); len(got) != 1 || got[0].State != state {
			t.Fatalf("%+v, want %s", got, state)
		}
		j.Note(order(1, record.Cancelled))
		j.Close()
	}
}

// TestJournalTakenAway records no order in a file that is not in its folder any more.
func TestJournalTakenAway(t *testing.T) {
	if os.PathSeparator == '\\' {
		t.Skip("an open file cannot be taken away there")
	}
	dir := t.TempDir()
	j := openJournal(t, dir)
	if err := j.Write(t.Context(), order(1, record.Sent)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(yearFile(dir, time.Now().UTC().Year())); err != nil {
		t.Fatal(err)
	}
	if err := j.Write(t.Context(), order(2, record.Sent)); err == nil {
		t.Error("an order is recorded in a file that is gone")
	}
}

// TestJournalWaits returns when the caller does not want to wait any more.
func TestJournalWaits(t *testing.T) {
	j := openJournal(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for n := uint64(1); ; n++ {
		if err := j.Write(ctx, order(n, record.Sent)); err != nil {
			return
		}
		if n == 1000 {
			t.Fatal("it never waits")
		}
	}
}

// TestYearOfABusyProgram opens a record of many orders: those that are not done are known, the last ones that are, and
// the memory does not hold the others meanwhile.
func TestYearOfABusyProgram(t *testing.T) {
	dir := t.TempDir()
	const orders = 100_000
	var text []byte
	for n := range uint64(orders) {
		state := record.Filled
		if n%1000 == 0 {
			state = record.Working
		}
		line, err := json.Marshal(order(n+1, state))
		if err != nil {
			t.Fatal(err)
		}
		text = append(append(text, line...), '\n')
	}
	text = append(text, strings.Repeat("\x00", 3<<20)...) // as a computer that lost its power may leave it
	if err := os.WriteFile(yearFile(dir, time.Now().UTC().Year()), text, 0o600); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := openJournal(t, dir).Orders()
	runtime.ReadMemStats(&after)
	if n := len(got); n < 1000 || n > 1100 || got[0].Number != 1 || got[n-1].Number != orders {
		t.Errorf("%d orders are known", n)
	}
	if taken := after.Sys - before.Sys; taken > 24<<20 {
		t.Errorf("%d MB were taken from the system", taken>>20)
	}
}

// TestManyNotes has much become known of an order, as when Gateway repeats itself without end: the last of it counts,
// and the file does not grow with it. An order that is written behind a note stays behind it.
func TestManyNotes(t *testing.T) {
	dir := t.TempDir()
	j := openJournal(t, dir)
	const notes = 100_000
	began := time.Now()
	for n := range notes {
		o := order(1, record.Working)
		o.Code = n
		j.Note(o)
	}
	took := time.Since(began)
	if err := errors.Join(j.Write(t.Context(), order(1, record.Unknown)), j.Close()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(yearFile(dir, time.Now().UTC().Year()))
	if n := bytes.Count(text, []byte("\n")); err != nil || n > 4+int(took/time.Second) {
		t.Errorf("%d lines after %v, %v", n, took, err)
	}
	j = openJournal(t, dir)
	if got := j.Orders(); len(got) != 1 || got[0].State != record.Unknown {
		t.Errorf("%+v", got)
	}
	j.Note(order(1, record.Filled))
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		text, err := os.ReadFile(yearFile(dir, time.Now().UTC().Year()))
		if err == nil && bytes.Contains(text, []byte(`"filled"`)) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("a note is not on disk: %q, %v", text, err)
		}
	}
}

// FuzzJournal opens files of any content: it goes on with them, or refuses them and leaves them as they are.
func FuzzJournal(f *testing.F) {
	f.Add([]byte("{\"number\":1,\"order_id\":5,\"state\":\"sent\"}\n{\"number\":2"))
	f.Add([]byte("\n\n\x00\n[]\nnull\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		path := yearFile(dir, time.Now().UTC().Year())
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := record.OpenJournal(t.Context(), dir)
		if err != nil {
			if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, data) {
				t.Fatalf("refused, and changed to %q, %v", kept, err)
			}
			return
		}
		before := len(j.Orders())
		o := order(1<<50, record.Sent)
		err = j.Write(t.Context(), o)
		j.Close()
		if err != nil {
			t.Fatal(err)
		}
		again, err := record.OpenJournal(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		got := again.Orders()
		found := false
		for _, g := range got {
			found = found || g.Number == o.Number && g.Words == o.Words
		}
		if !found || len(got) < before {
			t.Fatalf("%d orders before, %d now; %v", before, len(got), found)
		}
	})
}

// TestNumbersGoOn opens a record in which more orders work than are shown, and the last one is done: its number is not
// given to another order.
func TestNumbersGoOn(t *testing.T) {
	dir := t.TempDir()
	j, err := record.OpenJournal(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	const last = 1500
	for n := range last {
		o := record.Order{Number: uint64(n + 1), Client: 1, ID: int64(n + 1), State: record.Working}
		if n+1 == last {
			o.State = record.Filled
		}
		j.Note(o)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, err = record.OpenJournal(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	orders := j.Orders()
	if n := len(orders); n != last || orders[n-1].Number != last {
		t.Errorf("%d orders are known, the last one is %+v", n, orders[n-1])
	}
}
