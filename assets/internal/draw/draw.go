// Package draw renders the project's SVG sources to the icon files that package assets embeds.
//
// It is used by the generator and by the test that compares the committed files with their sources; nothing that ships
// imports it.
package draw

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/fyne-io/oksvg"
	"github.com/srwiley/rasterx"
)

// states are the names of the tray icons, as their SVG files and folders spell them.
var states = []string{"connected", "connecting", "degraded", "disconnected", "reset_window", "paused", "blocked"}

// TraySizes, TemplateSizes and AppSizes are the edges, in pixels, of the PNG files.
var (
	TraySizes     = []int{32, 64}
	TemplateSizes = []int{32}
	AppSizes      = []int{16, 22, 24, 32, 48, 64, 128, 256, 512}
)

// TrayICOSizes and AppICOSizes are the edges, in pixels, of the images inside the ICO files. The tray's ones start with
// the sizes at which Windows shows a tray icon (100, 125, 150 and 200 %), and go on with the sizes at which it loads
// one.
var (
	TrayICOSizes = []int{16, 20, 24, 32, 40, 48, 64}
	AppICOSizes  = []int{16, 20, 24, 32, 48, 256}
)

// Files renders every icon. svg holds the sources; the keys of the answer are slash-separated paths below the icon
// folder. The same sources give the same bytes.
func Files(svg fs.FS) (map[string][]byte, error) {
	files := make(map[string][]byte)
	for _, name := range trayIcons() {
		colour, err := source(svg, name, ".svg")
		if err != nil {
			return nil, err
		}
		mono, err := source(svg, name, "-mono.svg")
		if err != nil {
			return nil, err
		}
		err = errors.Join(
			add(files, path.Join("color", name), TraySizes, TrayICOSizes, colour, render),
			add(files, path.Join("template", name), TemplateSizes, nil, mono, stencil),
		)
		if err != nil {
			return nil, err
		}
	}
	app, err := fs.ReadFile(svg, "app.svg")
	if err != nil {
		return nil, err
	}
	return files, add(files, "app", AppSizes, AppICOSizes, app, render)
}

// live marks the icon of a state on a LIVE account: its drawing lies over that of the state.
const live = "-live"

func trayIcons() []string {
	names := slices.Clone(states)
	for _, state := range states {
		names = append(names, state+live)
	}
	return names
}

// source returns the drawing of a tray icon.
func source(svg fs.FS, name, suffix string) ([]byte, error) {
	state, isLive := strings.CutSuffix(name, live)
	drawing, err := fs.ReadFile(svg, state+suffix)
	if err != nil || !isLive {
		return drawing, err
	}
	badge, err := fs.ReadFile(svg, "live"+suffix)
	if err != nil {
		return nil, err
	}
	_, over, _ := bytes.Cut(badge, []byte("</title>"))
	under, _, _ := bytes.Cut(drawing, []byte("</svg>"))
	return slices.Concat(under, over), nil
}

// add paints one drawing for its PNG files, and for its ICO file unless that has no sizes.
func add(files map[string][]byte, name string, sizes, icoSizes []int, svg []byte,
	paint func(svg []byte, size int) (*image.NRGBA, error),
) error {
	images := make(map[int][]byte)
	painted := func(size int) ([]byte, error) {
		if images[size] == nil {
			img, err := paint(svg, size)
			if err != nil {
				return nil, fmt.Errorf("draw %s at %d: %w", name, size, err)
			}
			if images[size], err = encode(img); err != nil {
				return nil, fmt.Errorf("encode %s at %d: %w", name, size, err)
			}
		}
		return images[size], nil
	}
	for _, size := range sizes {
		data, err := painted(size)
		if err != nil {
			return err
		}
		files[fmt.Sprintf("%s-%d.png", name, size)] = data
	}
	parts := make([][]byte, len(icoSizes))
	for i, size := range icoSizes {
		data, err := painted(size)
		if err != nil {
			return err
		}
		parts[i] = data
	}
	if len(parts) > 0 {
		files[name+".ico"] = ico(icoSizes, parts)
	}
	return nil
}

