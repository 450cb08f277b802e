package wording

import "strings"

// farms are IBKR's data farms, named for people. IBKR documents none of them: the names say what their data is about.
var farms = map[string]string{
	"usfarm": "US stock data", "usfarm.nj": "US stock data (New Jersey)", "usfuture": "US futures data",
	"usopt":  "US options data",
	"usbond": "US bond data", "cashfarm": "currency data", "eufarm": "European data",
	"eufarmnj": "European data (New Jersey)",
	"hfarm":    "Asian data", "jfarm": "Japanese data", "fundfarm": "fund data",
	"ushmds": "US historical data", "euhmds": "European historical data", "hkhmds": "Asian historical data",
	"apachmds": "Asia-Pacific historical data", "cashhmds": "currency historical data",
	"fundhmds": "fund historical data",
	"secdefnj": "instrument data (US)", "secdefeu": "instrument data (Europe)", "secdefhk": "instrument data (Asia)",
	"secdefil": "instrument data",
}

// Farm names a data farm for people; one that is not known by its own name.
func Farm(name string) string {
	if known := farms[strings.ToLower(OneLine(name))]; known != "" {
		return known
	}
	return "data farm " + OneLine(name)
}

// NamedFarm is [Farm] at the start of a sentence, with the technical name behind it.
func NamedFarm(name string) string {
	known := farms[strings.ToLower(OneLine(name))]
	if known == "" {
		return "Data farm " + OneLine(name)
	}
	return strings.ToUpper(known[:1]) + known[1:] + " [" + OneLine(name) + "]"
}
