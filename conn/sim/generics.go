package sim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// genericTicks are the numbers of further ticks that a request for market data may list. The names are those that a
// gateway writes; of those without data here, the request is taken and no tick follows.
var genericTicks = []struct {
	id   int
	name string
}{
	{100, "Option Volume"},
	{101, "Option Open Interest"},
	{104, "Historical Volatility"},
	{105, "Average Opt Volume"},
	{106, "impvolat"},
	{107, "climpvlt"},
	{125, "Bond analytic data"},
	{162, "Index Future Premium"},
	{165, "Misc. Stats"},
	{166, "CScreen"},
	{genericMarkPriceOld, "Mark Price"},
	{225, "Auction"},
	{genericMarkPrice, "Mark Price"},
	{genericRTVolume, "RTVolume"},
	{genericShortable, "inventory"},
	{256, "Inventory"},
	{258, "Fundamentals"},
	{291, "Close Implied Volatility"},
	{292, "Wide_news"},
	{293, "TradeCount"},
	{294, "TradeRate"},
	{295, "VolumeRate"},
	{318, "LastRTHTrade"},
	{370, "ParticipationMonitor"},
	{genericRTTrades, "RTTrdVolume"},
	{381, "IB Rate"},
	{387, "DMM"},
	{388, "Issuer Fundamentals"},
	{391, "IBWarrantImpVolCompeteTick"},
	{407, "FuturesMargins"},
	{411, "rthistvol"},
	{428, "Monetary Close Price"},
	{439, "MonitorTickTag"},
	{443, "IBDividends"},
	{456, "IBDividends"},
	{459, "RTCLOSE"},
	{460, "Bond Factor Multiplier"},
	{499, "Fee and Rebate Rate"},
	{506, "midiv"},
	{511, "hvolrt10"},
	{512, "hvolrt30"},
	{513, "hvolrt50"},
	{576, "EtfNavBidAsk"},
	{577, "EtfNavLast"},
	{578, "EtfNavClose"},
	{586, "IPOHLMVOL"},
	{587, "Pre-Open Bid Ask"},
	{588, "Futures Open Interest"},
	{595, "Short-Term Volume X Mins"},
	{614, "EtfNavHighLow"},
	{619, "Slow Mark Price"},
}

// The generic ticks that have data.
const (
	genericMarkPriceOld = 221
	genericMarkPrice    = 232
	genericRTVolume     = 233
	genericShortable    = 236
	genericRTTrades     = 375
)

// parseGenerics reads a list such as 233,mdoff,292:BRFG. It reports whether every number in it is known.
func parseGenerics(list string) (ids []int, ok bool) {
	for part := range strings.SplitSeq(list, ",") {
		part, _, _ = strings.Cut(strings.TrimSpace(part), ":")
		if part == "" || part == "mdoff" {
			continue
		}
		id, err := strconv.Atoi(part)
		if err != nil || !isGeneric(id) {
			return nil, false
		}
		ids = append(ids, id)
	}
	return ids, true
}

func isGeneric(id int) bool {
	for _, g := range genericTicks {
		if g.id == id {
			return true
		}
	}
	return false
}

// wrongGenerics is what a gateway writes about a list with a number that it does not know.
func wrongGenerics(list, secType string) string {
	var legal []string
	for _, g := range genericTicks {
		legal = append(legal, itoa(g.id)+"("+g.name+")")
	}
	return "Incorrect generic tick list of " + list + ".  Legal ones for (" + secType + ") are: " +
		strings.Join(legal, ",")
}

// firstGenerics writes the values of generic ticks that a new subscription gets at once.
func (f *feed) firstGenerics(t *tickWriter) {
	for _, id := range f.s.generics {
		switch id {
		case genericMarkPrice, genericMarkPriceOld:
			f.price(t, tickMark, f.s.q.last, 0)
		case genericShortable:
			f.shortable(t)
		}
	}
}

// shortable writes how many shares can be borrowed: with 3, at least 1000; with 2, those that are located.
func (f *feed) shortable(t *tickWriter) {
	if f.s.q.borrow {
		f.generic(t, tickShortable, 2)
		f.size(t, tickShortableShares, 0)
		return
	}
	f.generic(t, tickShortable, 3)
	f.size(t, tickShortableShares, 5_000_000)
}

// tradeGenerics writes a trade as those generic ticks do that tell each one: price, size, time, volume of the day, its
// average price, and that one market maker filled it.
func (f *feed) tradeGenerics(t *tickWriter, m moment, now time.Time) {
	s := f.s
	if len(s.generics) == 0 || f.delayed {
		return
	}
	if s.paid == 0 {
		s.paid, s.shares = f.course.day.open*float64(m.volume-m.lastSize), float64(m.volume-m.lastSize)
	}
	s.paid, s.shares = s.paid+m.last*float64(m.lastSize), s.shares+float64(m.lastSize)
	text := strings.Join([]string{
		formatFloat(m.last), strconv.FormatInt(m.lastSize, 10), strconv.FormatInt(now.UnixMilli(), 10),
		strconv.FormatInt(m.volume, 10), strconv.FormatFloat(s.paid/max(s.shares, 1), 'f', 8, 64), "true",
	}, ";")
	if slices.Contains(s.generics, genericRTVolume) {
		t.tickString(s.reqID, tickRTVolume, text)
	}
	if slices.Contains(s.generics, genericRTTrades) {
		t.tickString(s.reqID, tickRTTrades, text)
	}
	if slices.Contains(s.generics, genericMarkPrice) || slices.Contains(s.generics, genericMarkPriceOld) {
		f.price(t, tickMark, m.last, 0)
	}
}
