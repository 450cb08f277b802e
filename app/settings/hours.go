package settings

import (
	"fmt"
	"time"

	"gatewatch/conn/history"
)

// Hours returns the market hours, nil if there are none.
func (m MarketHours) Hours() (*history.Hours, error) {
	if len(m.Days) == 0 {
		return nil, nil
	}
	h := &history.Hours{Days: m.weekdays()}
	var err error
	if h.OpenHour, h.OpenMinute, err = ParseClock(m.Open); err != nil {
		return nil, fmt.Errorf("market_hours.open: %w", err)
	}
	if h.CloseHour, h.CloseMinute, err = ParseClock(m.Close); err != nil {
		return nil, fmt.Errorf("market_hours.close: %w", err)
	}
	if h.Location, err = time.LoadLocation(m.Timezone); err != nil {
		return nil, fmt.Errorf("market_hours.timezone: %w", err)
	}
	return h, nil
}
