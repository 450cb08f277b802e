package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/natefinch/atomic"
)

// Marshal returns a struct as the text of a file: indented, lists of plain values on one line, and in a list also an
// object that holds no other. A number that is not finite becomes null, which no reader accepts, and an error.
func Marshal(v any) ([]byte, error) {
	w := writer{}
	w.write(reflect.ValueOf(v), "", "", false)
	w.out.WriteByte('\n')
	return w.out.Bytes(), w.err
}

// Line returns a value as JSON on one line.
func Line(v any) ([]byte, error) {
	w := writer{}
	w.line(reflect.ValueOf(v), "")
	return w.out.Bytes(), w.err
}

type writer struct {
	out bytes.Buffer
	err error // the first
}

// write writes v, which stands at a path, with its lines indented. In a list, small objects take one line.
func (w *writer) write(v reflect.Value, path, indent string, inList bool) {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	inner := indent + "  "
	switch {
	case v.Kind() == reflect.Struct && !standsAlone(v) && !(inList && small(v)) && len(written(v)) > 0:
		for i, f := range written(v) {
			fmt.Fprintf(&w.out, "%s\n%s%q: ", separator(i, "{", ","), inner, f.Key)
			w.write(v.Field(f.Index), Join(path, f.Key), inner, inList)
		}
		w.out.WriteString("\n" + indent + "}")
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct && v.Len() > 0:
		for i := range v.Len() {
			fmt.Fprintf(&w.out, "%s\n%s", separator(i, "[", ","), inner)
			w.write(v.Index(i), fmt.Sprintf("%s[%d]", path, i), inner, true)
		}
		w.out.WriteString("\n" + indent + "]")
	default:
		w.line(v, path)
	}
}

func (w *writer) line(v reflect.Value, path string) {
	switch {
	case v.Kind() == reflect.Pointer:
		w.line(v.Elem(), path)
	case v.Kind() == reflect.Struct && standsAlone(v):
		alone, _ := Alone(v.Type())
		w.line(v.Field(alone.Index), path)
	case v.Kind() == reflect.Struct:
		w.out.WriteByte('{')
		for i, f := range written(v) {
			fmt.Fprintf(&w.out, "%s%q: ", separator(i, "", ", "), f.Key)
			w.line(v.Field(f.Index), Join(path, f.Key))
		}
		w.out.WriteByte('}')
	case v.Kind() == reflect.Slice:
		w.out.WriteByte('[')
		for i := range v.Len() {
			w.out.WriteString(separator(i, "", ", "))
			w.line(v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
		w.out.WriteByte(']')
	default:
		var text strings.Builder
		enc := json.NewEncoder(&text)
		enc.SetEscapeHTML(false) // < and & stay readable
		if err := enc.Encode(v.Interface()); err != nil {
			text.WriteString("null")
			if w.err == nil {
				w.err = fmt.Errorf("%s: %w", path, err)
			}
		}
		w.out.WriteString(strings.TrimSuffix(text.String(), "\n"))
	}
}

// written lists the keys of a struct that are written.
func written(v reflect.Value) []Field {
	var fields []Field
	for _, f := range Fields(v.Type()) {
		value := v.Field(f.Index)
		none := value.Kind() == reflect.Pointer && value.IsNil()
		if f.Omit && (value.IsZero() || value.Kind() == reflect.Slice && value.Len() == 0) || none {
			continue
		}
		fields = append(fields, f)
	}
	return fields
}

// small reports whether a struct holds no other, as far as it is written.
func small(v reflect.Value) bool {
	for _, f := range written(v) {
		t := v.Field(f.Index).Type()
		if t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() == reflect.Struct {
			return false
		}
	}
	return true
}

func standsAlone(v reflect.Value) bool {
	alone, ok := Alone(v.Type())
	return ok && !v.Field(alone.Index).IsZero()
}

func separator(i int, first, next string) string {
	if i == 0 {
		return first
	}
	return next
}

// Save writes a file so that a reader sees the old content or the new one and nothing between; only the user may read
// it. A link at path stays a link. Folders that are missing are made.
func Save(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	return WriteFile(path, data)
}

// Put writes a file that is the program's own, unless it is there already with this content.
func Put(path string, data []byte) error {
	if f, err := Open(path); err == nil {
		present, err := io.ReadAll(io.LimitReader(f, int64(len(data))+1))
		f.Close()
		if err == nil && bytes.Equal(present, data) {
			return nil
		}
	}
	return WriteFile(path, data)
}

// WriteFile puts a new file in the place of an old one, whole, on disk and readable by the user alone.
func WriteFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // 0600 by its contract
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = replace(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

func replace(from, to string) error {
	return whileOthersUse(func() error { return atomic.ReplaceFile(from, to) })
}

// useLimit bounds the wait for others who use a file; each of them reads or writes a few kilobytes.
const useLimit = time.Second

// whileOthersUse does something with a file, again if it fails because someone else has the file open: Windows then
// refuses to rename another over it, and to open it while it is renamed.
func whileOthersUse(do func() error) error {
	const sharingViolation = syscall.Errno(32)
	for end := time.Now().Add(useLimit); ; time.Sleep(5 * time.Millisecond) {
		err := do()
		used := errors.Is(err, fs.ErrPermission) || errors.Is(err, sharingViolation)
		if runtime.GOOS != "windows" || !used || time.Now().After(end) {
			return err
		}
	}
}
