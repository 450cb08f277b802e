package rulebook

import (
	"context"
	"errors"
	"io/fs"

	"gatewatch/app/strict"
)

// Load reads the file at path; found is false and the error nil if there is none. An error means that a file that is
// there could not be read; what is wrong with its content stands in the book.
func Load(path string) (b Book, found bool, err error) {
	data, err := file.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Book{}, false, nil
	case err != nil:
		return Book{Broken: true}, true, err
	}
	return Parse(path, data), true, nil
}

// ReadText returns the text of the file at path; found is false and the error nil if there is none.
func ReadText(path string) (text []byte, found bool, err error) { return file.ReadText(path) }

// Watch follows the rules file at path until ctx ends. It calls changed for the content that is there at first and for
// each new one, and failed once when a file that was there is gone (fs.ErrNotExist), and when it cannot be read. A file
// that is missing at first is no error. Both are called one at a time and must return soon. Where the system cannot
// announce changes, a look every five seconds finds them.
func Watch(ctx context.Context, path string, changed func(), failed func(error)) {
	w := strict.Watcher{Kind: file, Path: path, OnContent: func([]byte) { changed() }, OnError: failed}
	w.Run(ctx)
}
