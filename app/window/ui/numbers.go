package ui

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

var (
	// plainNumber is a number as this program writes it.
	plainNumber = regexp.MustCompile(`^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$`)
	// twoReadings is a number with one point or comma before three digits: a decimal one or one of thousands.
	twoReadings  = regexp.MustCompile(`^([+-]?[1-9]\d{0,2})[.,](\d{3})$`)
	innerComma   = regexp.MustCompile(`\d,\b`)
	decimalComma = regexp.MustCompile(`^[+-]?\d+,\d+$`)
	groupedPoint = regexp.MustCompile(`^[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?$`)      // 1,234,567.89
	groupedComma = regexp.MustCompile(`^[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?$`)      // 1.234.567,89
	groupedSpace = regexp.MustCompile(`^[+-]?[1-9]\d{0,2}([ ']\d{3})+([.,]\d+)?$`) // 1 234 567,89 and 1'234'567.89
)

// parseNumber returns a number as JSON writes it. It takes the conventions of all countries; what can be read in two
// ways is refused, with both of them.
func parseNumber(text string) (string, error) {
	shown := strings.TrimSpace(text)
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r): // also those that do not break, and thin ones
			return ' '
		case r == '’':
			return '\''
		case r == '−':
			return '-'
		}
		return r
	}, shown)
	switch m := twoReadings.FindStringSubmatch(text); {
	case text == "":
		return "", errors.New("a number is missing")
	case m != nil:
		return "", fmt.Errorf("%q can mean %s.%s or %s%s: write %s.%s0 or %s%s", shown, m[1], m[2], m[1], m[2], m[1],
			m[2], m[1], m[2])
	case plainNumber.MatchString(text):
	case groupedPoint.MatchString(text):
		text = strings.ReplaceAll(text, ",", "")
	case groupedComma.MatchString(text):
		text = strings.ReplaceAll(strings.ReplaceAll(text, ".", ""), ",", ".")
	case groupedSpace.MatchString(text):
		text = strings.NewReplacer(" ", "", "'", "", ",", ".").Replace(text)
	case decimalComma.MatchString(text):
		text = strings.Replace(text, ",", ".", 1)
	default:
		return "", fmt.Errorf("%q is not a number", cut(shown))
	}
	n, _ := strconv.ParseFloat(text, 64) // infinite if it is out of every range
	if math.IsInf(n, 0) {
		return "1e999", nil // out of every range, which the check says better
	}
	return number(n), nil
}

// parseNumbers returns the numbers of a list, as JSON writes them. Semicolons or commas separate them; where it is in
// doubt whether a comma does so or belongs to a number, the list is refused.
func parseNumbers(text string) (list []string, err error) {
	separator := ","
	if strings.Contains(text, ";") {
		separator = ";"
	} else if n := len(innerComma.FindAllString(text, -1)); n == 1 || n > 0 && n < strings.Count(text, ",") ||
		groupedPoint.MatchString(text) {
		return nil, fmt.Errorf("%q can be read in two ways: write semicolons between numbers, such as 1.5; 2",
			cut(text))
	}
	for part := range strings.SplitSeq(text, separator) {
		if strings.TrimSpace(part) == "" {
			continue
		}
		n, err := parseNumber(part)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}

// fieldNumber writes a number for a field, so that it can be read in one way alone.
func fieldNumber(v float64) string {
	text := number(v)
	if twoReadings.MatchString(text) {
		text += "0"
	}
	return text
}
