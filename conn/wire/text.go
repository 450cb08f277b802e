package wire

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxText bounds a text of Gateway's, in bytes. Its longest ones, about precautions, have some 500.
	maxText = 1024
	// maxList bounds a list in text. There are some 40 exchanges for a stock, and hundreds of accounts for an advisor.
	maxList = 64 << 10
)

// text returns a text from outside: bounded, and valid UTF-8.
func text[S string | []byte](s S) string {
	if len(s) > maxText {
		end := maxText
		for end > maxText-utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end]
	}
	return strings.ToValidUTF8(string(s), "\uFFFD")
}

// list returns a list from outside, separated by commas: bounded to whole entries, and valid UTF-8.
func list(s string) string {
	if len(s) > maxList {
		s = s[:max(0, strings.LastIndexByte(s[:maxList+1], ','))]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// fields returns the fields of a message in text, of which there have to be so many.
func (m Message) fields(atLeast int) ([]string, error) {
	list := strings.Split(string(m.body), "\x00")
	list = list[:len(list)-1] // behind the last NUL
	if len(list) < atLeast {
		return nil, bad(m.Number, "%d fields, not %d", len(list), atLeast)
	}
	return list, nil
}

// textInText returns the only field of a message in text that has one, behind its version.
func (m Message) textInText() (string, error) {
	f, err := m.fields(2)
	if err != nil {
		return "", err
	}
	return f[1], nil
}

// numberInText likewise returns a whole number.
func (m Message) numberInText() (int64, error) {
	field, err := m.textInText()
	if err != nil {
		return 0, err
	}
	return m.number(field)
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
func (m Message) errorInText() (e Error, err error) {
	f, err := m.fields(3)
	if err != nil {
		return e, err
	}
	if _, err := strconv.ParseInt(f[2], 10, 64); err == nil && f[0] == "2" && len(f) >= 4 {
		f = f[1:]
	}
	code, err := m.number(f[1])
	if err == nil {
		e.Request, err = m.number(f[0])
	}
	if e.Code = int(code); int64(e.Code) != code {
		e.Code = 0
	}
	e.Text = text(f[2])
	return e, err
}

// accounts splits a list of accounts.
func accounts(s string) []string {
	return slices.DeleteFunc(strings.Split(list(s), ","), func(a string) bool { return a == "" })
}
