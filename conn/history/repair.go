package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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
		return salvage(f, path, now, log)
	case string(tail[good:]) == closing:
		return nil
	}
	if aside := strings.Trim(string(tail[good:]), ",\n] "); aside != "" {
		name, err := keepAside(path, tail[good:], now)
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

// recordSize returns the length of the record that a line begins with, 0 if it begins with none.
func recordSize(line []byte) int {
	if _, ok := parseLine(line); ok {
		return len(bytes.TrimRight(line, ", \r"))
	}
	var raw json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(line))
	if dec.Decode(&raw) != nil {
		return 0
	}
	if _, ok := parseLine(raw); !ok {
		return 0
	}
	return int(dec.InputOffset())
}

// salvage writes a file again from every record that is found in it. The file as it was is kept aside.
func salvage(f *os.File, path string, now time.Time, log *slog.Logger) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	lines := records(data)
	name, err := keepAside(path, data, now)
	if err != nil {
		return err
	}
	log.Warn("the connection log was damaged or edited; it was repaired, and the old file is kept", "records",
		len(lines), "file", name)
	var text bytes.Buffer
	text.WriteString(opening)
	for i, line := range lines {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteByte('\n')
		text.Write(line)
	}
	text.WriteString(closing)
	f.Close() // Windows does not replace an open file
	return writeWhole(path, text.Bytes())
}

// records returns every record in a text, whatever is between them, each in one line.
func records(data []byte) [][]byte {
	var found [][]byte
	for at := 0; ; {
		n := bytes.IndexByte(data[at:], '{')
		if n < 0 {
			return found
		}
		at += n
		one := data[at:min(len(data), at+maxRecord)]
		var raw json.RawMessage
		dec := json.NewDecoder(bytes.NewReader(one))
		if dec.Decode(&raw) != nil {
			at++
			continue
		}
		var line bytes.Buffer
		if _, ok := parseLine(raw); !ok || json.Compact(&line, raw) != nil {
			at++
			continue
		}
		found = append(found, line.Bytes())
		at += int(dec.InputOffset())
	}
}

// keepAside writes damaged bytes to a new file beside the log and returns its name.
func keepAside(path string, data []byte, now time.Time) (string, error) {
	stamp := now.UTC().Format("20060102T150405.000Z")
	for n := 0; ; n++ {
		name := fmt.Sprintf("connection_log.damaged-%s.json", stamp)
		if n > 0 {
			name = fmt.Sprintf("connection_log.damaged-%s-%d.json", stamp, n)
		}
		f, err := os.OpenFile(filepath.Join(filepath.Dir(path), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.Write(data)
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return "", err
		}
		syncDir(filepath.Dir(path))
		return name, nil
	}
}

// writeWhole puts a new content in the place of a file's, whole or not at all.
func writeWhole(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".connection_log-*") // 0600 by its contract
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	syncDir(filepath.Dir(path))
	return nil
}
