package ui

import (
	"bytes"
	"cmp"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"github.com/go-text/typesetting/font"

	"gatewatch/app/api"
	"gatewatch/engine/rules"
)

var update = flag.Bool("update", false, "write the golden images")

// program is one for all tests: a new one, or another theme, parses the fonts and measures all words again.
var program fyne.App

// TestMain fixes the zone in which times are shown.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // pictures are made and thrown away: collecting them took a third of the time
	program = test.NewApp()
	time.Local = time.UTC
	computerZone = func() string { return "Europe/Zurich" }
	os.Exit(m.Run())
}

// always is a theme in one variant, whatever the desktop says.
type always struct {
	fyne.Theme
	variant fyne.ThemeVariant
}

func (a always) Color(name fyne.ThemeColorName, _ fyne.ThemeVariant) color.Color {
	return a.Theme.Color(name, a.variant)
}

var variants = map[string]fyne.ThemeVariant{"light": theme.VariantLight, "dark": theme.VariantDark}

// stage returns a view in a window of the given size.
func stage(t *testing.T, variant fyne.ThemeVariant, size fyne.Size, a Actions) (*View, fyne.Window) {
	t.Helper()
	for _, f := range []*func(){
		&a.Uptime, &a.Log, &a.Latency, &a.Messages, &a.Alerts, &a.Rules, &a.Orders, &a.Positions,
		&a.CancelOrders, &a.Disarm, &a.Login, &a.Diagnostics, &a.Programs, &a.StopTrading,
	} {
		if *f == nil {
			*f = func() {}
		}
	}
	if a.Arm == nil {
		a.Arm = func(bool) {}
	}
	if a.Mute == nil {
		a.Mute = func(time.Time) {}
	}
	if a.Test == nil {
		a.Test = func(string) {}
	}
	if a.Address == nil {
		a.Address = func(string) {}
	}
	if a.ChangeAlerts == nil {
		a.ChangeAlerts = func(AlertChange) {}
	}
	if a.Resolve == nil {
		a.Resolve = func(rules.Instrument) {}
	}
	if a.Preview == nil {
		a.Preview = func(api.RulePreviewRequest) {}
	}
	if shown, _ := program.Settings().Theme().(always); shown.Theme == nil || shown.variant != variant {
		program.Settings().SetTheme(always{Theme(), variant})
	}
	program.Clipboard().SetContent("")
	w := program.NewWindow("")
	t.Cleanup(w.Close)
	// Fyne reads the clock with a picture alone, and drops what it thinks was not used for a minute.
	w.Canvas().Capture()
	v := New(a, noon)
	w.SetPadded(false)
	w.SetContent(v.Content())
	w.Resize(size)
	v.Attach(w)
	return v, w
}

// settle lays everything out until it stays: the height of text follows its width, and what is below it follows that.
func settle(w fyne.Window) {
	size := w.Canvas().Size()
	for range 3 {
		w.Resize(size.AddWidthHeight(1, 0))
		w.Resize(size)
	}
}

