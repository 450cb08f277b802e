package ui

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"gatewatch/app/region"
)

// zonePicker edits the name of a time zone: it can be typed, or chosen from a list of those that contain what is typed.
type zonePicker struct {
	field   *fyne.Container // what is typed
	panel   *fyne.Container // the list, hidden unless it is wanted
	keys    *keys
	entry   *entry
	button  *button
	list    *zoneList
	changed func()
	filling bool
}

// localZone is the name of the computer's zone, whatever that is.
const localZone = "Local"

// computerZone names the zone of this computer.
var computerZone = region.ComputerZone

// zonesLike returns the zones whose names contain all words: those of this computer first, then in order of the
// alphabet.
func zonesLike(words string) (list []string) {
	own := computerZone()
	for _, z := range append([]string{localZone, own}, region.Zones()...) {
		if z != "" && !(z == own && slices.Contains(list, own)) &&
			matches(zoneName(z)+" "+z+" "+strings.ReplaceAll(z, "_", " "), words) {
			list = append(list, z)
		}
	}
	return list
}

// zoneName puts a zone into words.
func zoneName(zone string) string {
	if zone == localZone {
		return "Local (this computer, " + cmp.Or(computerZone(), "zone not known") + ")"
	}
	return zone
}

func newZonePicker(k *keys, changed func()) *zonePicker {
	z := &zonePicker{keys: k, changed: changed}
	z.list = newZoneList(k, z.pick, z.close, z.search)
	z.entry = newEntry(k, z.typed)
	z.entry.handle = func(e *fyne.KeyEvent) bool {
		switch {
		case e.Name == fyne.KeyDown:
			z.open(z.entry.Text)
			k.focus(z.list)
		case e.Name == fyne.KeyEscape && z.panel.Visible():
			z.close()
		default:
			return false
		}
		return true
	}
	z.button = newButton(k, "Choose", func() {
		if z.panel.Visible() {
			z.close()
			return
		}
		z.open("")
		k.focus(z.list)
	})
	z.field = container.NewBorder(nil, nil, nil, z.button, z.entry)
	z.panel = padded(4, 0, container.NewStack(
		newThemed("", colorBorder, 6), container.New(atLeast{fyne.NewSize(240, 190)}, z.list),
	))
	z.panel.Hide()
	return z
}

// set puts a zone into the field.
func (z *zonePicker) set(zone string) {
	z.filling = true
	z.entry.SetText(zone)
	z.filling = false
	z.panel.Hide()
}

// typed takes in what a person types: the list opens for what is no zone.
func (z *zonePicker) typed() {
	if z.filling {
		return
	}
	z.changed()
	if _, known := slices.BinarySearch(region.Zones(), z.entry.Text); known || z.entry.Text == "" {
		z.panel.Hide()
		return
	}
	z.open(z.entry.Text)
}

// open shows the zones that contain words, all if it would be none.
func (z *zonePicker) open(words string) {
	found := zonesLike(words)
	if len(found) == 0 {
		found = zonesLike("")
	}
	show(z.panel, true)
	z.keys.reveal(z.list) // which gives the list its size: without one it cannot show what is chosen
	z.list.show(found, z.entry.Text)
}

func (z *zonePicker) close() {
	z.panel.Hide()
	z.keys.focus(z.entry)
}

// search begins a search with what is typed while the list has the focus.
func (z *zonePicker) search(r rune) {
	z.keys.focus(z.entry)
	z.set("")
	z.entry.TypedRune(r)
}

func (z *zonePicker) pick(zone string) {
	z.set(zone)
	z.changed()
	z.keys.focus(z.entry)
}

// zoneList lists zones and how far each is from UTC. It has widgets only for the lines that can be seen.
type zoneList struct {
	widget.List
	keys  *keys
	zones []string
	at    widget.ListItemID // what the keys have reached
	pick  func(zone string)
	close func()
	typed func(rune)
}

func newZoneList(k *keys, pick func(string), closed func(), typed func(rune)) *zoneList {
	l := &zoneList{keys: k, pick: pick, close: closed, typed: typed}
	l.Length = func() int { return len(l.zones) }
	l.CreateItem = func() fyne.CanvasObject { return container.NewBorder(nil, nil, nil, muted(""), text("")) }
	l.UpdateItem = func(i widget.ListItemID, o fyne.CanvasObject) {
		if i >= len(l.zones) {
			return
		}
		line := o.(*fyne.Container)
		setText(line.Objects[0].(*widget.Label), zoneName(l.zones[i]))
		offset := ""
		if zone, err := time.LoadLocation(l.zones[i]); err == nil {
			offset = k.now().In(zone).Format("UTC-07:00")
		}
		setText(line.Objects[1].(*widget.Label), offset)
	}
	l.OnHighlighted = func(i widget.ListItemID) { l.at = i }
	l.OnSelected = func(i widget.ListItemID) {
		l.UnselectAll()
		pick(l.zones[i])
	}
	l.HideSeparators = true
	l.ExtendBaseWidget(l)
	return l
}

// show lists zones; the keys begin at the one that is chosen.
func (l *zoneList) show(zones []string, chosen string) {
	l.zones = zones
	l.Refresh()
	l.Highlight(max(0, slices.Index(zones, chosen)))
}

func (l *zoneList) FocusGained() {
	l.List.FocusGained()
	l.keys.reveal(l)
}

// TypedRune takes in a letter; a blank chooses.
func (l *zoneList) TypedRune(r rune) {
	if r == ' ' {
		l.pick(l.zones[l.at])
		return
	}
	l.typed(r)
}

func (l *zoneList) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeyEscape:
		l.close()
	case fyne.KeyReturn, fyne.KeyEnter:
		l.pick(l.zones[l.at])
	case fyne.KeySpace: // comes as a letter as well
	default:
		l.List.TypedKey(e)
	}
}
