package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"gatewatch/conn"
	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
)

// shell is Chromium without windows of its own.
const shell = "chromium-headless-shell"

// endBrowser ends the browser, if a test has started it.
var endBrowser = func() {}

// chromium starts the browser of all tests.
var chromium = sync.OnceValues(func() (context.Context, error) {
	ctx, _ := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath(shell), chromedp.Headless,
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.UserDataDir(filepath.Join(bin, "browser")), chromedp.WindowSize(720, 1000),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-quic", true),
		chromedp.WSURLReadTimeout(patience))
	ctx, _ = chromedp.NewContext(ctx, chromedp.WithBrowserOption(chromedp.WithDialTimeout(patience)),
		chromedp.WithErrorf(func(format string, values ...any) {
			if !strings.HasPrefix(format, "unhandled ") { // of events that are newer than the library
				fmt.Fprintf(os.Stderr, "the browser: "+format+"\n", values...)
			}
		}))
	endBrowser = func() { _ = chromedp.Cancel(ctx) }
	return ctx, chromedp.Run(ctx)
})

// browser opens a tab of the browser, with a storage of its own; what the page or its policy complains about fails the
// test.
func browser(t *testing.T, dark bool) context.Context {
	t.Helper()
	need(t, shell)
	parent, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*patience)
	t.Cleanup(cancel)
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	// Of several windows only one has the focus. To each page it looks as if its window had it.
	if err := chromedp.Run(ctx, emulation.SetFocusEmulationEnabled(true), colours(scheme)); err != nil {
		t.Fatal(err)
	}
	chromedp.ListenTarget(ctx, func(e any) {
		switch e := e.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page fails: %s", e.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			if strings.Contains(e.Entry.Text, "Content Security Policy") {
				t.Errorf("the page breaks its policy: %s", e.Entry.Text)
			}
		}
	})
	return ctx
}

// colours has a page see light or dark as what its reader prefers.
func colours(scheme string) chromedp.Action {
	return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme},
	})
}

// tab is a tab of the browser and the page in it.
type tab struct {
	t      *testing.T
	ctx    context.Context
	passed int // calls of passes
}

// signedIn has a page know the token from its beginning.
func signedIn(token string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(fmt.Sprintf(`sessionStorage.setItem("token", %q)`, token)).Do(
			ctx)
		return err
	})
}

func (b *tab) run(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) text(script string) (text string) {
	b.t.Helper()
	b.run(chromedp.Evaluate("String("+script+")", &text))
	return text
}

func (b *tab) until(script, want string) {
	b.t.Helper()
	text := ""
	for end := time.Now().Add(patience); b.ctx.Err() == nil &&
		time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		now := ""
		if err := chromedp.Run(b.ctx, chromedp.Evaluate("String("+script+")", &now)); err != nil && b.ctx.Err() == nil {
			b.t.Fatal(err)
		} else if err == nil {
			text = now
		}
		if text == want {
			return
		}
	}
	b.t.Fatalf("%s is %q, want %q", script, text, want)
}

func (b *tab) keep(name string) {
	dir := os.Getenv("SHOTS")
	if dir == "" {
		return
	}
	var body []byte
	b.run(chromedp.FullScreenshot(&body, 100))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), body, 0o644); err != nil {
		b.t.Error(err)
	}
}

// disconnected holds while the page says that there is no connection, whether for a moment or for long.
const disconnected = `/^(Reconnecting#working|No connection#down)$/.test(document.getElementById("headline").textContent + document.querySelector("#sign").getAttribute("href"))`

const attemptText = `document.getElementById("attempt").textContent`

const shown = `[...document.querySelectorAll("header button, #banner button, #first button")].filter(b => b.offsetParent).map(b => b.textContent + (b.disabled ? " off" : "")).join()`