// TestGolden compares what every scene looks like with a picture, and checks its contrast. At the least size everything
// has to fit side by side, in characters that the font has.
//
// The software painter of these pictures does not cut off the texts of entry fields that are scrolled out of sight:
// they stand over the foot of a page. The window on a screen cuts them off.
func TestGolden(t *testing.T) {
	small := []string{
		"reconnecting", "long_texts", "connected", "history_24h", "history_90", "alerts", "alert_add",
		"programs",
		"rules", "rule_new", "rule_order", "orders", "armed", "settings", "settings_search",
	}
	states := []string{ // every state and page: in both themes, also at 200 %
		"connected", "reconnecting", "reset_window", "degraded", "upstream_lost", "paused", "looking", "trying",
		"first_run", "not_running", "not_responding", "guard_closed", "read_only", "live",
		"history_24h", "history_90", "rules", "rule_order", "rule_activate", "orders", "orders_positions", "programs",
		"alerts", "settings", "focus",
	}
	dark := append([]string{"settings_error", "settings_trading", "settings_zone", "alert_add"}, states...)
	tall := map[string]float32{ // a page as a whole, which no scrolling cuts
		"tools": 860, "alert_add": 880, "history_24h": 1500, "settings_trading": 1900, "settings_windows": 1240,
		"settings_advanced": 2140, "settings_alerts": 1100,
		"rule_new": 1240, "rule_order": 2640, "rule_refused": 2520,
	}
	list := scenes()
	for _, word := range []string{"light", "dark"} {
		for name, play := range list {
			if word == "dark" && !slices.Contains(dark, name) {
				continue
			}
			t.Run(name+"_"+word, func(t *testing.T) {
				size := fyne.NewSize(520, max(tall[name], 680))
				v, w := stage(t, variants[word], size, Actions{})
				play(v)
				if !strings.HasPrefix(name, "focus") {
					w.Canvas().Unfocus() // nothing blinks
				}
				shoot := func(suffix string) {
					settle(w)
					m := w.Canvas().Capture().(*image.NRGBA)
					if !v.veil.Visible() {
						checkContrast(t, v.content, m)
					}
					compare(t, name+suffix+"_"+word, m)
				}
				shoot("")
				w.Resize(MinSize)
				if word == "light" {
					settle(w)
					if min := v.Content().MinSize(); min.Width > MinSize.Width || min.Height > MinSize.Height {
						t.Errorf("needs %v, gets %v", min, MinSize)
					}
					checkFont(t, v.Content())
					if slices.Contains(small, name) {
						shoot("_small")
					}
				}
				if slices.Contains(states, name) {
					w.Canvas().(interface{ SetScale(float32) }).SetScale(2)
					w.Resize(MinSize)
					v.content.Refresh() // images are made for the scale
					shoot("_200")
				}
			})
		}
	}
}

func compare(t *testing.T, name string, got *image.NRGBA) {
	t.Helper()
	path := filepath.Join("testdata", name+".png")
	if *update {
		write(t, path, rounded(got))
		return
	}
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test -update writes it", err)
	}
	want, err := png.Decode(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if differ := differing(want, got); differ > 0 {
		failed := filepath.Join(os.TempDir(), "gatewatch-golden", name+".png")
		write(t, failed, got)
		t.Errorf("%d values differ; look at %s and, if it is right, go test ./app/window/ui -update", differ, failed)
	}
}

// rounding is how far a stored value may be from what was painted.
const rounding = 6

// differing counts the values in which two images differ visibly: beside rounding, floating point is not the same on
// each kind of CPU.
func differing(a, b image.Image) (n int) {
	if a.Bounds() != b.Bounds() {
		return max(a.Bounds().Dx()*a.Bounds().Dy(), 1)
	}
	p, q := values(a), values(b)
	for i := range p {
		if max(p[i], q[i])-min(p[i], q[i]) > rounding+2 {
			n++
		}
	}
	return n
}

func values(m image.Image) []uint8 {
	if n, ok := m.(*image.NRGBA); ok {
		return n.Pix
	}
	n := image.NewNRGBA(m.Bounds())
	draw.Draw(n, n.Bounds(), m, m.Bounds().Min, draw.Src)
	return n.Pix
}

// rounded returns m in a palette, so that its file is a third as large, or m itself if that takes more than 256 colors.
func rounded(m *image.NRGBA) image.Image {
	count := map[color.NRGBA]int{}
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			count[m.NRGBAAt(x, y)]++
		}
	}
	often := slices.SortedFunc(maps.Keys(count), func(a, b color.NRGBA) int {
		return cmp.Or(count[b]-count[a], cmp.Compare(luminance(a), luminance(b)), int(a.R)-int(b.R), int(a.G)-int(b.G))
	})
	var list color.Palette
	index := map[color.NRGBA]uint8{}
	for _, c := range often {
		i := slices.IndexFunc(list, func(o color.Color) bool { return near(o.(color.NRGBA), c) })
		if i < 0 {
			i, list = len(list), append(list, c)
		}
		if i > 255 {
			return m
		}
		index[c] = uint8(i)
	}
	p := image.NewPaletted(m.Rect, list)
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			p.SetColorIndex(x, y, index[m.NRGBAAt(x, y)])
		}
	}
	return p
}

