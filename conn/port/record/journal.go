package record

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"gatewatch/conn/nudge"
)

// Journal is a record of orders in files to which lines are appended, one file for each year, such as
// program-orders-2026.jsonl. Each line is an [Order] as it was known then, in JSON; the last line with its number
// counts. What was written last by a program that was killed may lack its end: it is cut off. Any other line that
// cannot be read may be an order that Gateway has: such a journal is not opened, and its files stay as they are.
type Journal struct {
	dir   string
	known []Order
	wake  chan struct{} // an order waits to be written, or the end
	noted chan struct{} // notes do
	ended chan struct{} // closed when the goroutine that writes has ended

	mu      sync.Mutex
	lines   []byte           // not written yet
	notes   map[uint64]Order // the newest note of each order, behind the lines
	waiting []chan error
	closed  bool
	broken  error // a sync has failed: nothing can be relied on until the next start

	// Of the goroutine that writes.
	file *os.File
	path string
	year int
	size int64 // of whole lines in the file
}

const (
	// maxUnwritten bounds what waits for a disk that takes nothing. The newest lines are left out then; orders are
	// refused at the same time.
	maxUnwritten = 4 << 20
	// noteGap is how long notes wait for each other. Gateway may repeat itself without end, and of what it has said of
	// an order only the last counts.
	noteGap = time.Second
	// maxOrders bounds the numbers of orders that are read.
	maxOrders = 1 << 52
	// maxLine bounds a line that is read.
	maxLine = 1 << 20
)

var (
	errJournalClosed = errors.New("the record of orders is closed")
	errJournalFull   = errors.New("what waits for the disk has filled its space")
)

// OpenJournal opens the record of orders in a folder, which it makes if need be, unless ctx ends meanwhile. The error
// names a line that cannot be read.
func OpenJournal(ctx context.Context, dir string) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	j := &Journal{
		dir: dir, wake: make(chan struct{}, 1), noted: make(chan struct{}, 1), ended: make(chan struct{}),
		notes: map[uint64]Order{},
	}
	now := time.Now().UTC().Year()
	newest, err := newestYear(dir, now)
	if err != nil {
		return nil, err
	}
	last := map[uint64]Order{}
	for year := now - 1; year <= newest; year++ {
		if err := readJournal(ctx, j.pathOf(year), last); err != nil {
			return nil, err
		}
	}
	j.known = latest(last)
	if err := j.openYear(newest); err != nil {
		return nil, err
	}
	go j.run()
	return j, nil
}

func (j *Journal) pathOf(year int) string {
	return filepath.Join(j.dir, fmt.Sprintf("program-orders-%d.jsonl", year))
}

// newestYear returns the year of the newest file in a folder, at least now. One of a year to come is from a time when
// the clock was ahead: it is continued, so that what is written last stays last.
func newestYear(dir string, now int) (int, error) {
	files, err := os.ReadDir(dir)
	for _, f := range files {
		var year int
		if _, err := fmt.Sscanf(f.Name(), "program-orders-%4d.jsonl", &year); err == nil {
			now = max(now, year)
		}
	}
	return now, err
}

// readJournal takes in the whole lines of a file, if there is one.
func readJournal(ctx context.Context, path string, last map[uint64]Order) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !info.Mode().IsRegular() { // a pipe would be waited for
		return &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, maxLine)
	for n, most := 1, 4*maxRecent; ; n++ {
		line, err := in.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
		var o Order
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil, ctx.Err() != nil:
			return cmp.Or(err, ctx.Err())
		case long, json.Unmarshal(line, &o) != nil, o.Number == 0, o.Number >= maxOrders:
			return fmt.Errorf("%s:%d: the line is damaged", path, n)
		}
		if last[o.Number] = o; len(last) > most { // a year of a busy program must not fill the memory
			kept := latest(last)
			clear(last)
			for _, o := range kept {
				last[o.Number] = o
			}
			most = 2*len(last) + 4*maxRecent
		}
	}
}

// latest returns the orders that are not done, and the last ones that are, oldest first. The last of all is always
// among them: numbers go on from it.
func latest(all map[uint64]Order) []Order {
	list := slices.SortedFunc(maps.Values(all), func(a, b Order) int { return cmp.Compare(a.Number, b.Number) })
	surplus, newest := len(list)-maxRecent, uint64(0)
	if len(list) > 0 {
		newest = list[len(list)-1].Number
	}
	return slices.DeleteFunc(list, func(o Order) bool {
		if surplus <= 0 || !o.State.Done() || o.Number == newest {
			return false
		}
		surplus--
		return true
	})
}

