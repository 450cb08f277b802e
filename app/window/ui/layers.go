package ui

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/wording"
	"gatewatch/conn"
)

// Layers in the order in which they are shown.
const (
	layerSocket   = "Socket"
	layerAPI      = "API"
	layerUpstream = "IBKR"
	layerFarms    = "Data farms"
)

func layersOf(st *api.Status, now time.Time) []row {
	plain := func(name string, up, known bool) row {
		r := row{shape: Unknown, name: name, word: wording.Layer(up, known)}
		switch {
		case known && up:
			r.shape = Up
		case known:
			r.shape = Down
		}
		return r
	}
	rows := []row{
		plain(layerSocket, st.Layers.Socket, true),
		plain(layerAPI, st.Layers.API, true),
		plain(layerUpstream, st.Layers.Upstream, st.Layers.API), // only a Gateway that is signed on reports it
		farms(st),
	}
	since := st.LayersSince
	for i, at := range []time.Time{since.Socket, since.API, since.Upstream, since.Farms} {
		if r := &rows[i]; !at.IsZero() && r.word != "not known" && r.word != "none reported" {
			r.since = "since " + clock(at, now)
		}
	}
	return rows
}

func farms(st *api.Status) row {
	r := row{shape: Unknown, name: layerFarms, word: "not known"}
	if !st.Layers.Upstream { // Gateway reports them only while it sees IBKR
		return r
	}
	by := map[conn.FarmState][]string{}
	for _, name := range slices.Sorted(maps.Keys(st.Layers.Farms)) {
		state := st.Layers.Farms[name]
		by[state] = append(by[state], wording.NamedFarm(name))
	}
	up, down := len(by[conn.FarmOK]), len(by[conn.FarmBroken])
	switch {
	case len(st.Layers.Farms) == 0:
		r.word = "none reported"
		return r
	case st.CauseID == conn.CauseCompeting:
		r.shape, r.word = Impaired, "no prices"
	case down > 0:
		r.shape, r.word = Impaired, fmt.Sprintf("%d up, %d down", up, down)
	default:
		r.shape, r.word = Up, fmt.Sprintf("%d up", up)
		if up == 0 {
			r.shape, r.word = Unknown, "resting"
		}
	}
	var more []string
	for _, s := range []struct {
		state conn.FarmState
		word  string
	}{
		{conn.FarmBroken, "down"},
		{conn.FarmConnecting, "connecting"},
		{conn.FarmDormant, "dormant"},
		{conn.FarmOK, "up"},
	} {
		if names := by[s.state]; len(names) > 0 {
			more = append(more, s.word+": "+strings.Join(names, ", "))
		}
	}
	r.more = strings.Join(more, " · ")
	return r
}
