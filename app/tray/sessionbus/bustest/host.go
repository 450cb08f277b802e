package bustest

import (
	"bytes"
	"image"
	_ "image/png" // the icons
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"gatewatch/assets"
)

// WatcherName is the name under which icons look for a desktop.
const WatcherName = "org.kde.StatusNotifierWatcher"

// patient bounds every wait for another process.
const patient = time.Minute

// Host is the part of a desktop that shows icons, a StatusNotifierWatcher.
type Host struct {
	T       testing.TB
	Bus     *dbus.Conn
	items   chan dbus.Sender
	Signals chan *dbus.Signal
	item    dbus.BusObject
	menu    dbus.BusObject
}

// RegisterStatusNotifierItem is called by icons.
func (d *Host) RegisterStatusNotifierItem(_ string, sender dbus.Sender) *dbus.Error {
	d.items <- sender
	return nil
}

// StartHost shows icons on the test's bus until the test ends.
func StartHost(t testing.TB) *Host {
	t.Helper()
	d := &Host{T: t, Bus: Connect(t), items: make(chan dbus.Sender, 10), Signals: make(chan *dbus.Signal, 1000)}
	if err := d.Bus.Export(d, "/StatusNotifierWatcher", WatcherName); err != nil {
		t.Fatal(err)
	}
	d.Bus.Signal(d.Signals)
	if err := d.Bus.AddMatchSignal(dbus.WithMatchPathNamespace("/StatusNotifierItem")); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Bus.RequestName(WatcherName, dbus.NameFlagDoNotQueue); err != nil ||
		got != dbus.RequestNameReplyPrimaryOwner {
		t.Fatal(got, err)
	}
	return d
}

// Adopt waits for an icon to register.
func (d *Host) Adopt() {
	d.T.Helper()
	select {
	case sender := <-d.items:
		d.item = d.Bus.Object(string(sender), "/StatusNotifierItem")
		d.menu = d.Bus.Object(string(sender), "/StatusNotifierItem/menu")
	case <-time.After(patient):
		d.T.Fatal("no icon registers")
	}
	d.layout() // the library answers the first one incompletely
	time.Sleep(200 * time.Millisecond)
}

// Property stores a property of the icon.
func (d *Host) Property(name string, to any) {
	d.T.Helper()
	v, err := d.item.GetProperty("org.kde.StatusNotifierItem." + name)
	if err != nil {
		d.T.Fatal(err)
	}
	if err := dbus.Store([]any{v.Value()}, to); err != nil {
		d.T.Fatalf("%s: %v", name, err)
	}
}

type pixmap struct {
	W, H int32
	Pix  []byte
}

// Icon returns the name of the icon that is shown, recognised by its pixels.
func (d *Host) Icon() string {
	d.T.Helper()
	var shown []pixmap
	d.Property("IconPixmap", &shown)
	if len(shown) != 1 {
		d.T.Fatalf("%d pixmaps", len(shown))
	}
	for _, i := range assets.Icons {
		img, _, err := image.Decode(bytes.NewReader(assets.Tray(i, assets.Color)))
		if err != nil {
			d.T.Fatal(err)
		}
		if int(shown[0].W) == img.Bounds().Dx() && bytes.Equal(shown[0].Pix, argb(img)) {
			return i.String()
		}
	}
	return "unknown"
}

func argb(img image.Image) []byte {
	var out []byte
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			r, g, b, a := img.At(x, y).RGBA()
			out = append(out, byte(a>>8), byte(r>>8), byte(g>>8), byte(b>>8))
		}
	}
	return out
}

// Tooltip returns the tooltip that is shown.
func (d *Host) Tooltip() string {
	d.T.Helper()
	var shown struct {
		Name  string
		Icons []pixmap
		Title string
		Text  string
	}
	d.Property("ToolTip", &shown)
	return shown.Title
}

type node struct {
	ID       int32
	Props    map[string]dbus.Variant
	Children []dbus.Variant
}

func (d *Host) layout() node {
	d.T.Helper()
	var revision uint32
	var root node
	if err := d.menu.Call("com.canonical.dbusmenu.GetLayout", 0, int32(0), int32(-1), []string{}).Store(&revision,
		&root); err != nil {
		d.T.Fatal(err)
	}
	return root
}

// Entries returns the visible entries as lines and their ids by title.
func (d *Host) Entries() (lines []string, ids map[string]int32) {
	d.T.Helper()
	ids = map[string]int32{}
	var walk func(n node, indent string)
	walk = func(n node, indent string) {
		for _, v := range n.Children {
			var c node
			if err := dbus.Store([]any{v.Value()}, &c); err != nil {
				d.T.Fatal(err)
			}
			if visible, ok := c.Props["visible"].Value().(bool); ok && !visible {
				continue
			}
			if kind, _ := c.Props["type"].Value().(string); kind == "separator" {
				lines = append(lines, indent+"—")
				continue
			}
			title, _ := c.Props["label"].Value().(string)
			ids[title] = c.ID
			if enabled, ok := c.Props["enabled"].Value().(bool); ok && !enabled {
				title = "(" + title + ")"
			}
			if on, _ := c.Props["toggle-state"].Value().(int32); on == 1 {
				title += " ✓"
			}
			lines = append(lines, indent+title)
			walk(c, indent+"  ")
		}
	}
	walk(d.layout(), "")
	return lines, ids
}

// Click clicks on an entry of the menu.
func (d *Host) Click(title string) {
	d.T.Helper()
	_, ids := d.Entries()
	id, ok := ids[title]
	if !ok {
		d.T.Fatalf("no entry %q in %v", title, ids)
	}
	if err := d.menu.Call("com.canonical.dbusmenu.Event", 0, id, "clicked", dbus.MakeVariant(""), uint32(0)).
		Err; err != nil {
		d.T.Fatal(err)
	}
}

// AwaitTooltip waits for a tooltip that begins so.
func (d *Host) AwaitTooltip(prefix string) string {
	d.T.Helper()
	for end := time.Now().Add(patient); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if text := d.Tooltip(); strings.HasPrefix(text, prefix) {
			return text
		}
	}
	d.T.Fatalf("tooltip %q, want it to begin with %q", d.Tooltip(), prefix)
	return ""
}

// Activate clicks on the icon itself.
func (d *Host) Activate() error {
	return d.item.Call("org.kde.StatusNotifierItem.Activate", 0, int32(0), int32(0)).Err
}
