package wire

import (
	"math"
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

// decimal reads a number in text; NaN stands for one that is not set or cannot be read. Some numbers stand for none:
// the greatest ones of several types.
func decimal[S string | []byte](s S) float64 {
	if len(s) == 0 || len(s) > 32 {
		return math.NaN()
	}
	digits, places, plain := uint64(0), -1, len(s) <= 15 // then it has no more digits than a float64 holds
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits = 10*digits + uint64(c-'0')
			if places >= 0 {
				places++
			}
		case c == '.' && places < 0 && len(s) > 1:
			places = 0
		case c == '.', c == '-', c == '+', c == 'e', c == 'E':
			plain = false
		default:
			return math.NaN() // Go reads more, such as "Inf" and "0x1p2"
		}
	}
	switch string(s) {
	case "2147483647", "9223372036854775807", "-9223372036854775808":
		return math.NaN()
	}
	if plain {
		return float64(digits) / tens[max(0, places)]
	}
	v, err := strconv.ParseFloat(string(s), 64)
	if err != nil || math.Abs(v) >= 1e300 {
		return math.NaN()
	}
	return v
}

// tens are the powers of ten by which a plain number is divided. A float64 holds them and its digits exactly, so that
// the result is the nearest there is.
var tens = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}
