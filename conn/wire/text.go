package wire

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxText bounds a text of Gateway's, in bytes. Its longest ones, about precautions, have some 500.
	maxText = 1024
	// maxList bounds a list in text. There are some 40 exchanges for a stock, and hundreds of accounts for an advisor.
	maxList = 64 << 10
)

// Cut returns a text from outside as valid UTF-8 of at most so many bytes.
func Cut(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	s = strings.ToValidUTF8(s[:limit], "") // without the first bytes of a character
	return strings.Clone(s)                // which does not hold the rest in memory
}

func text(s string) string { return Cut(s, maxText) }

// list returns a list from outside, separated by commas: bounded to whole entries, and valid UTF-8.
func list(s string) string {
	if len(s) > maxList {
		s = strings.Clone(s[:max(0, strings.LastIndexByte(s[:maxList+1], ','))])
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// maxFields is more than any message in text has.
const maxFields = 16

// fields returns the fields of a message in text, of which there have to be so many; empty ones with an error.
func (m Message) fields(atLeast int) ([]string, error) {
	var list []string
	parts := bytes.SplitN(m.body, []byte{0}, maxFields+1)
	for _, p := range parts[:len(parts)-1] { // without what is behind the last NUL
		list = append(list, string(p)) // on its own: it must not hold the whole message in memory
	}
	if len(list) < atLeast {
		return make([]string, atLeast), bad(m.Number, "%d fields, not %d", len(list), atLeast)
	}
	return list, nil
}

// numberInText returns the only field of a message in text that has one, a whole number behind the version.
func (m Message) numberInText() (int64, error) {
	f, err := m.fields(2)
	n, bad := m.number(f[1])
	return n, cmp.Or(err, bad)
}

// number reads a whole number; empty stands for 0.
func (m Message) number(field string) (int64, error) {
	if field == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(field, 10, 64)
	if err != nil {
		return 0, bad(m.Number, "%.20q is no whole number", field)
	}
	return n, nil
}

// errorInText decodes an error in text, which begins with its own version up to version 193: "2", request, code, text.
// Later it does not: request, code, text, rejection, time.
func (m Message) errorInText() (Error, error) {
	f, err := m.fields(3)
	if _, no := strconv.ParseInt(f[2], 10, 64); no == nil && f[0] == "2" && len(f) >= 4 {
		f = f[1:]
	}
	request, badRequest := m.number(f[0])
	code, badCode := m.number(f[1])
	return Error{request, int(code), text(f[2])}, cmp.Or(err, badCode, badRequest)
}

func accounts(s string) []string {
	return slices.DeleteFunc(strings.Split(list(s), ","), func(a string) bool { return a == "" })
}
