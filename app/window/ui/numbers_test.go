package ui

import (
	"strings"
	"testing"

	"gatewatch/app/api"
)

func TestNumbersOfAllCountries(t *testing.T) {
	for text, want := range map[string]string{
		"1": "1", " 12.5 ": "12.5", "12,5": "12.5", "1,234.5": "1234.5", "1.234,5": "1234.5", "1 234,5": "1234.5",
		"1\u202f234": "1234",
		"1’234.50":   "1234.5", "1'234": "1234", "1,234,567": "1234567", "1.234.567": "1234567", "0.125": "0.125",
		"0,125":  "0.125",
		"1.1050": "1.105", "1000": "1000", "1000.125": "1000.125", "-2,5": "-2.5", "−3": "-3", "1e3": "1000",
		".5": "0.5", "1e999": "1e999",
	} {
		if got, err := parseNumber(text); err != nil || got != want {
			t.Errorf("%q is read as %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"1.000", "1,000", "12.500", "230,125", "-1.000"} {
		_, err := parseNumber(text)
		if err == nil || !strings.Contains(err.Error(), "can mean") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := parseNumber("1.000"); err.Error() != `"1.000" can mean 1.000 or 1000: write 1.0000 or 1000` {
		t.Error(err)
	}
	for _, text := range []string{
		"", "x", "1,2,3", "1.2.3", "1,23,456", "12 34", "0x10", "1_000", "inf", "NaN",
		"1,234.5.6", "--1", "1,,5",
	} {
		if got, err := parseNumber(text); err == nil {
			t.Errorf("%q is read as %q", text, got)
		}
	}
	for _, v := range []float64{1, 1.105, 230.125, 999.999, 0.125, 1000.125, -1.105, 1e6} {
		if got, err := parseNumber(fieldNumber(v)); err != nil || got != number(v) {
			t.Errorf("%v stands in a field as %q and is read as %q, %v", v, fieldNumber(v), got, err)
		}
	}
}

func TestListsOfNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "1": "1", "1, 2, 5.5, 15": "1 2 5.5 15", "1,2,5,15": "1 2 5 15", "1; 2,5; 15": "1 2.5 15",
		"1,5;": "1.5", "1, 5": "1 5", "1 500, 2": "1500 2",
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
	if _, err := changeOf(&o, "3", "5.000", ""); err == nil ||
		!strings.Contains(err.Error(), "limit price: \"5.000\" can mean") {
		t.Error(err)
	}
}
