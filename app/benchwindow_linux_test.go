package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"gatewatch/app/api"
	"gatewatch/app/home"
)

const (
	manyRules  = 200
	manyOrders = 500
)

// crowded starts the program with rules that watch ticking prices, and with working orders that other rules have
// placed.
func crowded(b *testing.B) *rig {
	b.Helper()
	r := benchRig(b, 0, 100)
	r.write("settings.json", fmt.Sprintf(`{"api": {"port": 0}, "reset_minutes": 0, "gateway": {"port": %d},
		"trading": {"orders_per_minute": 10000, "orders_per_day": 10000}}`, r.gateway.Port()))
	var buyers, buying []string
	for i := range manyOrders {
		name := fmt.Sprint("order ", i)
		buying = append(buying, name)
		buyers = append(buyers, fmt.Sprintf(`{"name": %q, "instrument": {"symbol": %q, "currency": "USD"},
			"conditions": [{"price": "last", "is": "at_or_above", "value": 1}],
			"action": {"do": "order", "order": {"side": "BUY", "quantity": 1, "type": "LMT", "limit_price": 1}}}`,
			name, benchStocks[i%len(benchStocks)]))
	}
	r.write("rules.json", rulesOf(buyers...))
	r.until("the settings are in effect", func() bool {
		return strings.Contains(r.get("/settings"), `"orders_per_day": 10000`)
	})
	r.until("the rules are there", func() bool { return strings.Contains(r.get("/rules"), buying[manyOrders-1]) })
	r.arm()
	r.activate(buying...)
	r.until("the orders work", func() bool {
		return len(slices.DeleteFunc(r.orders().Orders, func(o api.OrderView) bool { return !o.Open })) >= manyOrders
	})
	text, names := benchRules(manyRules)
	r.write("rules.json", text)
	r.until("the rules are others", func() bool { return !strings.Contains(r.get("/rules"), buying[0]) })
	r.activate(names...)
	return r
}

// screen is a virtual display, whose pixels are in a file.
type screen struct {
	b      *testing.B
	env    []string
	pixels []byte
	stride int
	seed   maphash.Seed
}

const screenWidth, screenHeight = 800, 900

func newScreen(b *testing.B) *screen {
	b.Helper()
	for _, program := range []string{"Xvfb", "xdotool"} {
		if _, err := exec.LookPath(program); err != nil {
			b.Skipf("%s is not installed; `make bench` installs it on Debian and Ubuntu", program)
		}
	}
	folder := b.TempDir()
	r, w, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	x := exec.Command("Xvfb", "-displayfd", "3", "-fbdir", folder, "-nolisten", "tcp", "-noreset", "-screen", "0",
		fmt.Sprintf("%dx%dx24", screenWidth, screenHeight))
	x.ExtraFiles = []*os.File{w}
	if err := x.Start(); err != nil {
		b.Fatal(err)
	}
	w.Close()
	b.Cleanup(func() {
		_ = x.Process.Signal(syscall.SIGTERM)
		_ = x.Wait()
	})
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		b.Fatalf("Xvfb names no display: %v", err)
	}
	file, err := os.Open(filepath.Join(folder, "Xvfb_screen0"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		b.Fatal(err)
	}
	dump, err := syscall.Mmap(int(file.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = syscall.Munmap(dump) })
	field := func(i int) int { return int(binary.BigEndian.Uint32(dump[4*i:])) } // of the header of an X window dump
	s := &screen{b: b, stride: field(12), pixels: dump[field(0)+12*field(19):], seed: maphash.MakeSeed()}
	s.env = append(os.Environ(), "DISPLAY=:"+strings.TrimSpace(number), "WAYLAND_DISPLAY=", "LIBGL_ALWAYS_SOFTWARE=1",
		"DBUS_SESSION_BUS_ADDRESS=disabled:", "HOME="+b.TempDir())
	return s
}

// sum is a check sum of the rows of pixels from top to bottom.
func (s *screen) sum(top, bottom int) uint64 {
	return maphash.Bytes(s.seed, s.pixels[top*s.stride:bottom*s.stride])
}