// newPageStage is a stage for tests of the page, without a session bus.
func newPageStage(t *testing.T) *stage {
	t.Helper()
	need(t, shell)
	return newStage(t, append(os.Environ(), "DBUS_SESSION_BUS_ADDRESS=disabled:"))
}

// visit opens the page of the resident program as its owner.
func (s *stage) visit() *tab {
	s.t.Helper()
	b, card := &tab{t: s.t, ctx: browser(s.t, false)}, s.address()
	b.run(signedIn(card.Token), chromedp.Navigate(card.URL))
	return b
}

func TestPage(t *testing.T) {
	t.Parallel()
	s := newPageStage(t)
	until(t, "the first attempt has failed", func() bool { return s.status().State == conn.Reconnecting })
	b := s.visit()
	b.until(disconnected, "true")
	b.until(`document.title === document.getElementById("headline").textContent + " · Gatewatch"`, "true")
	if cause := b.text(`document.getElementById("cause").textContent`); !strings.Contains(cause,
		"nothing listens on 127.0.0.1:"+s.port) {
		t.Errorf("cause %q", cause)
	}
	before := countdown(t, b.text(attemptText))
	until(t, "the countdown goes on", func() bool { return countdown(t, b.text(attemptText)) <= before-2 })
	const table = `[...document.querySelectorAll("#layers tr")].map(r => r.cells[0].textContent.trim() + " " + r.cells[1].firstChild.textContent).join()`
	b.until(table, "Socket down,API down,IBKR not known,Data farms not known,Orders blocked: not connected to Gateway")
	b.keep("page-reconnecting-light")

	s.sim(s.port)
	b.until(shown, "Connect now")
	b.run(chromedp.Click("#connect", chromedp.ByID))
	s.untilConnected()
	b.until(`document.getElementById("headline").textContent`, "Connected")
	b.until(`document.getElementById("banner").hidden`, "true")
	b.until(`document.getElementById("badge").textContent`, "PAPER")
	b.until(shown, "Disconnect")
	b.until(`document.querySelector("#log-rows tr").cells[1].textContent`, "Connected")
	b.until(`document.querySelector("#graph .strip").lastChild.dataset.kind`, "connected")
	b.keep("page-connected-light")

	// Reloaded it still knows the token; the status and the settings are shown.
	b.run(chromedp.Reload())
	b.until(shown, "Disconnect")
	b.run(chromedp.Click("#disconnect", chromedp.ByID))
	b.until(`document.getElementById("headline").textContent`, "Paused")
	if st := s.status(); st.State != conn.Paused {
		t.Errorf("state %s", st.State)
	}
	b.open("settings")
	b.until(in("settings", "textarea")+`.value.includes("`+s.port+`")`, "true")
	b.keep("page-paused-settings-light")

	// It says when the resident program hangs or is gone, and finds it again.
	began := time.Now()
	s.resident.signal(sigStop)
	b.until(`document.getElementById("headline").textContent`, "Gatewatch is not responding")
	took := time.Since(began)
	t.Logf("a stopped program is noticed after %v", took)
	if took > 30*time.Second { // ten times what is asked for
		t.Errorf("a stopped program is noticed after %v", took)
	}
	b.until(`document.getElementById("cause").textContent`, "Nothing is known of the connection or of the rules.")
	b.until(`getComputedStyle(document.getElementById("log-shown")).filter`, "grayscale(1)")
	b.keep("page-not-responding-light")
	s.resident.signal(sigCont)
	b.until(`document.getElementById("headline").textContent`, "Paused")
	s.resident.kill()
	b.until(`document.getElementById("headline").textContent`, "Gatewatch is not running")
	b.until(`document.getElementById("hint").textContent.includes("What is shown here may be out of date.")`, "true")
	b.until(`document.getElementById("today-bar").hidden`, "true")
	b.until(`Object.values(parts).every(p => p.problem && !p.reading)`, "true")
	// That is said once.
	b.until(`[...document.querySelectorAll("h1, h2, p")].filter(e => /not running|not answer/.test(e.textContent)).map(e => e.id).join()`, "headline")
	b.keep("page-not-running-light")
}

