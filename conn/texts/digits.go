package texts

import (
	"time"
	"unicode"
)

// Port returns the last number in text that can be a TCP port, or 0.
func Port(text string) (port int) {
	for _, run := range digitsIn(text) {
		if run.digits <= 5 && run.value >= 1 && run.value <= 65535 {
			port = run.value
		}
	}
	return port
}

// Date returns the latest date of this century that a text writes in digits, of whatever script: 20261215,
// 2026-12-15, 2026/12/15, 15.12.2026. Words are no help: texts are localised. It is UTC midnight, or zero if there is
// none whose day and month are clear.
func Date(text string) (latest time.Time) {
	runs := digitsIn(text)
	consider := func(y, m, d int) {
		t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
		if y >= 2000 && y <= 2099 && m >= 1 && m <= 12 && t.Day() == d && t.After(latest) {
			latest = t
		}
	}
	for i, a := range runs {
		if a.digits == 8 {
			consider(a.value/10000, a.value/100%100, a.value%100)
		}
		if i+2 >= len(runs) || runs[i+1].gap > maxGap || runs[i+2].gap > maxGap {
			continue
		}
		switch b, c := runs[i+1], runs[i+2]; {
		case a.digits == 4 && b.digits <= 2 && c.digits <= 2:
			consider(a.value, b.value, c.value)
		case a.digits > 2 || b.digits > 2 || c.digits != 4:
		case a.value == b.value || a.value > 12:
			consider(c.value, b.value, a.value)
		case b.value > 12:
			consider(c.value, a.value, b.value)
		}
	}
	return latest
}

// maxGap is how many characters may stand between the parts of a date, such as "年" or ". ".
const maxGap = 3

type digitRun struct{ value, digits, gap int } // gap: characters since the run before

func digitsIn(text string) (runs []digitRun) {
	gap, inside := maxGap+1, false
	for _, r := range text {
		v, ok := digit(r)
		switch {
		case !ok && inside:
			inside, gap = false, 1
		case !ok:
			gap++
		case !inside:
			runs, inside = append(runs, digitRun{v, 1, gap}), true
		default:
			n := &runs[len(runs)-1]
			if n.digits++; n.digits <= 8 {
				n.value = n.value*10 + v
			}
		}
	}
	return runs
}

// digit returns the value of a decimal digit of any script: those of one follow each other from zero on.
func digit(r rune) (value int, ok bool) {
	if !unicode.IsDigit(r) {
		return 0, false
	}
	for ; unicode.IsDigit(r - 1); r-- {
		value++
	}
	return value % 10, true
}