// change waits until rows of the screen differ from a check sum, and returns when they did.
func (s *screen) change(top, bottom int, from uint64) time.Time {
	s.b.Helper()
	for end := time.Now().Add(patience); s.sum(top, bottom) == from; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.b.Fatal("nothing is painted")
		}
	}
	return time.Now()
}

// still waits until nothing has changed for a while.
func (s *screen) still() {
	s.b.Helper()
	for last, since := s.sum(0, screenHeight), time.Now(); time.Since(since) < 500*time.Millisecond; {
		time.Sleep(5 * time.Millisecond)
		if now := s.sum(0, screenHeight); now != last {
			last, since = now, time.Now()
		}
	}
}

func (s *screen) do(args ...string) {
	s.b.Helper()
	cmd := exec.Command("xdotool", args...)
	cmd.Env = s.env
	if out, err := cmd.CombinedOutput(); err != nil {
		s.b.Fatalf("xdotool %v: %v\n%s", args, err, out)
	}
}

// BenchmarkWindow measures the window as it is shipped, on a display without a graphics card, with 200 rules that watch
// ticking prices and 500 working orders.
func BenchmarkWindow(b *testing.B) {
	s := newScreen(b)
	binary := filepath.Join(b.TempDir(), "gatewatch-window")
	build := exec.Command("go", "build", "-tags", "no_emoji", "-trimpath", "-buildvcs=false", "-o", binary, "./window")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	r := crowded(b)
	var window *exec.Cmd
	start := func() (wall, processor time.Duration) {
		window = exec.Command(binary, "--card", home.At(r.dir).Card())
		window.Env, window.Stdout, window.Stderr = s.env, r.console, r.console
		before, began := s.sum(0, screenHeight), time.Now()
		if err := window.Start(); err != nil {
			b.Fatal(err)
		}
		wall = s.change(0, screenHeight, before).Sub(began)
		return wall, processorTime(b, window.Process.Pid)
	}
	stop := func() {
		_ = window.Process.Kill()
		_ = window.Wait()
	}
	b.Cleanup(func() { stop() })
	b.Run("first paint", func(b *testing.B) {
		var walls, used []time.Duration
		for b.Loop() {
			wall, processor := start()
			walls, used = append(walls, wall), append(used, processor)
			s.still()
			stop()
			s.still() // without the window, but with the pointer that came with the first one
		}
		b.ReportMetric(median(walls), "ms-p50")
		b.ReportMetric(median(used), "ms-of-a-core")
		b.ReportMetric(0, "ns/op")
	})
	start()
	s.still()
	key := func(keys ...string) { s.do(append([]string{"key", "--delay", "50"}, keys...)...) }
	s.do("search", "--sync", "--onlyvisible", "--name", "^Gatewatch", "windowfocus")
	key("Tab", "Tab", "Tab", "Return") // the tab of rules
	s.still()
	tabs := 0
	b.Run("tab change", func(b *testing.B) {
		var walls, used []time.Duration
		for b.Loop() {
			key([]string{"Tab", "shift+Tab"}[tabs%2]) // orders, rules
			tabs++
			s.still()
			before, busy := s.sum(pageTop, screenHeight), processorTime(b, window.Process.Pid)
			began := time.Now()
			key("Return")
			walls = append(walls, s.change(pageTop, screenHeight, before).Sub(began))
			used = append(used, processorTime(b, window.Process.Pid)-busy)
			s.still()
		}
		b.ReportMetric(median(walls), "ms-p50")
		b.ReportMetric(median(used), "ms-of-a-core")
		b.ReportMetric(0, "ns/op")
	})
	if tabs%2 == 0 {
		key("Tab", "Return") // orders
		s.still()
	}
	b.Run("scrolling 500 orders", func(b *testing.B) {
		var frames int
		var passed, used time.Duration
		s.do("mousemove", "200", "400")
		for wheel := 4; b.Loop(); wheel = 9 - wheel {
			s.still()
			busy, began := processorTime(b, window.Process.Pid), time.Now()
			done := make(chan struct{})
			go func() {
				defer close(done)
				s.do("click", "--repeat", "200", "--delay", "10", strconv.Itoa(9-wheel))
			}()
			last := s.sum(pageTop, screenHeight)
			for more := true; more; time.Sleep(time.Millisecond) {
				select {
				case <-done:
					more = false
				default:
				}
				if now := s.sum(pageTop, screenHeight); now != last {
					last = now
					frames++
				}
			}
			passed += time.Since(began)
			used += processorTime(b, window.Process.Pid) - busy
		}
		b.ReportMetric(float64(frames)/passed.Seconds(), "frames/s")
		b.ReportMetric(float64(used.Milliseconds())/float64(max(1, frames)), "ms-of-a-core/frame")
		b.ReportMetric(0, "ns/op")
	})
	share := func(b *testing.B) {
		const settle, long = 15 * time.Second, 20 * time.Second
		time.Sleep(settle)
		var used, passed time.Duration
		for b.Loop() {
			before, began := processorTime(b, window.Process.Pid), time.Now()
			time.Sleep(long)
			used += processorTime(b, window.Process.Pid) - before
			passed += time.Since(began)
		}
		memory, err := residentMemory(window.Process.Pid)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(100*used.Seconds()/passed.Seconds(), "%-of-a-core")
		b.ReportMetric(float64(memory)/(1<<20), "MB")
		b.ReportMetric(0, "ns/op")
	}
	b.Run("500 orders", share)
	key("shift+Tab", "Return")
	b.Run("200 ticking rules", share)
	key("shift+Tab", "shift+Tab", "Return")
	b.Run("idle", share)
}

