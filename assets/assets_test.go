package assets

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"maps"
	"math"
	"os"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gatewatch/assets/internal/draw"
)

// tolerance is how far a channel may differ between the committed files and a fresh rendering, of 255: processors that
// fuse multiplication and addition round some edges the other way.
const tolerance = 2

func TestFilesAreCurrent(t *testing.T) {
	fresh, err := draw.Files(os.DirFS("svg"))
	if err != nil {
		t.Fatal(err)
	}
	committed := make(map[string][]byte)
	err = fs.WalkDir(os.DirFS("icon"), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		committed[name], err = fs.ReadFile(os.DirFS("icon"), name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want, got := slices.Sorted(maps.Keys(fresh)), slices.Sorted(maps.Keys(committed))
	if !slices.Equal(want, got) {
		t.Fatalf("files in icon: %v\nfrom svg: %v\nrun: go generate ./assets", got, want)
	}
	for _, name := range got {
		// Pixels, not bytes: another release of Go may compress them in another way.
		wantImages, gotImages := images(t, name, fresh[name]), images(t, name, committed[name])
		if len(wantImages) != len(gotImages) {
			t.Errorf("%s: %d images, svg gives %d; run: go generate ./assets", name, len(gotImages), len(wantImages))
			continue
		}
		for i := range gotImages {
			if d := distance(gotImages[i], wantImages[i]); d > tolerance {
				t.Errorf("%s, image %d: differs from svg by %d of 255; run: go generate ./assets", name, i, d)
			}
		}
	}
	if testing.Short() {
		return
	}
	again, err := draw.Files(os.DirFS("svg"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range fresh {
		if !bytes.Equal(data, again[name]) {
			t.Errorf("%s: rendering twice gives different bytes", name)
		}
	}
}

// drawn returns the picture of an icon in colour at one of the sizes of its ICO file.
func drawn(t *testing.T, icon Icon, size int) *image.NRGBA {
	t.Helper()
	return images(t, icon.String()+".ico", file(t, Color, icon, ".ico"))[slices.Index(draw.TrayICOSizes, size)]
}

// template returns the picture of an icon in one colour, of 32 pixels.
func template(t *testing.T, icon Icon) *image.NRGBA {
	t.Helper()
	return images(t, icon.String()+".png", file(t, Template, icon, "-32.png"))[0]
}

func file(t *testing.T, variant Variant, icon Icon, suffix string) []byte {
	t.Helper()
	data, err := os.ReadFile(path.Join("icon", variant.String(), icon.String()+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestEverySize(t *testing.T) {
	for _, icon := range Icons {
		for _, size := range draw.TraySizes {
			suffix := fmt.Sprintf("-%d.png", size)
			checkEdge(t, icon.String()+suffix, file(t, Color, icon, suffix), size)
		}
		checkEdge(t, icon.String()+", template", file(t, Template, icon, "-32.png"), 32)
		name := fmt.Sprintf("Tray(%v, Color)", icon)
		switch runtime.GOOS {
		case "windows":
			parseICO(t, name, Tray(icon, Color), draw.TrayICOSizes)
		case "darwin":
			checkEdge(t, name, Tray(icon, Color), 32)
			checkEdge(t, fmt.Sprintf("Tray(%v, Template)", icon), Tray(icon, Template), 32)
		default:
			checkEdge(t, name, Tray(icon, Color), 64)
		}
	}
	for _, size := range draw.AppSizes {
		checkEdge(t, fmt.Sprintf("AppPNG(%d)", size), AppPNG(size), size)
	}
	for name, data := range map[string][]byte{
		"Tray of no icon":       Tray(Icon(len(Icons)), Color),
		"Tray of no variant":    Tray(Connected, Template+1),
		"AppPNG of 1024 pixels": AppPNG(1024),
	} {
		if data != nil {
			t.Errorf("%s: %d bytes, want nil", name, len(data))
		}
	}
}

func TestICO(t *testing.T) {
	app, err := os.ReadFile("icon/app.ico")
	if err != nil {
		t.Fatal(err)
	}
	parseICO(t, "app.ico", app, draw.AppICOSizes)
	for _, icon := range Icons {
		parseICO(t, icon.String()+".ico", file(t, Color, icon, ".ico"), draw.TrayICOSizes)
	}
}

// TestColors samples each icon at a place, in the 16 × 16 grid of the drawings, that only its own colour covers.
func TestColors(t *testing.T) {
	for _, c := range []struct {
		icon Icon
		x, y float64
		want color.NRGBA
	}{
		{Connected, 8, 3, color.NRGBA{0x00, 0x9e, 0x73, 0xff}},
		{Connecting, 2.5, 8, color.NRGBA{0x00, 0x72, 0xb2, 0xff}},
		{Degraded, 5, 12, color.NRGBA{0xe6, 0x9f, 0x00, 0xff}},
		{Disconnected, 8, 3, color.NRGBA{0xd5, 0x5e, 0x00, 0xff}},
		{ResetWindow, 8, 2.5, color.NRGBA{0xcc, 0x79, 0xa7, 0xff}},
		{Blocked, 8, 3, color.NRGBA{0xe6, 0x9f, 0x00, 0xff}},
		{Paused, 4, 8, color.NRGBA{0x80, 0x80, 0x80, 0xff}},
		{Connected.Live(), 8, 3, color.NRGBA{0x00, 0x9e, 0x73, 0xff}},
		{Connected.Live(), 13.5, 11, color.NRGBA{0xf0, 0xe4, 0x42, 0xff}},
		{Paused.Live(), 13.5, 11, color.NRGBA{0xf0, 0xe4, 0x42, 0xff}},
	} {
		for _, size := range []int{32, 48, 64} {
			scale := float64(size) / 16
			img := drawn(t, c.icon, size)
			if got := img.NRGBAAt(int(c.x*scale), int(c.y*scale)); got != c.want {
				t.Errorf("%v at %d pixels: colour %v, want %v", c.icon, size, got, c.want)
			}
		}
	}
}

// TestShapes takes the colour away: any two icons must still differ by a quarter of the ink of the lighter one, and by
// no less than 24 whole pixels of 256.
func TestShapes(t *testing.T) {
	for i, a := range Icons[:states] {
		for _, b := range append(slices.Clone(Icons[i+1:states]), a.Live()) {
			left, right := template(t, a), template(t, b)
			var differ, inkLeft, inkRight float64
			for p := 3; p < len(left.Pix); p += 4 {
				l, r := float64(left.Pix[p])/255/4, float64(right.Pix[p])/255/4 // 32 × 32 for 16 × 16
				differ += math.Abs(l - r)
				inkLeft += l
				inkRight += r
			}
			t.Logf("%v and %v: %.0f pixels differ, ink %.0f and %.0f", a, b, differ, inkLeft, inkRight)
			if differ < 24 || differ < min(inkLeft, inkRight)/4 {
				t.Errorf("%v and %v: only %.0f pixels differ, of %.0f and %.0f", a, b, differ, inkLeft, inkRight)
			}
		}
	}
}

// TestReadsOnEveryBar asks that much of each icon stands out from the bar: 3:1 is the contrast that WCAG wants of
// graphics.
func TestReadsOnEveryBar(t *testing.T) {
	for _, bar := range []color.NRGBA{
		{0xff, 0xff, 0xff, 0xff}, // white
		{0xf3, 0xf3, 0xf3, 0xff}, // Windows 11, light
		{0x20, 0x20, 0x20, 0xff}, // Windows 11, dark
		{0x00, 0x00, 0x00, 0xff}, // black
		{0x00, 0x78, 0xd4, 0xff}, // an accent colour
	} {
		for _, icon := range Icons {
			img := drawn(t, icon, 16)
			plain := 0
			for y := range 16 {
				for x := range 16 {
					if contrast(over(img.NRGBAAt(x, y), bar), bar) >= 3 {
						plain++
					}
				}
			}
			t.Logf("%v on %v: %d pixels", icon, bar, plain)
			if plain < 32 {
				t.Errorf("%v on bar %v: only %d pixels of 256 stand out", icon, bar, plain)
			}
		}
	}
}

// TestSoftEdges asks that only the outline is partly transparent. The tray library for Linux garbles the colour of a
// partly transparent pixel unless it is black or white. Smaller images have pixels that reach from the rim to the bar.
func TestSoftEdges(t *testing.T) {
	soft := func(name string, img *image.NRGBA, want color.NRGBA) {
		for p := 0; p < len(img.Pix); p += 4 {
			c := color.NRGBA{img.Pix[p], img.Pix[p+1], img.Pix[p+2], 0}
			if a := img.Pix[p+3]; a != 0 && a != 255 && c != want {
				t.Fatalf("%s, %v: colour %v at alpha %d, want %v", name, img.Bounds(), c, a, want)
			}
		}
	}
	for _, icon := range Icons {
		for _, size := range []int{32, 48, 64} {
			soft(icon.String(), drawn(t, icon, size), color.NRGBA{0xff, 0xff, 0xff, 0})
		}
		soft(icon.String()+", template", template(t, icon), color.NRGBA{})
	}
}

// TestEmbeddedSize keeps the program that stays in memory small.
func TestEmbeddedSize(t *testing.T) {
	for _, suffix := range []string{".ico", "-32.png", "-64.png"} {
		total := 0
		for _, icon := range Icons {
			total += len(file(t, Color, icon, suffix))
		}
		t.Logf("tray files *%s: %d bytes", suffix, total)
		if total > 130<<10 {
			t.Errorf("tray files *%s: %d bytes, want at most 130 KiB", suffix, total)
		}
	}
}

func TestFyneAppNamesAnIcon(t *testing.T) {
	data, err := os.ReadFile("../FyneApp.toml")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^Icon = "(.+)"$`).FindSubmatch(data)
	if m == nil {
		t.Fatal("FyneApp.toml: no Icon")
	}
	icon, err := os.ReadFile("../" + string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(icon, AppPNG(512)) {
		t.Errorf("FyneApp.toml: Icon %s is not AppPNG(512)", m[1])
	}
}

// images decodes a PNG or an ICO.
func images(t *testing.T, name string, data []byte) []*image.NRGBA {
	t.Helper()
	parts := [][]byte{data}
	if strings.HasSuffix(name, ".ico") {
		parts = parseICO(t, name, data, nil)
	}
	var out []*image.NRGBA
	for _, part := range parts {
		img, err := png.Decode(bytes.NewReader(part))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		straight, ok := img.(*image.NRGBA)
		if !ok {
			t.Fatalf("%s: decodes to %T, want *image.NRGBA", name, img)
		}
		out = append(out, straight)
	}
	return out
}

func checkEdge(t *testing.T, name string, data []byte, edge int) {
	t.Helper()
	c, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if c.Width != edge || c.Height != edge {
		t.Errorf("%s: %d × %d pixels, want %d", name, c.Width, c.Height, edge)
	}
}

// parseICO returns the PNG images of an ICO, after checking that its directory covers the file without gap and tells
// the truth. With sizes nil any sizes will do.
func parseICO(t *testing.T, name string, data []byte, sizes []int) [][]byte {
	t.Helper()
	le := binary.LittleEndian
	if len(data) < 6 || le.Uint16(data) != 0 || le.Uint16(data[2:]) != 1 {
		t.Fatalf("%s: not an ICO", name)
	}
	n := int(le.Uint16(data[4:]))
	if sizes != nil && n != len(sizes) || len(data) < 6+16*n {
		t.Fatalf("%s: %d images, want sizes %v", name, n, sizes)
	}
	var parts [][]byte
	next := 6 + 16*n
	for i := range n {
		e := data[6+16*i:]
		length, offset := int(le.Uint32(e[8:])), int(le.Uint32(e[12:]))
		if offset != next || offset+length > len(data) {
			t.Fatalf("%s, image %d: at %d to %d, want a start at %d within %d bytes", name, i, offset, offset+length,
				next, len(data))
		}
		next += length
		edge := int(e[0])
		if edge == 0 {
			edge = 256
		}
		if e[0] != e[1] || le.Uint16(e[4:]) != 1 || le.Uint16(e[6:]) != 32 || sizes != nil && edge != sizes[i] {
			t.Errorf("%s, image %d: directory entry % x", name, i, e[:16])
		}
		parts = append(parts, data[offset:offset+length])
		checkEdge(t, fmt.Sprintf("%s, image %d", name, i), parts[i], edge)
	}
	if next != len(data) {
		t.Errorf("%s: %d bytes after the last image", name, len(data)-next)
	}
	return parts
}

// distance returns the largest difference of a channel, 255 if the sizes differ.
func distance(a, b *image.NRGBA) int {
	if a.Bounds() != b.Bounds() {
		return 255
	}
	d := 0
	for i := range a.Pix {
		d = max(d, int(a.Pix[i])-int(b.Pix[i]), int(b.Pix[i])-int(a.Pix[i]))
	}
	return d
}

func over(c, ground color.NRGBA) color.NRGBA {
	mix := func(front, back uint8) uint8 {
		return uint8((int(front)*int(c.A) + int(back)*(255-int(c.A))) / 255)
	}
	return color.NRGBA{mix(c.R, ground.R), mix(c.G, ground.G), mix(c.B, ground.B), 255}
}

// contrast is the WCAG contrast ratio, from 1 to 21.
func contrast(a, b color.NRGBA) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(c color.NRGBA) float64 {
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}
