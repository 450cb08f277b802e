package sim

import (
	"fmt"
	"slices"
	"strings"
)

// Farm is one data farm and the code that says its state.
type Farm struct {
	Code int    // 2103 to 2108, 2119, 2157 or 2158
	Name string // for example usfarm
}

// farmCodes are the notices about a data farm.
var farmCodes = []int{2103, 2104, 2105, 2106, 2107, 2108, 2119, 2157, 2158}

// connected reports whether data can come from the farm; known is false for a farm that waits until it is asked.
func (f Farm) connected() (yes, known bool) {
	switch f.Code {
	case 2104, 2106, 2158:
		return true, true
	case 2107, 2108:
		return false, false
	}
	return false, true
}

// Farm sends a farm notice (2103 to 2108, 2119, 2157, 2158) for the farm of that name. New sessions are sent it too,
// and 1102 lists the farm as connected or not connected.
func (g *Gateway) Farm(code int, farm string) {
	if farm == "" {
		farm = defaultFarm(code)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.setFarmLocked(Farm{code, farm})
}

func (g *Gateway) setFarmLocked(f Farm) {
	if i := slices.IndexFunc(g.farms, func(known Farm) bool { return known.Name == f.Name }); i >= 0 {
		g.farms[i] = f
	} else {
		g.farms = append(g.farms, f)
	}
	g.broadcastLocked(-1, f.Code, farmText(f.Code, f.Name))
}

// restoreFarmsLocked brings the farms back to what they were at the start, with a notice for each that changes.
func (g *Gateway) restoreFarmsLocked() {
	for _, f := range g.cfg.Farms {
		if !slices.Contains(g.farms, f) {
			g.broadcastLocked(-1, f.Code, farmText(f.Code, f.Name))
		}
	}
	for _, f := range g.farms {
		if slices.ContainsFunc(g.cfg.Farms, func(first Farm) bool { return first.Name == f.Name }) {
			continue
		}
		if good := goodFarmCode(f.Code); good != f.Code {
			g.broadcastLocked(-1, good, farmText(good, f.Name))
		}
	}
	g.farms = slices.Clone(g.cfg.Farms)
}

// goodFarmCode is the notice that a farm of the same kind is connected.
func goodFarmCode(code int) int {
	switch code {
	case 2105, 2107:
		return 2106
	case 2157:
		return 2158
	case 2103, 2108, 2119:
		return 2104
	}
	return code
}

// restoredTextLocked is what gateways write with 1102: the farms that are connected, and those that are not.
func (g *Gateway) restoredTextLocked() string {
	var up, down []string
	for _, f := range g.farms {
		switch yes, known := f.connected(); {
		case yes:
			up = append(up, f.Name)
		case known:
			down = append(down, f.Name)
		}
	}
	text := noticeText(1102)
	switch {
	case len(up) > 0 && len(down) == 0:
		text += " All data farms are connected: " + strings.Join(up, "; ") + "."
	case len(up) > 0:
		text += " The following farms are connected: " + strings.Join(up, "; ") + "."
	}
	if len(down) > 0 {
		text += " The following farms are not connected: " + strings.Join(down, "; ") + "."
	}
	return text
}

func defaultFarm(code int) string {
	switch code {
	case 2105, 2106, 2107:
		return "ushmds"
	case 2157, 2158:
		return "secdefil"
	}
	return "usfarm"
}

func farmText(code int, farm string) string {
	pattern := map[int]string{
		2103: "Market data farm connection is broken:%s",
		2104: "Market data farm connection is OK:%s",
		2105: "HMDS data farm connection is broken:%s",
		2106: "HMDS data farm connection is OK:%s",
		2107: "HMDS data farm connection is inactive but should be available upon demand.%s",
		2108: "Market data farm connection is inactive but should be available upon demand.%s",
		2119: "Market data farm is connecting:%s",
		2157: "Sec-def data farm connection is broken:%s",
		2158: "Sec-def data farm connection is OK:%s",
	}[code]
	if pattern == "" {
		return fmt.Sprintf("Simulated notice %d: %s", code, farm)
	}
	return fmt.Sprintf(pattern, farm)
}
