package api

import (
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/conn/ib"
)

// Offer is what can be saved at a first start: the port that has answered, the reset window that fits, or both.
type Offer struct {
	Title    string            `json:"title"`    // who has answered, for people
	Text     string            `json:"text"`     // the reset window and the reason for it, for people; may be empty
	Button   string            `json:"button"`   // what a button that saves it says
	Settings settings.Settings `json:"settings"` // to put with PUT /settings
}

// OfferOf returns what can be saved at a first start; nil if there is a settings file, or nothing to save.
func OfferOf(v *SettingsView, st *Status) *Offer {
	if v == nil || v.Found || st == nil {
		return nil
	}
	o := &Offer{Settings: v.Settings}
	region := false
	if r := v.Suggestion; r != nil {
		o.Text, o.Settings, region = wording.Paragraph(r.Text), r.Settings, r.Region != ""
	}
	answered := st.Layers.API && st.Gateway.Port != 0
	if answered {
		o.Settings.Gateway.Port = st.Gateway.Port
	}
	o.Title, o.Button = wording.Offer(Address(&st.Gateway), ib.Mode(st.Gateway.Mode), answered, region)
	if o.Button == "" {
		return nil
	}
	return o
}
