// Command gatewatch-window is the window of Gatewatch. The resident program starts it on demand; it is a client of its
// loopback API like any other, and closing or killing it changes nothing.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/driver"
	"github.com/adrg/xdg"
	"github.com/go-gl/glfw/v3.4/glfw"

	"gatewatch/app/api"
	"gatewatch/app/window/link"
	"gatewatch/app/window/ui"
	"gatewatch/assets"
)

// version is set by the linker.
var version = "dev"

// appID is the name by which the desktop knows the program.
const appID = "io.github.gatewatch.gatewatch"

// tick is the time between two looks at the clock: what counts down must not seem to stumble.
const tick = 250 * time.Millisecond

// rest is how long the toolkit's loop waits for an event of the desktop, which ends that at once, while the window is
// minimised or no event has ended a rest for calm. It is less than a tick. By itself the loop turns 60 times a second,
// whether there is something to paint or not, which takes twice the time of the processor.
const (
	rest = 200 * time.Millisecond
	calm = time.Second
)

func main() { os.Exit(run()) }

func run() (code int) {
	// The window lives on 20 MB, most of which are fonts, and seldom makes garbage: it pays with little time for much
	// memory.
	debug.SetGCPercent(20)
	card := flag.String("card", cardPath(), "`path` of api.json, by which the resident program is found")
	demo := flag.Bool("demo", false, "start the resident program as a demo")
	showVersion := flag.Bool("version", false, "show the version and exit")
	flag.Parse()
	if *showVersion {
		fmt.Println("gatewatch-window", version)
		return 0
	}
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "gatewatch-window: unexpected argument %q\n", flag.Arg(0))
		return 2
	}
	if runtime.GOOS == "linux" && os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		fmt.Fprintln(os.Stderr, "gatewatch-window: no window can be opened here: neither DISPLAY nor "+
			"WAYLAND_DISPLAY is set")
		return 1
	}
	isOpen := false
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		code = 1
		if isOpen {
			fmt.Fprintf(os.Stderr, "gatewatch-window: the window failed: %v\n%s", r, debug.Stack())
			return
		}
		// The toolkit panics where there is no display.
		fmt.Fprintf(os.Stderr, "gatewatch-window: no window can be opened here: %v\n", r)
	}()
	if !open(*card, link.Program{Card: *card, Args: argsFor(*card, *demo)}, func() { isOpen = true }) {
		fmt.Fprintln(os.Stderr, "gatewatch-window: no window can be opened here: there is no OpenGL")
		return 1
	}
	return 0
}

// cardPath is where the resident program leaves its card when it is started without flags.
func cardPath() string {
	if home := os.Getenv("GATEWATCH_HOME"); home != "" {
		return filepath.Join(home, "api.json")
	}
	return filepath.Join(xdg.StateHome, "gatewatch", "api.json")
}

// argsFor returns the flags with which the resident program uses the home that the card lies in.
func argsFor(card string, demo bool) (args []string) {
	if demo {
		args = append(args, "--demo")
	}
	if card != cardPath() {
		args = append(args, "--home", filepath.Dir(card))
	}
	return args
}

// open shows the window until it is closed, and calls opened when it stands. It returns whether it could be opened.
func open(card string, program link.Program, opened func()) bool {
	app.SetMetadata(fyne.AppMetadata{ID: appID, Name: "Gatewatch", Version: version})
	a := app.NewWithID(appID)
	a.Settings().SetTheme(ui.Theme())
	w := a.NewWindow("Gatewatch")
	w.SetIcon(fyne.NewStaticResource("gatewatch.png", assets.AppPNG(256)))

	ctx, cancel := context.WithCancel(context.Background())
	r := &resident{ctx: ctx, program: program}
	v := ui.New(r.actions(w), time.Now())
	r.view = v
	r.link = link.New(card, link.Face{
		Status:   func(st api.Status) { fyne.Do(func() { v.Status(st, time.Now()) }) },
		Settings: func(s api.SettingsView) { fyne.Do(func() { v.Settings(s) }) },
		Lost:     func(err error) { fyne.Do(func() { v.Lost(err, time.Now()) }) },
		Show: func() {
			fyne.Do(func() {
				w.Show() // from the dock or taskbar as well
				w.RequestFocus()
			})
		},
		Quit: func() { fyne.Do(v.Close) },
	})
	w.SetPadded(false)
	w.SetContent(v.Content())
	v.Attach(w)
	places := filepath.Join(filepath.Dir(card), "window.json")
	w.Resize(readSize(places))
	w.SetMaster()
	w.SetOnClosed(func() {
		cancel() // at once, so that the resident program takes this window for closed when it is asked to show one
		saveSize(places, w.Canvas().Size())
	})

	minimised := func(context.Context) bool { return false }
	var late atomic.Bool // the last tick has not come through yet
	var used time.Time   // when an event of the desktop ended a rest
	a.Lifecycle().SetOnStarted(func() {
		r.work.Go(func() { r.link.Run(ctx) })
		r.work.Go(func() {
			every, minute := time.Tick(tick), time.Tick(time.Minute)
			for {
				select {
				case <-ctx.Done():
					return
				case now := <-every:
					if late.Swap(true) { // the toolkit is busy
						continue
					}
					fyne.Do(func() {
						defer late.Store(false)
						hidden := minimised(ctx)
						v.Hidden(hidden)
						stayShown(w)
						v.Tick(now)
						if began := time.Now(); hidden || began.Sub(used) > calm {
							if glfw.WaitEventsTimeout(rest.Seconds()); time.Since(began) < rest {
								used = time.Now()
							}
						}
					})
				case <-minute:
					debug.FreeOSMemory()
				}
			}
		})
	})
	w.Show()
	if !stands(w) {
		cancel()
		return false
	}
	opened()
	minimised = whetherMinimised(w)
	a.Run()
	cancel()
	r.work.Wait()
	return true
}

// stands reports whether the window exists: without OpenGL the toolkit logs an error and goes on without a window.
func stands(w fyne.Window) bool {
	native, ok := w.(driver.NativeWindow)
	if !ok {
		return true
	}
	native.RunNative(func(handles any) { ok = !reflect.ValueOf(handles).IsZero() })
	return ok
}

// whetherMinimised returns a function for the goroutine of the toolkit, which reports whether the window is minimised.
// The toolkit does not say so, and paints it all the same. When ctx has ended, the window may not exist any more.
func whetherMinimised(w fyne.Window) func(ctx context.Context) bool {
	var native *glfw.Window
	if painted, ok := w.(interface{ RunWithContext(func()) }); ok {
		painted.RunWithContext(func() { native = glfw.GetCurrentContext() })
	}
	return func(ctx context.Context) bool {
		return native != nil && ctx.Err() == nil && native.GetAttrib(glfw.Iconified) == glfw.True
	}
}
