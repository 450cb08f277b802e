package sim

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// textWriter appends NUL-terminated fields.
type textWriter struct {
	b       []byte
	version int
}

// str writes a field. A NUL inside, which protobuf sessions can bring in, would shift all later fields: it is left out.
func (t *textWriter) str(s string) {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	t.b = append(append(t.b, s...), 0)
}

func (t *textWriter) strs(ss ...string) {
	for _, s := range ss {
		t.str(s)
	}
}

func (t *textWriter) int(i int64) { t.b = append(strconv.AppendInt(t.b, i, 10), 0) }

func (t *textWriter) bool(v bool) {
	if v {
		t.str("1")
	} else {
		t.str("0")
	}
}

func (t *textWriter) float(f float64) { t.b = append(strconv.AppendFloat(t.b, f, 'f', -1, 64), 0) }

// textReader walks the NUL-terminated fields of a text request. The first error sticks; later reads return zero.
type textReader struct {
	fields []string
	pos    int
	err    error
	reqID  *int32 // set once the request id is known, for the answer to a broken request
}

func newTextReader(body []byte) (*textReader, error) {
	if len(body) > 0 && body[len(body)-1] != 0 {
		return nil, errors.New("last field without terminator")
	}
	if !utf8.Valid(body) {
		return nil, errors.New("text is not UTF-8")
	}
	fields := strings.Split(string(body), "\x00")
	return &textReader{fields: fields[:len(fields)-1]}, nil
}

func (r *textReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// finish returns the first error, or an error if fields are left over.
func (r *textReader) finish() error {
	if r.err == nil && r.pos != len(r.fields) {
		r.fail("%d fields, expected %d", len(r.fields), r.pos)
	}
	return r.err
}

func (r *textReader) str() string {
	if r.pos >= len(r.fields) {
		r.fail("only %d fields", len(r.fields))
		return ""
	}
	s := r.fields[r.pos]
	r.pos++
	return s
}

func (r *textReader) optStr() *string {
	if s := r.str(); s != "" {
		return &s
	}
	return nil
}

// optInt reads a number that may be unset: empty or 2147483647.
func (r *textReader) optInt() *int32 {
	n := r.optInt64()
	switch {
	case n == nil || *n == math.MaxInt32:
		return nil
	case *n > math.MaxInt32 || *n < math.MinInt32:
		r.fail("field %d: %d is out of range", r.pos, *n)
		return nil
	}
	return new(int32(*n))
}

func (r *textReader) optInt64() *int64 {
	s := r.str()
	if s == "" {
		return nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		r.fail("field %d: %.40q is not an integer", r.pos, s)
		return nil
	}
	return &n
}

// optFloat reads a number that may be unset: empty or the largest double.
func (r *textReader) optFloat() *float64 {
	s := r.str()
	if s == "" || strings.EqualFold(s, "infinity") { // competeAgainstBestOffset "up to mid" travels as infinity
		return nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		r.fail("field %d: %.40q is not a number", r.pos, s)
		return nil
	}
	if f == math.MaxFloat64 {
		return nil
	}
	return &f
}

// optBool leaves false unset, as the protobuf clients do.
func (r *textReader) optBool() *bool {
	switch s := r.str(); s {
	case "", "0", "false":
	case "1", "true":
		return new(true)
	default:
		r.fail("field %d: %.40q is not a boolean", r.pos, s)
	}
	return nil
}

func (r *textReader) count() int {
	n := value(r.optInt())
	if n < 0 || int(n) > len(r.fields)-r.pos {
		r.fail("field %d: count %d", r.pos, n)
		return 0
	}
	return int(n)
}

// options reads "tag=value;tag=value;" in one field.
func (r *textReader) options() map[string]string {
	s := r.str()
	if s == "" {
		return nil
	}
	m := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimSuffix(s, ";"), ";") {
		tag, value, ok := strings.Cut(part, "=")
		if !ok {
			r.fail("field %d: %.40q is not a list of tag=value", r.pos, s)
			return nil
		}
		m[tag] = value
	}
	return m
}
