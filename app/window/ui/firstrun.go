package ui

import (
	"fmt"
	"strings"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/conn"
)

// welcome turns the banner before the first connection ever into what there is to do: that is no error.
func (p *picture) welcome(st *api.Status) {
	if !st.FirstRun || st.State != conn.Connecting {
		return
	}
	p.since, p.banner.since, p.orders.shape = "", "", Unknown
	for i := range p.layers {
		if r := &p.layers[i]; r.shape == Down {
			r.shape, r.word, r.since = Unknown, "not connected yet", ""
		}
	}
	switch st.CauseID {
	case conn.CauseNone, conn.CauseRefused, conn.CauseUnreachable:
		p.banner.cause, p.banner.hint = "Welcome. "+wording.Looking, wording.Checklist
	}
	var ports []string
	for _, t := range st.Tried {
		line := fmt.Sprintf("Port %d: %s", t.Port, wording.OneLine(t.Text))
		if usual := wording.Mode(conn.Mode(t.Usually)); usual != "" {
			line = fmt.Sprintf("Port %d (usually %s): %s", t.Port, usual, wording.OneLine(t.Text))
		}
		ports = append(ports, line)
	}
	p.banner.hint = strings.TrimSpace(strings.Join(ports, "\n") + "\n\n" + p.banner.hint)
}

// offer is what can be saved in a first run: the port that has answered, the reset window that fits, or both.
type offer struct{ title, reset, button string }

func offerOf(view *api.SettingsView, st *api.Status) (o offer) {
	if view == nil || view.Found || st == nil {
		return o
	}
	region := false
	if r := view.Suggestion; r != nil {
		o.reset, region = plain(r.Text), r.Region != ""
	}
	found := answered(st)
	switch {
	case found != "" && region:
		o.button = "Save this port and reset window"
	case found != "":
		o.button = "Save this port"
	case region:
		o.button = "Save this reset window"
	}
	if o.title = "Welcome. " + found; found == "" {
		o.title = "Welcome."
	}
	return o
}

// toSave returns the settings that are offered to be saved.
func toSave(view *api.SettingsView, st *api.Status) settings.Settings {
	s := view.Settings
	if view.Suggestion != nil {
		s = view.Suggestion.Settings
	}
	if answered(st) != "" {
		s.Gateway.Port = st.Gateway.Port
	}
	return s
}

// answered says who has answered in a first run; empty if no one has.
func answered(st *api.Status) string {
	if !st.Layers.API || st.Gateway.Port == 0 {
		return ""
	}
	kind := wording.Mode(conn.Mode(st.Gateway.Mode))
	if kind == "" {
		return fmt.Sprintf("%s has answered.", address(&st.Gateway))
	}
	return fmt.Sprintf("%s has answered with a %s account.", address(&st.Gateway), kind)
}
