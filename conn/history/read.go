package history

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// hop is how far a search for a place in a file steps back.
	hop = 64 << 10
	// maxAtStart bounds what is read of the log, and salvaged of a damaged one, before the program answers and
	// connects: 40,000 records, as many as in a hundred days with an outage every seven minutes.
	maxAtStart = 8 << 20
)

// Read calls f with the records from since on, the oldest first, until it returns false. It begins with the last record
// before since, if there is one, which says how things stood then. It may be called while the log is written. Lines
// that are no record are passed over.
func Read(dir string, since time.Time, f func(Record) bool) error {
	return readEnd(dir, since, math.MaxInt64, f)
}

// readEnd does what [Read] says with the last limit bytes of the log, or a little more.
func readEnd(dir string, since time.Time, limit int64, f func(Record) bool) error {
	var before Record
	begun := false
	return scan(dir, limit, func(r *Record) bool { return r.Time.Before(since) }, func(r Record) bool {
		if !begun && r.Time.Before(since) {
			before = r
			return true
		}
		if !begun && before.Seq > 0 && !f(before) {
			return false
		}
		begun = true
		return f(r)
	}, func() {
		if !begun && before.Seq > 0 {
			f(before)
		}
	})
}

// Query returns at most limit records that are not before since, the oldest first. Without after they are the newest
// ones, and more says that there are older ones; with after they are those that follow the record with that seq, and
// more says that there are later ones. Files without any record that can be read are an error.
func Query(dir string, since time.Time, after uint64, limit int) (list []Record, more bool, err error) {
	if after > 0 {
		return following(dir, since, after, limit)
	}
	paths, err := logFiles(dir)
	if err != nil {
		return nil, false, err
	}
	for _, path := range slices.Backward(paths) {
		done := false
		err := backward(path, func(r Record) bool {
			switch {
			case r.Time.Before(since):
				done = true
			case len(list) == limit:
				more, done = true, true
			default:
				list = append(list, r)
			}
			return !done
		})
		if err != nil {
			return nil, false, err
		}
		if done {
			break
		}
	}
	if len(list) == 0 && !more && since.IsZero() {
		err = unreadable(paths)
	}
	slices.Reverse(list)
	return list, more, err
}

// unreadable returns an error if one of the files of a log in which no record was found is more than empty.
func unreadable(paths []string) error {
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Size() > int64(len(opening+closing)) {
			return fmt.Errorf("connection log: no record can be read in %s; Gatewatch repairs it when it starts", path)
		}
	}
	return nil
}

// following returns the records behind the one with a seq.
func following(dir string, since time.Time, after uint64, limit int) (list []Record, more bool, err error) {
	err = scan(dir, math.MaxInt64, func(r *Record) bool { return r.Seq <= after }, func(r Record) bool {
		switch {
		case r.Seq <= after || r.Time.Before(since):
		case len(list) == limit:
			more = true
			return false
		default:
			list = append(list, r)
		}
		return true
	}, func() {})
	return list, more, err
}

// followEvery is the time between two looks at a log that is followed.
const followEvery = 500 * time.Millisecond

// Follow calls f with each record after the one with the given seq, as it is appended, until ctx ends or f returns an
// error, which it returns.
func Follow(ctx context.Context, dir string, after uint64, f func(Record) error) error {
	look := time.Tick(followEvery)
	var seen fs.FileInfo
	for {
		info, err := os.Stat(filepath.Join(dir, current))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("connection log: %w", err)
		}
		for err == nil && (seen == nil || !os.SameFile(info, seen) || info.Size() != seen.Size()) {
			list, more, err := following(dir, time.Time{}, after, 1000)
			if err != nil {
				return err
			}
			for _, r := range list {
				if err := f(r); err != nil {
					return err
				}
				after = r.Seq
			}
			if !more {
				break
			}
		}
		seen = info
		select {
		case <-ctx.Done():
			return nil
		case <-look:
		}
	}
}

