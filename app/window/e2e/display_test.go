package e2e

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// display is a screen of its own.
type display struct {
	t      *testing.T
	env    []string
	screen string // file that has what is on it
}

const displayWidth, displayHeight = 900, 1000

func newDisplay(t *testing.T, args ...string) *display {
	t.Helper()
	need(t, "Xvfb", "xdotool")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	home := t.TempDir()
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "DBUS_SESSION_BUS_ADDRESS=disabled:",
		"LIBGL_ALWAYS_SOFTWARE=1", "FYNE_THEME=" + look(), "TZ=UTC",
	}
	x := exec.Command("Xvfb", append([]string{
		"-displayfd", "3", "-fbdir", home, "-screen", "0", fmt.Sprintf("%dx%dx24", displayWidth, displayHeight),
		"-nocursor", "-nolisten", "tcp", "-noreset",
	}, args...)...)
	x.Env, x.ExtraFiles = env, []*os.File{w}
	if err := x.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		_ = x.Process.Signal(syscall.SIGTERM) // killed it would leave its lock behind, over which the next ones stumble
		_ = x.Wait()
	})
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb names no display: %v", err)
	}
	d := &display{
		t: t, env: append(env, "DISPLAY=:"+strings.TrimSpace(number)), screen: filepath.Join(home, "Xvfb_screen0"),
	}
	until(t, "the display answers", func() bool {
		_, err := d.output("xdotool", "getdisplaygeometry")
		return err == nil
	})
	return d
}

// pixels returns what Xvfb has painted, four bytes each with blue first, and how many bytes a row has. The file is an X
// window dump: a header of big-endian numbers, a table of colours and the pixels.
func (d *display) pixels() (data []byte, stride int) {
	d.t.Helper()
	dump, err := os.ReadFile(d.screen)
	if err != nil {
		d.t.Fatal(err)
	}
	field := func(i int) int { return int(binary.BigEndian.Uint32(dump[4*i:])) }
	return dump[field(0)+12*field(19):], field(12)
}

func (d *display) output(program string, args ...string) (string, error) {
	cmd := exec.Command(program, args...)
	cmd.Env = d.env
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

func (d *display) do(args ...string) {
	d.t.Helper()
	if out, err := d.output("xdotool", args...); err != nil {
		d.t.Fatalf("xdotool %v: %v\n%s", args, err, out)
	}
}

// windows lists the ids of the windows of Gatewatch.
func (d *display) windows() []string {
	out, _ := d.output("xdotool", "search", "--onlyvisible", "--name", "^Gatewatch") // fails if there is none
	return strings.Fields(out)
}

// title returns the title of the only window.
func (d *display) title() string {
	list := d.windows()
	if len(list) != 1 {
		return fmt.Sprintf("%d windows", len(list))
	}
	name, _ := d.output("xdotool", "getwindowname", list[0])
	return name
}

// untilTitle waits until the only window has one of the titles.
func (d *display) untilTitle(want ...string) {
	d.t.Helper()
	end := time.Now().Add(patience)
	for !slices.Contains(want, d.title()) {
		if time.Now().After(end) {
			d.keep("failed")
			d.t.Fatalf("the window's title is %q, want %q", d.title(), want)
		}
	}
}

// picture returns what is on the screen.
func (d *display) picture() *image.RGBA {
	d.t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, displayWidth, displayHeight))
	data, stride := d.pixels()
	for y := range displayHeight {
		from, to := data[y*stride:], m.Pix[y*m.Stride:]
		for x := 0; x < 4*displayWidth; x += 4 {
			to[x], to[x+1], to[x+2], to[x+3] = from[x+2], from[x+1], from[x], 0xff
		}
	}
	return m
}

// keep puts a picture of the screen into the folder named by SHOTS, if it is set.
func (d *display) keep(name string) {
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	var data bytes.Buffer
	err := png.Encode(&data, d.picture())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "window-"+name+"-"+look()+".png"), data.Bytes(), 0o644)
	}
	if err != nil {
		d.t.Log(err)
	}
}

// painted reports whether something else than black stands where the window does.
func (d *display) painted() bool {
	return d.picture().RGBAAt(300, 6) != color.RGBA{A: 0xff}
}

// button finds the blue button, of which there is one at most on a page, and returns its middle.
func (d *display) button() (x, y int, ok bool) {
	m := d.picture()
	for y := m.Bounds().Max.Y - 1; y >= 0; y-- {
		run := 0
		for x := range m.Bounds().Max.X {
			if m.RGBAAt(x, y) == (color.RGBA{0, 0x72, 0xb2, 0xff}) {
				run++
				continue
			}
			if run >= 36 {
				return x - run/2, y - 8, true
			}
			run = 0
		}
	}
	return 0, 0, false
}

// press clicks the blue button when it is there, and leaves it: under the mouse it has another colour.
func (d *display) press() {
	d.t.Helper()
	var x, y int
	until(d.t, "there is a blue button", func() (ok bool) {
		x, y, ok = d.button()
		return ok
	})
	d.do("mousemove", fmt.Sprint(x), fmt.Sprint(y), "click", "1", "mousemove", "300", "20")
}

// open starts a window by hand.
func (d *display) open(s *stage) *process {
	d.t.Helper()
	return start(d.t, d.env, filepath.Join(bin, "gatewatch-window"), "--card", s.card())
}