// openYear opens the file of a year and cuts a line off that lacks its end: its order was not sent.
func (j *Journal) openYear(year int) error {
	path := j.pathOf(year)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	size, err := wholeLines(f)
	if err == nil {
		if err = f.Truncate(size); err == nil {
			err = errors.Join(f.Sync(), syncDir(j.dir))
		}
	}
	if err != nil {
		f.Close()
		return err
	}
	if j.file != nil {
		j.file.Close()
	}
	j.file, j.path, j.year, j.size = f, path, year, size
	return nil
}

// syncDir puts the names of a folder's files on disk, where the system can do that.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// wholeLines returns the length of the lines of a file that have an end.
func wholeLines(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	block := make([]byte, 4096)
	for end := info.Size(); end > 0; {
		start := max(0, end-int64(len(block)))
		b := block[:end-start]
		if _, err := f.ReadAt(b, start); err != nil {
			return 0, err
		}
		if n := bytes.LastIndexByte(b, '\n'); n >= 0 {
			return start + int64(n) + 1, nil
		}
		end = start
	}
	return 0, nil
}

// Orders returns what was known of orders when the journal was opened, oldest first.
func (j *Journal) Orders() []Order { return j.known }

// Write returns when an order is on disk. With an error it may be there nevertheless, if ctx ended.
func (j *Journal) Write(ctx context.Context, o Order) error {
	done := make(chan error, 1)
	if err := j.add(o, done); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (j *Journal) add(o Order, done chan error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.closed:
		return errJournalClosed
	case j.broken != nil:
		return j.broken
	case len(j.lines) > maxUnwritten:
		return errJournalFull
	}
	j.takeNotes() // which are older
	j.line(o)
	j.waiting = append(j.waiting, done)
	nudge.Send(j.wake)
	return nil
}

// Note puts an order on disk within a second, unless a later note of it comes before that.
func (j *Journal) Note(o Order) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.closed {
		j.notes[o.Number] = o
		nudge.Send(j.noted)
	}
}

// takeNotes makes lines of the notes. The lock is held.
func (j *Journal) takeNotes() {
	for _, n := range slices.Sorted(maps.Keys(j.notes)) {
		if len(j.lines) <= maxUnwritten {
			j.line(j.notes[n])
		}
	}
	clear(j.notes)
}

func (j *Journal) line(o Order) {
	text, _ := json.Marshal(o) // it has nothing that cannot be written
	j.lines = append(append(j.lines, text...), '\n')
}

// Close writes what waits and closes the journal.
func (j *Journal) Close() error {
	j.mu.Lock()
	if !j.closed {
		j.closed = true
		close(j.wake)
	}
	j.mu.Unlock()
	<-j.ended
	return nil
}

// run writes lines, and syncs them if an order waits for that. Orders of several programs share a sync.
func (j *Journal) run() {
	defer close(j.ended)
	var spare []byte
	var taken time.Time // when notes were
	for open := true; open; {
		select {
		case _, open = <-j.wake:
		case <-j.noted:
			select {
			case _, open = <-j.wake:
			case <-time.After(noteGap - time.Since(taken)):
			}
		}
		j.mu.Lock()
		if len(j.notes) > 0 {
			taken = time.Now()
			j.takeNotes()
		}
		lines, waiting, broken := j.lines, j.waiting, j.broken
		j.lines, j.waiting = spare[:0], nil
		j.mu.Unlock()
		err := broken
		if err == nil {
			err = j.write(lines, len(waiting) > 0 || !open)
		}
		for _, done := range waiting {
			done <- err
		}
		if spare = lines; cap(spare) > 64<<10 {
			spare = nil
		}
	}
	j.file.Close()
}

// write appends lines. If that fails, the file keeps whole lines; what they said of orders is asked of Gateway after
// the next start.
func (j *Journal) write(lines []byte, sync bool) error {
	if year := time.Now().UTC().Year(); year > j.year {
		if err := j.openYear(year); err != nil {
			return err
		}
	}
	if sync {
		if err := j.inPlace(); err != nil {
			return err
		}
	}
	n, err := j.file.WriteAt(lines, j.size)
	if err != nil {
		if n > 0 {
			_ = j.file.Truncate(j.size)
		}
		return err
	}
	j.size += int64(n)
	if !sync {
		return nil
	}
	if err := syncData(j.file); err != nil {
		j.mu.Lock()
		j.broken = fmt.Errorf("the record of orders could not be synced: %w", err)
		j.mu.Unlock()
		return err
	}
	return nil
}

// inPlace checks that the file that is written is the one in the folder.
func (j *Journal) inPlace() error {
	want, err := j.file.Stat()
	if err != nil {
		return err
	}
	got, err := os.Stat(j.path)
	if err == nil && !os.SameFile(want, got) {
		err = fmt.Errorf("%s was replaced", j.path)
	}
	return err
}
