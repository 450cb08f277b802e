package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"
)

// maxDetail bounds a record's detail, in bytes.
const maxDetail = 300

// Log appends to the connection log in a folder. There is one at a time: the caller sees to that. Its methods belong to
// one goroutine.
type Log struct {
	dir    string
	log    *slog.Logger
	file   *os.File
	end    int64 // offset of the closing
	year   int   // of the newest record in the file; 0 if it has none
	seq    uint64
	run    uint64
	broken bool // the file's end could not be put right after a write that failed
	beat   beatFile
}

// Crash is what is known of how the run before has ended, from elsewhere. The zero value is nothing.
type Crash struct {
	At   time.Time
	What string // in one line
}

// Open opens the log in dir, and begins one if there is none. What a crash or a power cut has left half written is cut
// off and kept aside. If the run before has not ended in an orderly way, a record says when it was last known to run.
// crash is what else is known of that.
func Open(crash Crash, dir string, now time.Time, log *slog.Logger) (*Log, error) {
	l := &Log{dir: dir, log: log}
	if err := l.open(now, crash); err != nil {
		return nil, fmt.Errorf("connection log: %w", err)
	}
	return l, nil
}

func (l *Log) open(now time.Time, crash Crash) error {
	path := filepath.Join(l.dir, current)
	if err := repair(path, now, l.log); err != nil {
		return err
	}
	last, err := newest(l.dir)
	if err != nil {
		return err
	}
	l.seq, l.run = last.Seq, last.Run
	if l.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	info, err := l.file.Stat()
	if err == nil && info.Size() == 0 {
		err = l.begin()
	} else if err == nil {
		l.end = info.Size() - int64(len(closing))
		if l.end > int64(len(opening)) {
			l.year = last.Time.UTC().Year()
		}
	}
	ended := last.Seq == 0 || last.What == Stopped || last.What == Crashed
	// One that has ended may have crashed on its way out, or again, or for the first time, before it could write
	// anything.
	if err == nil && (!ended || crash.At.After(last.Time)) {
		l.run = max(1, l.run)
		err = l.crashed(last, now, crash)
	}
	if err != nil {
		l.file.Close()
		return err
	}
	l.run++
	return nil
}

// begin writes an empty array into a new file.
func (l *Log) begin() error {
	_, err := l.file.WriteAt([]byte(opening+closing), 0)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		return err
	}
	syncDir(l.dir)
	l.end, l.year = int64(len(opening)), 0
	return nil
}

// crashed records that the run before has ended without a word to the log.
func (l *Log) crashed(last Record, now time.Time, crash Crash) error {
	at := last.Time
	if beat, err := LastBeat(l.dir); err == nil && beat.After(at) && !beat.After(now) {
		at = beat
	}
	if crash.At.After(at) && !crash.At.After(now) {
		at = crash.At
	}
	if at.IsZero() {
		at = now
	}
	_, err := l.Append(Record{Time: at, What: Crashed, Counts: Unobserved, Detail: crash.What})
	return err
}

// Append writes records and returns those that are on disk then, with the keys that only the log knows: the first of
// those given, and all of them without an error. After an error the others are not in the log, and may be given again.
func (l *Log) Append(records ...Record) ([]Record, error) {
	written := make([]Record, 0, len(records))
	for len(records) > 0 {
		n := 1
		for n < len(records) && records[n].Time.UTC().Year() == records[0].Time.UTC().Year() {
			n++
		}
		some, err := l.append(records[:n])
		if written = append(written, some...); err != nil {
			return written, fmt.Errorf("write connection log: %w; is the disk full, or %s not writable?", err, l.dir)
		}
		records = records[n:]
	}
	return written, nil
}

// append writes records of one year.
func (l *Log) append(records []Record) ([]Record, error) {
	if l.file == nil {
		if err := l.reopen(); err != nil {
			return nil, err
		}
	}
	if l.broken {
		if err := l.restore(); err != nil {
			return nil, err
		}
	}
	if year := records[0].Time.UTC().Year(); l.year != 0 && year > l.year {
		if err := l.turn(year); err != nil {
			return nil, err
		}
	}
	var buf []byte
	written := make([]Record, len(records))
	for i, r := range records {
		r.Seq, r.Run = l.seq+1+uint64(i), l.run
		r.Time = r.Time.Round(0).UTC().Truncate(time.Millisecond)
		r.Local = r.Time.In(time.Local)
		r.Detail = cutText(r.Detail, maxDetail)
		line, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		if l.end > int64(len(opening)) || i > 0 {
			buf = append(buf, ',')
		}
		buf = append(append(buf, '\n'), line...)
		written[i] = r
	}
	buf = append(buf, closing...)
	l.broken = true // until it is done: a panic may come in between
	_, err := l.file.WriteAt(buf, l.end)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, l.restore())
	}
	l.broken = false
	l.end += int64(len(buf) - len(closing))
	l.seq += uint64(len(records))
	for _, r := range written {
		l.year = max(l.year, r.Time.Year())
	}
	return written, nil
}

// restore puts the file's end right after a write that failed.
func (l *Log) restore() error {
	_, err := l.file.WriteAt([]byte(closing), l.end)
	if err == nil {
		err = l.file.Truncate(l.end + int64(len(closing)))
	}
	if err == nil {
		err = l.file.Sync()
	}
	l.broken = err != nil
	return err
}

// turn puts the file of a past year away and begins a new one. If it cannot be put away it is written on.
func (l *Log) turn(year int) error {
	path := filepath.Join(l.dir, current)
	l.file.Close() // Windows does not rename an open file
	l.file = nil
	past, err := pastPath(l.dir, l.year)
	if err == nil {
		err = os.Rename(path, past)
	}
	if err != nil {
		l.log.Warn("the connection log of a past year cannot be archived; its file is continued", "err", err)
		l.year = year
	}
	return l.reopen()
}

// reopen opens the present file, which is new or as it was left.
func (l *Log) reopen() error {
	file, err := os.OpenFile(filepath.Join(l.dir, current), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	l.file = file
	info, err := file.Stat()
	if err == nil && info.Size() == 0 {
		err = l.begin()
	}
	if err != nil {
		file.Close()
		l.file = nil
	}
	return err
}

// Beat notes that the program runs at now, so that after a crash it is known until when it did.
func (l *Log) Beat(now time.Time) error { return l.beat.put(l.dir, now) }

// Close closes the files.
func (l *Log) Close() error {
	err := l.beat.close()
	if l.file != nil {
		err = errors.Join(err, l.file.Close())
	}
	return err
}

// cutText returns text as valid UTF-8 of at most so many bytes.
func cutText(text string, limit int) string {
	if len(text) <= limit && utf8.ValidString(text) {
		return text
	}
	out := make([]byte, 0, limit)
	for _, r := range text {
		if len(out)+utf8.RuneLen(r) > limit {
			break
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}
