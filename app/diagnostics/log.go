package diagnostics

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// tailSize is how much of the end of the program's log is looked at.
const tailSize = 512 << 10

// shownKeys are the attributes of the program's log whose values are shown, once they have been through a [Hider].
// Others, such as rule, order, text and detail, may tell what someone trades.
var shownKeys = []string{
	"time", "level", "msg", "seq", "state", "session", "attempt", "cause", "code", "farm", "duration", "wait",
	"version", "api", "uptime",
	"reason", "err", "kind", "keys", "channel", "click", "part", "panic", "count", "stack", "given_up", "crash", "path",
}

// tail returns the last lines of the program's log, without what is in none of shownKeys.
func tail(path string, most int) ([]string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	from := max(0, size-tailSize)
	text := make([]byte, size-from)
	n, err := f.ReadAt(text, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	text = text[:n]
	if from > 0 { // begins in the middle of a line
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		lines = append(lines, shownLine(strings.TrimSpace(line)))
	}
	return lines[max(0, len(lines)-most):], nil
}

// shownLine returns a line of the log as it is shown. What is not a record of Gatewatch is not shown.
func shownLine(line string) string {
	attrs, ok := attributes(line)
	if !ok {
		return "(a line that is no record)"
	}
	message := ""
	for _, a := range attrs {
		if a.key == "msg" {
			message = a.value
		}
	}
	// What is in a file that is refused is cited in the error.
	cites := strings.Contains(message, "settings") || strings.Contains(message, "rules")
	var parts []string
	for _, a := range attrs {
		text := a.raw
		if !slices.Contains(shownKeys, a.key) || a.key == "err" && cites {
			text = Hidden
		}
		parts = append(parts, a.key+"="+text)
	}
	return strings.Join(parts, " ")
}

// attribute is a key of a record with its value, as it stands in the file and as it is meant.
type attribute struct{ key, raw, value string }

// attributes reads a line as slog's text handler writes it.
func attributes(line string) (list []attribute, ok bool) {
	for line != "" {
		key, rest, found := strings.Cut(line, "=")
		if !found || key == "" || strings.ContainsAny(key, " \"") {
			return nil, false
		}
		a := attribute{key: key}
		if strings.HasPrefix(rest, `"`) {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, false
			}
			a.raw, rest = quoted, rest[len(quoted):]
			a.value, _ = strconv.Unquote(quoted) // it has just been found to be one
		} else {
			a.raw, _, _ = strings.Cut(rest, " ")
			a.value, rest = a.raw, rest[len(a.raw):]
		}
		list = append(list, a)
		if line = strings.TrimPrefix(rest, " "); line == rest && rest != "" {
			return nil, false
		}
	}
	return list, len(list) > 1 && list[0].key == "time"
}