// render draws an SVG as a square of size pixels.
func render(svg []byte, size int) (*image.NRGBA, error) {
	return averaged(svg, size, func(r, g, b, a, full uint32) color.NRGBA {
		if a == 0 {
			return color.NRGBA{}
		}
		// Away from the premultiplied colour; 255 × x ÷ a cannot exceed 255.
		straight := func(v uint32) uint8 { return uint8((v*255 + a/2) / a) }
		return color.NRGBA{R: straight(r), G: straight(g), B: straight(b), A: uint8((a*255 + full/2) / full)}
	})
}

// stencil draws an SVG in which black paints and white cuts, in black on a transparent ground.
func stencil(svg []byte, size int) (*image.NRGBA, error) {
	return averaged(svg, size, func(r, _, _, a, full uint32) color.NRGBA {
		return color.NRGBA{A: uint8(((a-r)*255 + full/2) / full)}
	})
}

// averaged draws an SVG larger than size pixels and averages it down, so that an edge gets as many shades as it needs.
// pixel returns the colour for the sums of the premultiplied channels, each of which can be as large as full.
func averaged(svg []byte, size int, pixel func(r, g, b, a, full uint32) color.NRGBA) (*image.NRGBA, error) {
	big, factor, err := oversized(svg, size)
	if err != nil {
		return nil, err
	}
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			r, g, b, a := average(big, x, y, factor)
			img.SetNRGBA(x, y, pixel(r, g, b, a, uint32(factor*factor*255)))
		}
	}
	return img, nil
}

// oversized draws an SVG factor times larger than size.
func oversized(svg []byte, size int) (img *image.RGBA, factor int, err error) {
	icon, err := oksvg.ReadIconStream(bytes.NewReader(svg), oksvg.StrictErrorMode)
	if err != nil {
		return nil, 0, err
	}
	factor = 4
	if size > 64 {
		factor = 2
	}
	edge := size * factor
	icon.SetTarget(0, 0, float64(edge), float64(edge))
	for i := range icon.SVGPaths {
		// the library scales outlines, but not their strokes
		icon.SVGPaths[i].LineWidth *= float64(edge) / icon.ViewBox.W
	}
	img = image.NewRGBA(image.Rect(0, 0, edge, edge))
	icon.Draw(rasterx.NewDasher(edge, edge, rasterx.NewScannerGV(edge, edge, img, img.Bounds())), 1)
	return img, factor, nil
}

// average sums the premultiplied channels of the factor × factor pixels that become the pixel at x, y.
func average(img *image.RGBA, x, y, factor int) (r, g, b, a uint32) {
	for sy := y * factor; sy < (y+1)*factor; sy++ {
		row := img.Pix[img.PixOffset(x*factor, sy):]
		for i := 0; i < 4*factor; i += 4 {
			r += uint32(row[i])
			g += uint32(row[i+1])
			b += uint32(row[i+2])
			a += uint32(row[i+3])
		}
	}
	return r, g, b, a
}

func encode(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, img)
	return b.Bytes(), err
}

// ico packs PNG images into one ICO file. An edge of 256 is written as 0, as the format wants.
func ico(sizes []int, images [][]byte) []byte {
	le := binary.LittleEndian
	b := le.AppendUint16(nil, 0)
	b = le.AppendUint16(b, 1) // an icon, not a cursor
	b = le.AppendUint16(b, uint16(len(images)))
	offset := 6 + 16*len(images)
	for i, data := range images {
		edge := byte(sizes[i] & 0xff)
		b = append(b, edge, edge, 0, 0)
		b = le.AppendUint16(b, 1)  // planes
		b = le.AppendUint16(b, 32) // bits per pixel
		b = le.AppendUint32(b, uint32(len(data)))
		b = le.AppendUint32(b, uint32(offset))
		offset += len(data)
	}
	for _, data := range images {
		b = append(b, data...)
	}
	return b
}
