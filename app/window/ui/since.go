package ui

import (
	"time"

	"gatewatch/app/api"
	"gatewatch/conn"
)

// moment is since when something has been so. Only what changed before the window's eyes is known exactly.
type moment struct {
	at    time.Time
	exact bool
}

// ages notes when each layer changed, as far as the window has seen.
type ages struct {
	words map[string]string
	since map[string]moment
}

// note records that the layer is in the condition that word names. Until it is seen to change it has been so at least
// since the time given.
func (a *ages) note(layer, word string, now, atLeast time.Time) moment {
	if a.words == nil {
		a.words, a.since = map[string]string{}, map[string]moment{}
	}
	before, known := a.words[layer]
	switch {
	case !known:
		a.since[layer] = moment{at: atLeast}
	case before != word:
		a.since[layer] = moment{at: now, exact: true}
	}
	a.words[layer] = word
	return a.since[layer]
}

// forget drops everything: what happened while nobody looked is not known.
func (a *ages) forget() { a.words, a.since = nil, nil }

// implied returns since when, at the latest, a layer has been as it is, judged by the state alone: now if the state
// says nothing about it.
func implied(st *api.Status, layer string, now time.Time) time.Time {
	fixed := false
	switch st.State {
	case conn.Connected, conn.Degraded, conn.UpstreamLost:
		fixed = layer != layerFarms
	case conn.Paused:
		fixed = layer == layerSocket || layer == layerAPI
	case conn.Reconnecting, conn.Connecting, conn.ResetWindow:
		fixed = layer == layerAPI && !st.Layers.API
	}
	if fixed && st.Since.Before(now) {
		return st.Since
	}
	return now
}
