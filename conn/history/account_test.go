package history

import (
	"testing"
	"time"
)

func TestAccountRatios(t *testing.T) {
	a := Account{From: noon, Until: noon.Add(24 * time.Hour), Outages: 2}
	a.Terms = [len(Kinds)]time.Duration{
		Connected: 9 * time.Hour, Down: time.Hour, Planned: 2 * time.Hour, Paused: 3 * time.Hour, Asleep: 4 * time.Hour,
		Unobserved: 5 * time.Hour,
	}
	a.Market = [len(Kinds)]time.Duration{Connected: time.Hour, Down: time.Hour, Asleep: time.Hour}
	if share, ok := a.Uptime(); share != 0.9 || !ok {
		t.Errorf("uptime %v %v", share, ok)
	}
	if share, ok := a.MarketUptime(); share != 0.5 || !ok {
		t.Errorf("market uptime %v %v", share, ok)
	}
	if got := a.MeanToRecover(); got != 30*time.Minute {
		t.Errorf("mean to recover %v", got)
	}
	if got, ok := a.MeanBetween(); got != 4*time.Hour+30*time.Minute || !ok {
		t.Errorf("mean between %v %v", got, ok)
	}
}

func TestAccountOfNothing(t *testing.T) {
	a := Account{From: noon, Until: noon.Add(time.Hour)}
	a.Terms[Planned], a.Terms[Unobserved] = 30*time.Minute, 30*time.Minute
	if _, ok := a.Uptime(); ok {
		t.Error("there is an uptime")
	}
	if _, ok := a.MarketUptime(); ok {
		t.Error("there is an uptime of the market's hours")
	}
	if _, ok := a.MeanBetween(); ok || a.MeanToRecover() != 0 {
		t.Error("there are means without an outage")
	}
}
