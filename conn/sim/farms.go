package sim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Farm is one data farm and the code that says its state.
type Farm struct {
	Code int    // 2103 to 2108, 2119, 2157 or 2158
	Name string // for example usfarm
}

// farmNotice is what a code says about a data farm.
type farmNotice struct {
	text string
	farm string // that it is about by default
	good int    // the code that says that such a farm is connected
}

var farmNotices = map[int]farmNotice{
	2103: {"Market data farm connection is broken:", "usfarm", 2104},
	2104: {"Market data farm connection is OK:", "usfarm", 2104},
	2105: {"HMDS data farm connection is broken:", "ushmds", 2106},
	2106: {"HMDS data farm connection is OK:", "ushmds", 2106},
	2107: {"HMDS data farm connection is inactive but should be available upon demand.", "ushmds", 2106},
	2108: {"Market data farm connection is inactive but should be available upon demand.", "usfarm", 2104},
	2119: {"Market data farm is connecting:", "usfarm", 2104},
	2157: {"Sec-def data farm connection is broken:", "secdefil", 2158},
	2158: {"Sec-def data farm connection is OK:", "secdefil", 2158},
}

// farmCodes are the notices about a data farm.
func farmCodes() []int { return slices.Sorted(maps.Keys(farmNotices)) }

// Farm sends a farm notice (2103 to 2108, 2119, 2157, 2158) for the farm of that name. New sessions are sent it too,
// and 1102 lists the farm as connected or not connected.
func (g *Gateway) Farm(code int, farm string) {
	farm = cmp.Or(farm, farmNotices[code].farm, "usfarm")
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
		if good := cmp.Or(farmNotices[f.Code].good, f.Code); good != f.Code {
			g.broadcastLocked(-1, good, farmText(good, f.Name))
		}
	}
	g.farms = slices.Clone(g.cfg.Farms)
}

// restoredTextLocked is what gateways write with 1102: the farms that are connected, and those that are not.
func (g *Gateway) restoredTextLocked() string {
	var up, down []string
	for _, f := range g.farms {
		switch f.Code {
		case 2104, 2106, 2158:
			up = append(up, f.Name)
		case 2107, 2108: // they wait until they are asked
		default:
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

func farmText(code int, farm string) string {
	if n, ok := farmNotices[code]; ok {
		return n.text + farm
	}
	return fmt.Sprintf("Simulated notice %d: %s", code, farm)
}
