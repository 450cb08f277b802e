//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"gatewatch/app/api"
	"gatewatch/app/exit"
	"gatewatch/app/home"
	"gatewatch/app/wording"
	"gatewatch/engine"
	"gatewatch/engine/ledger"
)

// stranger answers on a port as if all were well, and keeps what it hears.
type stranger struct {
	mu    sync.Mutex
	heard bytes.Buffer
}

func newStranger(t *testing.T, address string) *stranger {
	t.Helper()
	ln, err := net.Listen("tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &stranger{}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dump, _ := httputil.DumpRequest(r, true)
		s.mu.Lock()
		s.heard.Write(dump)
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"accepted": true, "open": true, "session": 1, "mode": "paper", "connected": true, "headline": "Connected", "version": "v99.0.0", "proof": "00"}`)
	})}
	go func() { _ = server.Serve(ln) }()
	t.Cleanup(func() { server.Close() })
	return s
}

func (s *stranger) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard.String()
}

// TestStrangerOnTheOldPort kills the program, and has another one answer on its port.
func TestStrangerOnTheOldPort(t *testing.T) {
	t.Parallel()
	runtime := t.TempDir()
	r := newRig(t, "DU1234567", "", rulesOf(), "XDG_RUNTIME_DIR="+runtime)
	r.awaitOpen()
	r.says(0, "^open: ", "guard")
	card, err := home.ReadCard(home.At(r.dir).Card())
	if err != nil {
		t.Fatal(err)
	}
	r.end(os.Kill)
	other := newStranger(t, strings.TrimPrefix(card.URL, "http://"))
	look := func() {
		t.Helper()
		for _, command := range []string{
			"guard", "status", "connect", "disconnect", "open", "quit", "orders", "rules",
			"alerts",
		} {
			r.says(exit.NotThere, "Gatewatch is not running here", command)
		}
		if out, code := r.command("guard", "--watch"); code == 0 || strings.Contains(out, "open:") {
			t.Errorf("guard --watch: code %d, %s", code, out)
		}
		if out, _ := r.command("doctor"); !strings.Contains(out, "Gatewatch  not running") {
			t.Errorf("doctor: %s", out)
		}
	}
	look()
	if text := other.text(); text != "" {
		t.Errorf("nobody holds the lock, and the stranger was asked\n%s", text)
	}
	beside, _ := filepath.Glob(filepath.Join(runtime, "*", "*.lock")) // on Windows there is none
	for _, lock := range append(beside, home.At(r.dir).LockFile()) {
		if err := os.Remove(lock); err != nil {
			t.Fatal(err)
		}
	}
	look() // by the proof alone
	if text := other.text(); !strings.Contains(text, "/proof?nonce=") || strings.Contains(text, card.Token) {
		t.Errorf("the stranger heard\n%s", text)
	}
	// It is in no one's way.
	r.start()
	r.awaitOpen()
	r.says(0, "^open: ", "guard")
}

// TestNoSecretAmongProcesses opens the page with a stand-in for the desktop's opener that stays. Other users can read
// the arguments of all processes.
func TestNoSecretAmongProcesses(t *testing.T) {
	t.Parallel()
	const secret = "https://hooks.example.com/SECRET"
	tools := t.TempDir()
	opener := "#!/bin/sh\nenv >'" + tools + "/env'\necho \"$1\" >'" + tools + "/new' && mv '" + tools + "/new' '" +
		tools + "/opened'\nsleep 5\nexit 0\n"
	if err := os.WriteFile(filepath.Join(tools, "xdg-open"), []byte(opener), 0o700); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, "DU1234567", `, "slack": {"webhook_url": "env:HOOK"}`, rulesOf(),
		"HOOK="+secret, "DISPLAY=:4711", "PATH="+tools+":"+os.Getenv("PATH"))
	card, err := home.ReadCard(home.At(r.dir).Card())
	if err != nil {
		t.Fatal(err)
	}
	open := func() (code string) {
		t.Helper()
		if _, err := r.client.Show(t.Context()); err != nil {
			t.Fatal(err)
		}
		var text []byte
		r.until("the page is opened", func() bool {
			text, err = os.ReadFile(filepath.Join(tools, "opened"))
			return err == nil
		})
		os.Remove(filepath.Join(tools, "opened"))
		u, err := url.Parse(strings.TrimSpace(string(text)))
		if err != nil || !strings.HasPrefix(u.String(), card.URL+"/#code=") {
			t.Fatalf("opened %s", text)
		}
		return strings.TrimPrefix(u.Fragment, "code=")
	}
	code := open()
	lines := processTexts(t, "cmdline")
	if !strings.Contains(lines, code) {
		t.Error("the opener is not among the processes")
	}
	if strings.Contains(lines, card.Token) || strings.Contains(lines, secret) {
		t.Errorf("a secret stands in the list of processes:\n%s", lines)
	}
	if all := processTexts(t, "environ"); strings.Contains(all, card.Token) {
		t.Error("the token stands in an environment")
	}
	if env, err := os.ReadFile(filepath.Join(tools, "env")); err != nil ||
		!strings.Contains(string(env), "DISPLAY=:4711") || strings.Contains(string(env), secret) {
		t.Errorf("the opener gets %s, %v", env, err)
	}

	if out := asNobody(t, "curl", "-s", "-X", "POST", "-d", `{"code": "`+code+`"}`,
		card.URL+"/session"); !strings.Contains(out, "another user") {
		t.Errorf("another user gets %s", out)
	}
	var got api.PageToken
	if status := exchange(t, card.URL, code, &got); status != http.StatusOK || got.Token == "" ||
		got.Token == card.Token {
		t.Fatalf("%d, %+v", status, got)
	}
	page := api.NewClient(card)
	defer page.Close()
	works := func() bool {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, card.URL+"/orders", nil)
		req.Header.Set("Authorization", "Bearer "+got.Token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	}
	if !works() {
		t.Error("the page's token does not work")
	}
	if status := exchange(t, card.URL, code, nil); status != http.StatusForbidden || works() {
		t.Errorf("a second time: %d, and the token works: %v", status, works())
	}
	if log, err := os.ReadFile(home.At(r.dir).Log()); err != nil || strings.Contains(string(log), code) ||
		strings.Contains(string(log), got.Token) {
		t.Errorf("the log tells codes or tokens: %v", err)
	}
}

func exchange(t *testing.T, address, code string, into any) (status int) {
	t.Helper()
	res, err := http.Post(address+"/session", "application/json", strings.NewReader(`{"code": "`+code+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if into != nil {
		if err := json.NewDecoder(res.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	return res.StatusCode
}

// processTexts returns what /proc tells of all processes that can be read.
func processTexts(t *testing.T, name string) string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/" + name)
	if err != nil || len(files) == 0 {
		t.Fatalf("no processes: %v", err)
	}
	var all strings.Builder
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil {
			all.Write(append(bytes.ReplaceAll(text, []byte{0}, []byte{' '}), '\n'))
		}
	}
	return all.String()
}

