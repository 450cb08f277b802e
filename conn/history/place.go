package history

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// keepInPlace looks whether the file of the log is still where it was opened. If it has gone, what it holds is written
// there again; moved reports that. An error means that the file has gone and that this log cannot go on.
func (l *Log) keepInPlace() (moved bool, err error) {
	if l.file == nil {
		return false, nil
	}
	path := filepath.Join(l.dir, current)
	was, err := l.file.Stat()
	if err != nil {
		return false, err
	}
	is, err := os.Stat(path)
	switch {
	case err == nil && os.SameFile(was, is):
		return false, nil
	case err == nil:
		return false, fmt.Errorf("%s is another file by now", path)
	case !errors.Is(err, fs.ErrNotExist):
		return false, nil // no one can say
	}
	if err := l.copyTo(path, was.Size()); err != nil {
		return false, err
	}
	err = l.beat.close()
	l.beat = beatFile{}
	return true, err
}

// copyTo writes what the file holds to a path, and goes on there.
func (l *Log) copyTo(path string, size int64) error {
	f, err := os.CreateTemp(l.dir, ".connection_log-*") // 0600 by its contract
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.NewSectionReader(l.file, 0, size))
	if err = errors.Join(err, f.Sync()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return err
	}
	l.file.Close()
	l.file = f
	return nil
}
