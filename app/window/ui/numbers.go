package ui

import (
	"errors"
	"fmt"
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
	text = typed(text)
	switch m := twoReadings.FindStringSubmatch(text); {
	case text == "":
		return "", errors.New("a number is missing")
	case m != nil:
		return "", fmt.Errorf("%q can mean %s.%s or %s%s: write %s.%s0 or %s%s", text, m[1], m[2], m[1], m[2], m[1],
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
		return "", fmt.Errorf("%q is not a number: write digits only, such as 1234.5", cut(text))
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		return "", fmt.Errorf("%q is out of every range", cut(text))
	case digits(text) != digits(number(n)):
		return "", fmt.Errorf("%q has too many digits: write at most 15", cut(text))
	case n == 0:
		return "0", nil // without a sign
	}
	return number(n), nil
}

// typed returns a text with plain digits, signs and blanks for those of other scripts and keyboards, and without the
// invisible marks that come with what is copied.
func typed(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r):
			return -1
		case unicode.Is(unicode.Zs, r): // also those that do not break, and thin ones
			return ' '
		case '！' <= r && r <= '～': // of full width
			return r - '！' + '!'
		case strings.ContainsRune("’ʼ", r):
			return '\''
		case r == '−':
			return '-'
		case r == '٫':
			return '.'
		}
		for _, script := range unicode.Nd.R16 {
			if rune(script.Lo) <= r && r <= rune(script.Hi) {
				return '0' + (r-rune(script.Lo))%10
			}
		}
		return r
	}, text))
}

// digits returns the digits of a number, without zeros at its ends.
func digits(text string) string {
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	return strings.Trim(strings.NewReplacer("+", "", "-", "", ".", "").Replace(mantissa), "0")
}

// parseNumbers returns the numbers of a list, as JSON writes them. Semicolons or commas separate them; where it is in
// doubt whether a comma does so or belongs to a number, the list is refused.
func parseNumbers(text string) (list []string, err error) {
	text, separator := typed(text), ","
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