// asNobody runs a program as another user and returns what it says.
func asNobody(t *testing.T, program string, args ...string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// TestOtherUsersSee has another user ask the running program.
func TestOtherUsersSee(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DU1234567", "", rulesOf(ruleText("secret plan", buyMarket)))
	r.awaitOpen()
	card, err := home.ReadCard(home.At(r.dir).Card())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/status", "/guard", "/metrics", "/healthz", "/openapi.json", "/"} {
		out := asNobody(t, "curl", "-s", "-w", "%{http_code}", card.URL+path)
		if !strings.HasSuffix(out, "200") || strings.Contains(out, "DU1234567") ||
			strings.Contains(out, "secret plan") || strings.Contains(out, r.dir) {
			t.Errorf("%s: %s", path, out)
		}
	}
	for _, path := range []string{
		"/settings", "/rules", "/orders", "/log", "/uptime", "/alerts", "/diagnostics",
		"/autostart",
	} {
		if out := asNobody(t, "curl", "-s", "-w", "%{http_code}", card.URL+path); !strings.HasSuffix(out, "401") {
			t.Errorf("%s: %s", path, out)
		}
	}
	if err := filepath.WalkDir(r.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == r.dir {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read %s: %v", path, info.Mode())
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// TestDescriptorsForGateway runs the program with few descriptors, and has strangers open all the connections and
// streams that they can get, of the API and of the guarded port. Gateway and the user still find room.
func TestDescriptorsForGateway(t *testing.T) {
	t.Parallel()
	guarded, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := guarded.Addr().(*net.TCPAddr).Port
	guarded.Close()
	r := prepareRig(t, "DU1234567", fmt.Sprintf(`, "guarded_port": {"port": %d}`, port), rulesOf())
	r.program = []string{"sh", "-c", `ulimit -n 64 && exec gatewatch "$@"`, "sh", "run", "--headless"}
	r.start()
	r.awaitOpen()
	card, err := home.ReadCard(home.At(r.dir).Card())
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(card.URL, "http://")
	for to, hello := range map[string]string{
		address:                           "GET /events HTTP/1.1\r\nHost: " + address + "\r\n\r\n",
		fmt.Sprintf("127.0.0.1:%d", port): "API\x00\x00\x00\x00\tv100..226",
	} {
		for i := range 150 {
			nc, err := net.Dial("tcp4", to)
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			if i%3 == 0 {
				_, _ = io.WriteString(nc, hello) // it may be closed already
			}
		}
	}
	for range 3 {
		lost := r.status().Lost
		r.fault("drop")
		r.await("the connection is lost and found", func(st api.Status) bool { return st.Lost > lost && st.Guard.Open })
	}
	r.says(0, "^open: ", "guard")
	if log, err := os.ReadFile(home.At(r.dir).Log()); err != nil ||
		strings.Contains(string(log), "too many open files") {
		t.Errorf("descriptors were lacking: %v\n%s", err, log)
	}
}

// TestHomeGoesWhileItRuns has the folder of the program be deleted or moved while an order works and trading is on. The
// program notices, turns trading off, says so and is found again; no second one starts beside it, and the next start
// knows the order.
func TestHomeGoesWhileItRuns(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(dir string) error{
		"deleted": os.RemoveAll,
		"moved":   func(dir string) error { return os.Rename(dir, dir+".away") },
		"replaced by a copy": func(dir string) error {
			if err := os.Rename(dir, dir+".away"); err != nil {
				return err
			}
			return os.CopyFS(dir, os.DirFS(dir+".away"))
		},
		"emptied": func(dir string) error {
			entries, err := os.ReadDir(dir)
			for _, e := range entries {
				err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "DU1234567", `, "log": {"level": "debug"}`, rulesOf(ruleText("low", buyLow)))
			t.Cleanup(func() { os.RemoveAll(r.dir + ".away") })
			r.awaitOpen()
			r.activate("low")
			r.arm()
			r.cross("low")
			r.awaitStates(ledger.Working)
			settings, err := os.ReadFile(filepath.Join(r.dir, "settings.json"))
			if err != nil {
				t.Fatal(err)
			}
			before, err := home.ReadCard(home.At(r.dir).Card())
			if err != nil {
				t.Fatal(err)
			}
			if err := remove(r.dir); err != nil {
				t.Fatal(err)
			}
			// At once, before anything can have been noticed.
			beside := func() {
				t.Helper()
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				out, err := exec.CommandContext(ctx, "gatewatch", "run", "--headless", "--home", r.dir).CombinedOutput()
				if err == nil || ctx.Err() != nil || !strings.Contains(string(out), "another Gatewatch already runs") {
					t.Fatalf("a second program: %v, %s", err, out)
				}
			}
			beside()
			r.await("trading is off", func(st api.Status) bool {
				return !st.Trading.Armed && !st.Trading.MayTrade && st.Trading.ReasonID == engine.BlockedMoved &&
					api.OrdersStopped(st.Failing) == wording.RecordUnusable
			})
			if out, code := r.command("arm"); code == 0 || !strings.Contains(out, "deleted or moved") {
				t.Errorf("armed again: %d, %s", code, out)
			}
			r.until("it is found again", func() bool {
				card, err := home.FindCard(home.At(r.dir).Card())
				return err == nil && card == before
			})
			r.says(0, "^open: ", "guard")
			r.until("log and connection log are written again", func() bool {
				log, err1 := os.ReadFile(home.At(r.dir).Log())
				line, err2 := os.ReadFile(filepath.Join(r.dir, "connection_log.json"))
				return err1 == nil && err2 == nil && strings.Contains(string(log), "log starts here") &&
					strings.Contains(string(line), `"connected"`)
			})
			if console, err := os.ReadFile(r.console.Name()); err != nil ||
				!strings.Contains(string(console), "Trading is off: files of Gatewatch were deleted or moved") {
				t.Errorf("nothing is said: %v\n%s", err, console)
			}
			beside()

			r.end(syscall.SIGTERM)
			r.write("settings.json", string(settings))
			r.start()
			r.awaitOpen()
			r.awaitStates(ledger.Working)
			r.await("trading is off after the start", func(st api.Status) bool {
				return !st.Trading.Armed && st.Trading.ReasonID == engine.BlockedDisarmed
			})
		})
	}
}