func near(a, b color.NRGBA) bool {
	d := func(a, b uint8) uint8 { return max(a, b) - min(a, b) }
	return max(d(a.R, b.R), d(a.G, b.G), d(a.B, b.B), d(a.A, b.A)) <= rounding
}

func write(t *testing.T, path string, m image.Image) {
	t.Helper()
	var body bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&body, m); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, body.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// eachText calls do with every text below o and its place, o being at the given one, unless it is scrolled out of
// what within says. Other than the toolkit's LaidOutObjects it leaves all as it is.
func eachText(o fyne.CanvasObject, at fyne.Position, within image.Rectangle, do func(*canvas.Text, fyne.Position)) {
	if !o.Visible() {
		return
	}
	var below []fyne.CanvasObject
	switch o := o.(type) {
	case *canvas.Text:
		if place := box(at, o.MinSize(), 1); place.In(within) {
			do(o, at)
		}
	case *fyne.Container:
		below = o.Objects
	case *container.Scroll:
		below, within = []fyne.CanvasObject{o.Content}, within.Intersect(box(at, o.Size(), 1))
	case fyne.Widget:
		below = test.WidgetRenderer(o).Objects()
	}
	for _, child := range below {
		eachText(child, at.Add(child.Position()), within, do)
	}
}

func box(at fyne.Position, size fyne.Size, scale float32) image.Rectangle {
	x, y := at.X+size.Width, at.Y+size.Height
	return image.Rect(int(at.X*scale), int(at.Y*scale), int(x*scale), int(y*scale))
}

// checkContrast checks each text in a picture against the ground that it lies on.
func checkContrast(t *testing.T, content fyne.CanvasObject, m *image.NRGBA) {
	t.Helper()
	scale := float32(m.Bounds().Dx()) / content.Size().Width
	all := box(fyne.Position{}, content.Size(), 1)
	eachText(content, fyne.Position{}, all, func(shown *canvas.Text, at fyne.Position) {
		if strings.TrimSpace(shown.Text) == "" {
			return
		}
		box := box(at, shown.MinSize(), scale)
		count := map[color.NRGBA]int{}
		for y := box.Min.Y; y < box.Max.Y; y++ {
			for x := box.Min.X; x < box.Max.X; x++ {
				count[m.NRGBAAt(x, y)]++
			}
		}
		var ground color.NRGBA
		for c, n := range count {
			if n > count[ground] {
				ground = c
			}
		}
		if ratio := contrast(shown.Color, ground); ratio < 4.5 {
			t.Errorf("%q has contrast %.2f", shown.Text, ratio)
		}
	})
}

// faces are the fonts of the theme, by name.
var faces = map[string]*font.Face{}

// checkFont looks for characters that come from a font of the computer, if it has one with them.
func checkFont(t *testing.T, content fyne.CanvasObject) {
	t.Helper()
	const fromOutside = "東京"
	everywhere := image.Rect(-1e6, -1e6, 1e6, 1e6)
	eachText(content, fyne.Position{}, everywhere, func(shown *canvas.Text, _ fyne.Position) {
		resource := program.Settings().Theme().Font(shown.TextStyle)
		if faces[resource.Name()] == nil {
			face, err := font.ParseTTF(bytes.NewReader(resource.Content()))
			if err != nil {
				t.Fatal(err)
			}
			faces[resource.Name()] = face
		}
		for _, r := range shown.Text {
			if _, known := faces[resource.Name()].NominalGlyph(r); !known && !strings.ContainsRune(fromOutside, r) {
				t.Errorf("%s has no %q, which is in %q", resource.Name(), r, shown.Text)
			}
		}
	})
}
