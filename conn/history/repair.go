package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// tailSize is how much of a file's end is looked at on opening. What was written last lies there.
	tailSize = 64 << 10
	// maxRecord bounds one record while salvaging.
	maxRecord = 64 << 10
	// maxDepth is how many objects may be in one another in a record while salvaging. Later versions may have some.
	maxDepth = 4
)

// repair leaves a log file that ends with a whole record and the closing, if there is a file. What is no record is kept
// aside.
func repair(path string, now time.Time, log *slog.Logger) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	if size == 0 {
		return nil
	}
	start := max(0, size-tailSize)
	tail := make([]byte, size-start)
	if _, err := f.ReadAt(tail, start); err != nil {
		return err
	}
	head := make([]byte, min(size, int64(len(opening)+1)))
	if _, err := f.ReadAt(head, 0); err != nil {
		return err
	}
	good, whole := goodEnd(tail, start == 0)
	switch {
	case !strings.HasPrefix(opening+"\n", string(head)) || !whole:
		return salvage(f, path, size, now, log)
	case string(tail[good:]) == closing:
		return nil
	}
	if aside := strings.Trim(string(tail[good:]), ",\n] "); aside != "" {
		name, err := keepAside(path, now, func(aside string) error { return putNew(aside, tail[good:]) })
		if err != nil {
			return err
		}
		log.Warn("the connection log's end was damaged; it has been cut off and kept aside", "bytes", len(tail)-good,
			"file", name)
	}
	end := start + int64(good)
	if _, err := f.WriteAt([]byte(closing), end); err != nil {
		return err
	}
	if err := f.Truncate(end + int64(len(closing))); err != nil {
		return err
	}
	return f.Sync()
}

// goodEnd returns the offset in the tail of a file behind its last record, or behind the opening if it has none. whole
// is false if only a look at the whole file can tell: no record is in sight, or there is something else between
// records.
func goodEnd(tail []byte, fromStart bool) (good int, whole bool) {
	at := 0
	if fromStart {
		at = min(len(opening), len(tail))
		good, whole = at, len(bytes.Trim(tail, "[]\n\x00")) == 0
	} else {
		at = bytes.IndexByte(tail, '\n') // a line that began before the tail
		if at < 0 {
			return 0, false
		}
	}
	// Each line is "\n", a record, and "," but for the last one.
	bad := false
	for at < len(tail) {
		line := tail[at+1:]
		n := bytes.IndexByte(line, '\n')
		if n >= 0 {
			line = line[:n]
		}
		if tail[at] != '\n' {
			bad = true
		} else if size := recordSize(line); size > 0 {
			if bad {
				return 0, false
			}
			good, whole = at+1+size, true
			bad = len(bytes.Trim(line[size:], ", \r")) > 0
		} else {
			bad = true
		}
		at += 1 + len(line)
		if n < 0 {
			break
		}
	}
	return good, whole
}

// recordSize returns the length of the record that a text begins with, 0 if it begins with none.
func recordSize(text []byte) int {
	size := objectSize(text)
	if _, ok := parseLine(text[:size]); !ok {
		return 0
	}
	return size
}

// salvage writes a file again from every record that is found in it, or in the end of a long one. The file as it was
// is kept aside.
func salvage(f *os.File, path string, size int64, now time.Time, log *slog.Logger) error {
	start := max(0, size-maxAtStart)
	repaired, found, err := rewrite(path, io.NewSectionReader(f, start, size-start))
	if err != nil {
		return err
	}
	f.Close() // Windows does not rename an open file
	name, err := keepAside(path, now, func(aside string) error {
		if _, err := os.Lstat(aside); err == nil {
			return fs.ErrExist
		}
		if os.Link(path, aside) == nil { // else the file system has no links
			return nil
		}
		return os.Rename(path, aside)
	})
	if err == nil {
		err = os.Rename(repaired, path)
	}
	if err != nil {
		os.Remove(repaired)
		return err
	}
	log.Warn("the connection log was damaged or edited; it was repaired, and the old file is kept", "records", found,
		"file", name)
	syncDir(filepath.Dir(path))
	return nil
}

// rewrite writes the records in a text to a new file beside the log, and returns its path and their number.
func rewrite(path string, text io.Reader) (name string, found int, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".connection_log-*") // 0600 by its contract
	if err != nil {
		return "", 0, err
	}
	out := bufio.NewWriter(f)
	out.WriteString(opening)
	err = records(text, func(line []byte) {
		if found++; found > 1 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
		out.Write(line)
	})
	out.WriteString(closing)
	if err = errors.Join(err, out.Flush(), f.Sync(), f.Close()); err != nil {
		os.Remove(f.Name())
		return "", 0, err
	}
	return f.Name(), found, nil
}

// records calls f with every record in a text, whatever is between them, each in one line. The time it takes grows with
// the length of the text alone.
func records(text io.Reader, f func(line []byte)) error {
	in := bufio.NewReaderSize(text, 16*maxRecord)
	var line bytes.Buffer
	for {
		ahead, err := in.Peek(maxRecord)
		if len(ahead) == 0 {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return err
		}
		skip := bytes.IndexByte(ahead, '{')
		if skip < 0 {
			skip = len(ahead)
		} else if skip == 0 {
			skip = 1
			if size := recordSize(ahead); size > 0 && json.Compact(&line, ahead[:size]) == nil {
				f(line.Bytes())
				line.Reset()
				skip = size
			}
		}
		_, _ = in.Discard(skip)
	}
}

// objectSize returns the length of the object that a text begins with; 0 if that has no end, or cannot be a record.
// However many braces a text has, each of its bytes is looked at a few times at most: of two braces in the strings of
// objects that began before, only one is in a string of both.
func objectSize(text []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted && c < ' ' || c == '\\':
			return 0
		case quoted:
		case c == '{':
			if depth++; depth > maxDepth {
				return 0
			}
		case c == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// keepAside has put make a file beside the log for what is damaged, and returns its name. put returns [fs.ErrExist] for
// a name that is taken.
func keepAside(path string, now time.Time, put func(path string) error) (string, error) {
	stamp := now.UTC().Format("20060102T150405.000Z")
	for n := 0; ; n++ {
		name := fmt.Sprintf(damaged+"%s.json", stamp)
		if n > 0 {
			name = fmt.Sprintf(damaged+"%s-%d.json", stamp, n)
		}
		if err := put(filepath.Join(filepath.Dir(path), name)); !errors.Is(err, fs.ErrExist) {
			return name, err
		}
	}
}

// putNew writes a new file.
func putNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	syncDir(filepath.Dir(path))
	return errors.Join(err, f.Sync(), f.Close())
}