// TestPageClosedGuard has Gateway take no orders, and then not answer about them, on a connection that is up.
func TestPageClosedGuard(t *testing.T) {
	t.Parallel()
	s := newPageStage(t)
	until(t, "the first attempt has failed", func() bool { return s.status().State == conn.Reconnecting })
	g := simtest.Start(t, sim.Config{Listen: "127.0.0.1:" + s.port})
	b := s.visit()
	b.until(shown, "Connect now")
	b.run(chromedp.Click("#connect", chromedp.ByID))
	s.untilConnected()
	b.until(`document.getElementById("banner").hidden`, "true")
	if err := g.LeaveUnanswered(sim.OpenOrders, 1); err != nil {
		t.Fatal(err)
	}
	g.Notice(1102, "")
	b.until(`document.getElementById("headline").textContent`, "Orders blocked")
	b.until(`document.querySelector("#sign").getAttribute("href")`, "#blocked")
	b.until(`document.getElementById("cause").textContent`,
		"Orders are blocked: waiting for Gateway to confirm open orders.")
	b.until(`document.getElementById("hint").textContent.includes("restart Gateway")`, "true")
	b.keep("page-guard-closed-light")
	g.ReadOnly(true) // when it is asked again
	b.until(`document.getElementById("headline").textContent`, "Orders blocked")
	b.until(`document.getElementById("cause").textContent`, "Gateway's API is read-only: it takes no orders (IB code 321).")
	b.until(`document.getElementById("hint").textContent.includes("untick “Read-Only API”")`, "true")
	b.until(`document.getElementById("banner").hidden`, "false")
	b.keep("page-read-only-light")
}

func TestPageWithoutAToken(t *testing.T) {
	t.Parallel()
	s := newPageStage(t)
	b, card := &tab{t: t, ctx: browser(t, true)}, s.address()
	b.run(chromedp.Navigate(card.URL + "/"))
	b.until(disconnected, "true")
	b.until(shown, "Connect now off")
	b.until(`document.getElementById("notoken").hidden`, "false")
	b.keep("page-no-token-dark")
	if all := b.text(`document.querySelector("main").textContent`); strings.Contains(all, s.home) {
		t.Errorf("a stranger sees %s", all)
	}
	b.until(`document.getElementById("orders-note").textContent.startsWith("Shown only to you")`, "true")
	// A code that is none is refused, and said so; so is the token of another life.
	b.run(chromedp.Evaluate(`location.hash = "code=stale"`, nil))
	b.until(`document.getElementById("failed").textContent.includes("works once")`, "true")
	b.run(signedIn("STALE"), chromedp.Reload())
	b.until(`document.getElementById("failed").textContent.includes("no longer has access")`, "true")
	b.until(disconnected, "true")
	b.until(shown, "Connect now off")
	// The refusal of an older token comes after a new one has come.
	var rules string
	b.run(chromedp.Evaluate(`keepToken("STALE");
		const read = request("GET", "/rules");
		keepToken("`+card.Token+`");
		read.then(answer => answer.text, e => e.message)`, &rules,
		func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	if !strings.Contains(rules, `"rules":`) || b.text(`token`) != card.Token {
		t.Errorf("read %s; the token is %q", rules, b.text(`token`))
	}
}

var counting = regexp.MustCompile(`^Attempt 2 in (\d+) min(?: (\d+) s)?$`)

// countdown returns the seconds that an attempt line still has.
func countdown(t *testing.T, line string) int {
	t.Helper()
	m := counting.FindStringSubmatch(line)
	if m == nil {
		t.Fatal(errors.New("attempt line: " + line))
	}
	minutes, _ := strconv.Atoi(m[1])
	seconds, _ := strconv.Atoi(m[2]) // none at a full minute
	return 60*minutes + seconds
}
