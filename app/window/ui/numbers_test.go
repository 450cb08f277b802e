package ui

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"gatewatch/app/api"
)

func TestNumbersOfAllCountries(t *testing.T) {
	const (
		twice = "can mean"
		no    = "is not a number: write digits only, such as 1234.5"
		long  = "has too many digits: write at most 15"
	)
	for _, c := range []struct{ text, want, wrong string }{
		{text: "1", want: "1"},
		{text: " 12.5 ", want: "12.5"},
		{text: "12,5", want: "12.5"},
		{text: "1,5", want: "1.5"},
		{text: "1,234.5", want: "1234.5"},
		{text: "1.234,5", want: "1234.5"},
		{text: "1 234,5", want: "1234.5"},
		{text: "1\u00a0234", want: "1234"},
		{text: "1\u202f234", want: "1234"},
		{text: "1\u2009234", want: "1234"},
		{text: "1’234.50", want: "1234.5"},
		{text: "1'234", want: "1234"},
		{text: "1ʼ234", want: "1234"},
		{text: "1,234,567", want: "1234567"},
		{text: "1.234.567", want: "1234567"},
		{text: "0.125", want: "0.125"},
		{text: "0,125", want: "0.125"},
		{text: "1.1050", want: "1.105"},
		{text: "1000", want: "1000"},
		{text: "1000.125", want: "1000.125"},
		{text: "-2,5", want: "-2.5"},
		{text: "−3", want: "-3"},
		{text: "+5", want: "5"},
		{text: "-0", want: "0"},
		{text: "-0.00", want: "0"},
		{text: "007", want: "7"},
		{text: "00.50", want: "0.5"},
		{text: ".5", want: "0.5"},
		{text: "5.", want: "5"},
		{text: "1e3", want: "1000"},
		{text: "1e5", want: "100000"},
		{text: "1E-2", want: "0.01"},
		{text: "123\r\n", want: "123"},
		{text: "１２３", want: "123"},
		{text: "１，５", want: "1.5"},
		{text: "－２．５", want: "-2.5"},
		{text: "١٢٣٫٥", want: "123.5"},
		{text: "۱۲۳", want: "123"},
		{text: "๑๒๓", want: "123"},
		{text: "\u202d1234.5\u202c", want: "1234.5"}, // as some calculators copy it
		{text: "123456789012.125", want: "123456789012.125"},
		{text: "0.30000000000000004", want: "0.30000000000000004"}, // as a file can have it
		{text: "", wrong: "a number is missing"},
		{text: " \u00a0\u200b", wrong: "a number is missing"},
		{text: "1.000", wrong: `"1.000" can mean 1.000 or 1000: write 1.0000 or 1000`},
		{text: "-1.000", wrong: `"-1.000" can mean -1.000 or -1000: write -1.0000 or -1000`},
		{text: "１．０００", wrong: `"1.000" can mean 1.000 or 1000: write 1.0000 or 1000`},
		{text: "1,000", wrong: twice},
		{text: "12.500", wrong: twice},
		{text: "230,125", wrong: twice},
		{text: "x", wrong: `"x" ` + no},
		{text: "5 s", wrong: `"5 s" ` + no},
		{text: "5s", wrong: no},
		{text: "10 %", wrong: no},
		{text: "$5", wrong: no},
		{text: "100\u00a0USD", wrong: `"100 USD" ` + no},
		{text: "12\n345", wrong: no},
		{text: "12\t345", wrong: no},
		{text: "12, 345", wrong: no},
		{text: "1,2,3", wrong: no},
		{text: "1.2.3", wrong: no},
		{text: "1,23,456", wrong: no},
		{text: "12 34", wrong: no},
		{text: "0x10", wrong: no},
		{text: "1_000", wrong: no},
		{text: "Inf", wrong: no},
		{text: "-infinity", wrong: no},
		{text: "∞", wrong: no},
		{text: "NaN", wrong: no},
		{text: "½", wrong: no},
		{text: "1,234.5.6", wrong: no},
		{text: "--1", wrong: no},
		{text: "+-1", wrong: no},
		{text: "1,,5", wrong: no},
		{text: "-", wrong: no},
		{text: ".", wrong: no},
		{text: strings.Repeat("1234567890", 5), wrong: `"123456789012345678901234567890123456789…" ` + long},
		{text: "9007199254740993", wrong: long},
		{text: "230.12345678901234567", wrong: long},
		{text: "1e999", wrong: `"1e999" is out of every range`},
		{text: "-1e999", wrong: "out of every range"},
		{text: "1e-999", wrong: long},
	} {
		got, err := parseNumber(c.text)
		if got != c.want || (err != nil) != (c.wrong != "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%q is read as %q, %v; want %q%s", c.text, got, err, c.want, c.wrong)
		}
	}
	for _, v := range []float64{1, 1.105, 230.125, 999.999, 0.125, 1000.125, -1.105, 1e6, 0.1 + 0.2, 1e-9, 1e12} {
		if got, err := parseNumber(fieldNumber(v)); err != nil || got != number(v) {
			t.Errorf("%v stands in a field as %q and is read as %q, %v", v, fieldNumber(v), got, err)
		}
	}
}

func TestListsOfNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "1": "1", "1, 2, 5.5, 15": "1 2 5.5 15", "1,2,5,15": "1 2 5 15", "1; 2,5; 15": "1 2.5 15",
		"1,5;": "1.5", "1, 5": "1 5", "1 500, 2": "1500 2", "１；２，５": "1 2.5", "１，２，５": "1 2 5",
	} {
		if got, err := parseNumbers(text); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q is read as %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{
		"1,5", " 2,500 ", "1,5, 15", "1, 2,5", "1,200,300", "1 2 5", "1.000, 2", "1, two",
		"1; 2.500",
	} {
		if got, err := parseNumbers(text); err == nil {
			t.Errorf("%q is read as %q", text, got)
		}
	}
}

func TestAChangeIsReadBack(t *testing.T) {
	o := api.OrderView{ID: 7, Side: "BUY", Symbol: "ES", Quantity: 2, LimitPrice: 5000, Multiplier: 50, Currency: "USD"}
	c, err := changeOf(&o, "3", "5.000,5", "")
	if err != nil || readBack(&o, c) != "Becomes: buy 3 ES, limit price 5000.5, worth 750,075.00 USD." {
		t.Errorf("%v, %v: %q", c, err, readBack(&o, c))
	}
	bond := api.OrderView{ID: 7, Side: "BUY", Symbol: "IBM", Quantity: 2, LimitPrice: 98, Currency: "USD"}
	if got := readBack(&bond, c); got != "Becomes: buy 3 IBM, limit price 5000.5, its value is not known." {
		t.Errorf("%q", got)
	}
	if _, err := changeOf(&o, "3", "5.000", ""); err == nil ||
		!strings.Contains(err.Error(), "limit price: \"5.000\" can mean") {
		t.Error(err)
	}
}

func TestLinesArePastedWithCommas(t *testing.T) {
	for text, want := range map[string]string{
		"12\n345": "12, 345", "12\t345\r\n": "12, 345", "AAPL\nBRK B\n": "AAPL, BRK B", "1 234\n": "1 234", "\n": "",
	} {
		e := newEntry(&keys{}, func() {})
		clipboard := test.NewClipboard()
		clipboard.SetContent(text)
		e.TypedShortcut(&fyne.ShortcutPaste{Clipboard: clipboard})
		if e.Text != want {
			t.Errorf("%q is pasted as %q, want %q", text, e.Text, want)
		}
	}
}