// scan calls f with the records of all files in order, from a place on before which all records are before, or which is
// limit bytes before the end; then end.
func scan(dir string, limit int64, before func(*Record) bool, f func(Record) bool, end func()) error {
	paths, err := logFiles(dir)
	if err != nil {
		return err
	}
	// Backwards to the file and the place in it from which on to read.
	first, offset := 0, int64(0)
	for i, path := range slices.Backward(paths) {
		size := int64(0)
		if offset, size, err = place(path, limit, before); err != nil {
			return err
		}
		limit -= size
		if first = i; offset > 0 {
			break
		}
	}
	for _, path := range paths[min(first, len(paths)):] {
		goOn, err := forward(path, offset, f)
		if err != nil || !goOn {
			return err
		}
		offset = 0
	}
	end()
	return nil
}

// place returns the offset of a line before which all records are before, as far as looks at every 64 KiB can tell, or
// of any byte that is limit bytes before the end of the file; and the size of the file, of which 0 wants all.
func place(path string, limit int64, before func(*Record) bool) (offset, size int64, err error) {
	f, err := openFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("connection log: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, 0, fmt.Errorf("connection log: %w", err)
	}
	size = info.Size()
	// Two stretches in a row have to begin before: a clock that was wrong for a moment is no reason to stop.
	buf, found := make([]byte, hop), int64(0)
	for at := size; at > hop; {
		if size-at >= limit {
			return cmp.Or(found, at), size, nil
		}
		at -= hop
		n, err := f.ReadAt(buf, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, size, fmt.Errorf("connection log: %w", err)
		}
		cut := bytes.IndexByte(buf[:n], '\n')
		if cut < 0 {
			continue
		}
		line, _, _ := bytes.Cut(buf[cut+1:n], []byte("\n"))
		switch r, ok := parseLine(line); {
		case !ok:
		case !before(&r):
			found = 0
		case found > 0:
			return found, size, nil
		default:
			found = at + int64(cut) + 1
		}
	}
	return found, size, nil
}

// forward calls f with the records of a file from an offset on; goOn is false if f has returned false.
func forward(path string, offset int64, f func(Record) bool) (goOn bool, err error) {
	file, err := openFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil // put away in this moment; its records will be met again
	}
	if err != nil {
		return false, fmt.Errorf("connection log: %w", err)
	}
	defer file.Close()
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return false, fmt.Errorf("connection log: %w", err)
	}
	lines := bufio.NewReaderSize(file, hop)
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			continue // no record is that long
		}
		if r, ok := parseLine(line); ok && !f(r) {
			return false, nil
		}
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("connection log: %w", err)
		}
	}
}

// backward calls f with the records of a file, the newest first, until it returns false.
func backward(path string, f func(Record) bool) error {
	file, err := openFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("connection log: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("connection log: %w", err)
	}
	var rest []byte // the beginning of a line whose end has been read
	for at := info.Size(); at > 0; {
		n := min(at, hop)
		at -= n
		buf := make([]byte, n, n+int64(len(rest)))
		if _, err := file.ReadAt(buf, at); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("connection log: %w", err)
		}
		buf = append(buf, rest...)
		for {
			i := bytes.LastIndexByte(buf, '\n')
			if i < 0 {
				break
			}
			if r, ok := parseLine(buf[i+1:]); ok && !f(r) {
				return nil
			}
			buf = buf[:i]
		}
		if rest = buf; len(rest) > maxRecord {
			rest = nil // no record is that long
		}
	}
	return nil
}

// newest returns the last record of the log; its zero value if there is none.
func newest(dir string) (last Record, err error) {
	paths, err := logFiles(dir)
	if err != nil {
		return last, err
	}
	for _, path := range slices.Backward(paths) {
		if err := backward(path, func(r Record) bool { last = r; return false }); err != nil || last.Seq > 0 {
			return last, err
		}
	}
	return last, nil
}

// FirstRun reports whether the log in dir, or the end of a long one, knows of no connection. With an error that is not
// known, and false. It is false also if part of the log was damaged and put aside when it was opened.
func FirstRun(dir string) (bool, error) {
	found := false
	err := readEnd(dir, time.Time{}, maxAtStart, func(r Record) bool {
		found = r.What == Recovered
		return !found
	})
	if found || err != nil {
		return false, err
	}
	entries, _ := os.ReadDir(dir) // which was possible a moment ago, unless there is none
	aside := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return strings.HasPrefix(e.Name(), damaged) })
	return !aside, nil
}