// pageTop is where the pages begin, below the tabs.
const pageTop = 160

func median(list []time.Duration) (ms float64) {
	slices.Sort(list)
	return float64(list[len(list)/2].Microseconds()) / 1000
}

// BenchmarkPage measures what a browser without a window uses of the processor, all its processes, with an empty page
// and then with the page, with 200 rules that watch ticking prices and 500 working orders.
func BenchmarkPage(b *testing.B) {
	if _, err := exec.LookPath("chromium"); err != nil {
		b.Skip("chromium is not installed; `make bench` installs it on Debian and Ubuntu")
	}
	r := crowded(b)
	card, err := home.ReadCard(home.At(r.dir).Card())
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := chromedp.NewExecAllocator(b.Context(), chromedp.ExecPath("chromium"), chromedp.Headless,
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.UserDataDir(b.TempDir()),
		chromedp.WSURLReadTimeout(patience), chromedp.ModifyCmdFunc(func(c *exec.Cmd) {
			c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
		}))
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithBrowserOption(chromedp.WithDialTimeout(patience)))
	defer cancel()
	share := func() float64 {
		const settle, long = 15 * time.Second, 20 * time.Second
		group := chromedp.FromContext(ctx).Browser.Process().Pid
		time.Sleep(settle)
		before, began := groupTime(b, group), time.Now()
		time.Sleep(long)
		return 100 * (groupTime(b, group) - before).Seconds() / time.Since(began).Seconds()
	}
	if err := chromedp.Run(ctx, chromedp.Navigate("about:blank")); err != nil {
		b.Fatal(err)
	}
	empty := share()
	var rows int
	if err := chromedp.Run(ctx, chromedp.Navigate(card.URL),
		chromedp.Evaluate(`keepToken("`+card.Token+`"), say("failed", ""), readAll(), 0`, nil)); err != nil {
		b.Fatal(err)
	}
	r.until("the page shows the orders", func() bool {
		err := chromedp.Run(ctx, chromedp.Evaluate(`document.querySelectorAll("#orders-rows > li").length`, &rows))
		return err == nil && rows > 0
	})
	var used []float64
	for b.Loop() {
		used = append(used, share())
	}
	slices.Sort(used)
	b.ReportMetric(used[len(used)/2], "%-of-a-core")
	b.ReportMetric(empty, "%-of-a-core-if-empty")
	b.ReportMetric(float64(rows), "orders-shown")
	b.ReportMetric(0, "ns/op")
}

// groupTime returns what the processes of a group have used of the processor.
func groupTime(b *testing.B, group int) (sum time.Duration) {
	b.Helper()
	list, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range list {
		pid, err := strconv.Atoi(filepath.Base(path))
		if err != nil {
			b.Fatal(err)
		}
		if of, err := syscall.Getpgid(pid); err == nil && of == group {
			sum += processorTime(b, pid)
		}
	}
	return sum
}
