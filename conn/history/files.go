package history

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// A log file is one JSON array with a record in each line:
//
//	[
//	{"seq":1,…},
//	{"seq":2,…}
//	]
//
// so that appending overwrites the last three bytes and nothing else.
const (
	opening = "["
	closing = "\n]\n"

	current = "connection_log.json"
	damaged = "connection_log.damaged-" // begins the name of what is put aside
)

var pastName = regexp.MustCompile(`^connection_log-(\d{4,5})(?:-(\d+))?\.json$`)

// logFiles returns the paths of the log's files, the oldest first, the one that is written last. There may be none.
func logFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("connection log: %w", err)
	}
	type past struct {
		name        string
		year, count int
	}
	var found []past
	written := false
	for _, e := range entries {
		if m := pastName.FindStringSubmatch(e.Name()); m != nil {
			year, _ := strconv.Atoi(m[1])
			count, _ := strconv.Atoi(m[2])
			found = append(found, past{e.Name(), year, count})
		}
		written = written || e.Name() == current
	}
	slices.SortFunc(found, func(a, b past) int { return cmp.Or(a.year-b.year, a.count-b.count) })
	var paths []string
	for _, f := range found {
		paths = append(paths, filepath.Join(dir, f.name))
	}
	if written {
		paths = append(paths, filepath.Join(dir, current))
	}
	return paths, nil
}

// openFile opens a file for reading. It does not wait for what is no file, such as a pipe.
func openFile(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: errors.New("not a regular file")}
	}
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// pastPath returns a path that is free for the file of a past year.
func pastPath(dir string, year int) (string, error) {
	for n := 1; ; n++ {
		name := fmt.Sprintf("connection_log-%04d.json", year)
		if n > 1 {
			name = fmt.Sprintf("connection_log-%04d-%d.json", year, n)
		}
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return path, nil
		} else if err != nil {
			return "", err
		}
	}
}

// minRecord is the length of the shortest record, {"seq":1,"time":"2026-11-23T12:00:00Z","event":"x"}. What is
// shorter is not looked at: that would take minutes where a long file is something else.
const minRecord = 51

// maxNumber is what no record's number comes near: from those of the last record the next ones are counted.
const maxNumber = 1 << 53

// parseLine reads one line of a log file; ok is false if there is no record in it, or one with a time that cannot be
// written in every zone.
func parseLine(line []byte) (_ Record, ok bool) {
	if len(line) < minRecord {
		return Record{}, false
	}
	line = bytes.TrimSpace(line)
	line = bytes.TrimSuffix(line, []byte(","))
	if len(line) == 0 || line[0] != '{' {
		return Record{}, false
	}
	var r Record
	if json.Unmarshal(line, &r) != nil {
		return Record{}, false
	}
	year := r.Time.UTC().Year()
	return r, 0 < r.Seq && r.Seq < maxNumber && r.Run < maxNumber && 1 < year && year < 9999 && r.What != ""
}

// syncDir makes a rename or a new file in dir last through a power cut, where the system can do that.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync() // Windows cannot sync a folder, and does not need to
		d.Close()
	}
}
