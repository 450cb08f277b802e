package wire

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/scmhub/ibapi"
)

func TestDecimals(t *testing.T) {
	for s, want := range map[string]float64{
		"0": 0, "100": 100, "0.5": 0.5, "-3": -3, "1e3": 1000, "1E-7": 1e-7, ".5": 0.5,
		"123456789012.1234567": 123456789012.1234567,
		"":                     math.Inf(1), "2147483647": math.Inf(1), "9223372036854775807": math.Inf(1),
		"-9223372036854775808":   math.Inf(1),
		"1.7976931348623157E308": math.Inf(1), "1e999": math.Inf(1), "Inf": math.Inf(1), "NaN": math.Inf(1),
		"0x1p2": math.Inf(1),
		"1_000": math.Inf(1), "1,5": math.Inf(1), " 1": math.Inf(1), "--1": math.Inf(1), "1\x00": math.Inf(1),
		"\xff":                  math.Inf(1),
		strings.Repeat("1", 33): math.Inf(1), ".": math.Inf(1), "1.2.3": math.Inf(1), "5.": 5,
		"99999999999999": 99999999999999,
	} {
		if got := unNaN(decimal(s)); got != want {
			t.Errorf("%q is %v, want %v", s, got, want)
		}
	}
}

// TestPlainDecimals: numbers that are read by hand are those that Go reads.
func TestPlainDecimals(t *testing.T) {
	for range 10_000 {
		s := strconv.FormatFloat(rand.ExpFloat64()*1000, 'f', rand.IntN(12), 64)
		if want, err := strconv.ParseFloat(s, 64); err != nil || decimal(s) != want {
			t.Fatalf("%q is %v, want %v, %v", s, decimal(s), want, err)
		}
	}
}

// TestDecimalsAreTheLibrarys compares with the library's decimals where these are exact, which is to seven places.
func TestDecimalsAreTheLibrarys(t *testing.T) {
	for _, s := range []string{
		"0", "1", "-1", "100", "0.5", "-0.5", "12.3456789", "99999999999", "0.0000001", "007", "5.", ".5", "1e3",
		"2.5E2",
		"", "2147483647", "9223372036854775807", "-9223372036854775808", "1.7976931348623157E308", "one", "1.2.3",
	} {
		theirs := ibapi.StringToDecimal(s).Float()
		if got := decimal(s); math.Abs(unNaN(got)-unNaN(theirs)) > 1e-7 {
			t.Errorf("%q is %v, the library has %v", s, got, theirs)
		}
	}
}

// unNaN turns NaN into a number that is equal to itself.
func unNaN(v float64) float64 {
	if math.IsNaN(v) {
		return math.Inf(1)
	}
	return v
}
