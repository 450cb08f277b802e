package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"gatewatch/app/home"
	"gatewatch/conn"
	"gatewatch/conn/history"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"gatewatch": onItsOwn, "gatewatch-that-crashes": crashing})
}

// onItsOwn is the program, which does not see the Gateway and TWS that may run on this computer. Their ports are here
// those that GATEWATCH_TEST_PORT says, or one that no one listens on.
func onItsOwn() {
	port, err := strconv.Atoi(os.Getenv("GATEWATCH_TEST_PORT"))
	if err != nil {
		port = 1
	}
	conn.DefaultPorts = []int{port}
	main()
}

// patience is how long a script waits for something that takes a fraction of a second on a computer with nothing else
// to do.
const patience = 2 * time.Minute

// TestScript runs the program itself, in processes of its own and over real sockets, as testdata/script says. Beside
// testscript's own commands there are:
//
//	apiport NAME FILE             set a variable to the port that an api.json names
//	await REGEXP PROG ARG...      run the program again and again until its output matches; [!] until it does not
//	awaitfile REGEXP FILE         read the file again and again until its text matches
//	clock                         start to measure time
//	code N PROG ARG...            run the program and expect this exit code
//	expand FILE                   put the values of variables in the place of $NAME in the file
//	fault NAME                    have the simulated gateway whose control port is $CONTROL play a fault
//	keys KEY...                   expect the last stdout to be JSON with these keys; list.0.key is of an element
//	mode OCTAL FILE               expect these permissions; nothing on Windows
//	occurs N REGEXP FILE          expect so many matches in the file
//	ports NAME...                 set variables to ports that are free now
//	signal TERM|INT|HUP|KILL ARG  send a signal to the background process with ARG as an argument; on Unix STOP, CONT
//	story HOME FILE               write the connection log in HOME to FILE: event, how time counts then, cause
//	within DURATION               expect that less time has gone since clock
func TestScript(t *testing.T) {
	// Programs would inherit that it is ignored, as under nohup.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", "atexit_sleep_ms=10") // else each process built with -race takes a second to end
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"apiport": cmdAPIPort, "await": cmdAwait, "awaitfile": cmdAwaitFile, "clock": cmdClock, "code": cmdCode,
			"expand": cmdExpand,
			"fault":  cmdFault, "keys": cmdKeys, "mode": cmdMode, "occurs": cmdOccurs, "ports": cmdPorts,
			"signal": cmdSignal, "story": cmdStory, "within": cmdWithin,
		},
	})
}

func args(ts *testscript.TestScript, neg bool, args []string, least int, usage string) {
	if neg || len(args) < least {
		ts.Fatalf("usage: %s", usage)
	}
}

// eventually calls f until it reports true.
func eventually(f func() bool) bool {
	pause := 10 * time.Millisecond
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(pause) {
		if f() {
			return true
		}
		pause = min(2*pause, 300*time.Millisecond)
	}
	return false
}

func cmdAPIPort(ts *testscript.TestScript, neg bool, a []string) {
	args(ts, neg, a, 2, "apiport NAME FILE")
	card, err := home.ReadCard(ts.MkAbs(a[1]))
	ts.Check(err)
	address, err := url.Parse(card.URL)
	ts.Check(err)
	ts.Setenv(a[0], address.Port())
}

func cmdAwait(ts *testscript.TestScript, neg bool, a []string) {
	args(ts, false, a, 2, "[!] await REGEXP PROG ARG...")
	want := regexp.MustCompile(a[0])
	if !eventually(func() bool {
		err := ts.Exec(a[1], a[2:]...)
		if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		return want.MatchString(ts.ReadFile("stdout")+ts.ReadFile("stderr")) != neg
	}) {
		ts.Fatalf("not seen within %v: %s", patience, a[0])
	}
}

func cmdAwaitFile(ts *testscript.TestScript, neg bool, a []string) {
	args(ts, neg, a, 2, "awaitfile REGEXP FILE")
	want, path := regexp.MustCompile(a[0]), ts.MkAbs(a[1])
	var text []byte
	if !eventually(func() bool {
		var err error
		if text, err = os.ReadFile(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			ts.Fatalf("%v", err)
		}
		return want.Match(text)
	}) {
		ts.Fatalf("not seen within %v: %s; the file says:\n%s", patience, a[0], text)
	}
}

const started = "STARTED"

func cmdClock(ts *testscript.TestScript, neg bool, a []string) {
	args(ts, neg, a, 0, "clock")
	ts.Setenv(started, time.Now().Format(time.RFC3339Nano))
}

func cmdWithin(ts *testscript.TestScript, neg bool, a []string) {
	args(ts, neg, a, 1, "within DURATION")
	limit, err := time.ParseDuration(a[0])
	ts.Check(err)
	begin, err := time.Parse(time.RFC3339Nano, ts.Getenv(started))
	ts.Check(err)
	took := time.Since(begin)
	ts.Logf("took %v", took)
	if took > limit {
		ts.Fatalf("took %v, more than %v", took, limit)
	}
}

func cmdCode(ts *testscript.TestScript, neg bool, a []string) {
	args(ts, neg, a, 2, "code N PROG ARG...")
	want, err := strconv.Atoi(a[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(a[1], a[2:]...); err != nil {
		exit := new(exec.ExitError)
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func cmdExpand(ts *testscript.TestScript, neg bool, a []string) {
	args(ts, neg, a, 1, "expand FILE...")
	for _, name := range a {
		text := regexp.MustCompile(`\$[A-Z]+`).ReplaceAllStringFunc(ts.ReadFile(name), func(v string) string {
			return ts.Getenv(v[1:])
		})
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

func cmdFault(ts *testscript.TestScript, neg bool, a []string) {
	args(ts, neg, a, 1, "fault NAME")
	address := fmt.Sprintf("http://127.0.0.1:%s/fault/%s", ts.Getenv("CONTROL"), a[0])
	if !eventually(func() bool { // the simulated gateway may still be starting
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, nil)
		ts.Check(err)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		defer res.Body.Close()
		if res.StatusCode/100 != 2 {
			ts.Fatalf("%s: %s", address, res.Status)
		}
		return true
	}) {
		ts.Fatalf("no answer from %s", address)
	}
}

func cmdKeys(ts *testscript.TestScript, neg bool, a []string) {
	args(ts, neg, a, 1, "keys KEY...")
	var all any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &all))
	for _, path := range a {
		at := all
		for key := range strings.SplitSeq(path, ".") {
			var ok bool
			switch v := at.(type) {
			case map[string]any:
				at, ok = v[key]
			case []any:
				if i, err := strconv.Atoi(key); err == nil && i < len(v) {
					at, ok = v[i], true
				}
			}
			if !ok {
				ts.Fatalf("no %s of %s in the JSON", key, path)
			}
		}
	}
}

func cmdMode(ts *testscript.TestScript, neg bool, a []string) {
	args(ts, neg, a, 2, "mode OCTAL FILE")
	info, err := os.Stat(ts.MkAbs(a[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != a[0] && os.PathSeparator == '/' {
		ts.Fatalf("%s has mode %s, want %s", a[1], got, a[0])
	}
}

func cmdOccurs(ts *testscript.TestScript, neg bool, a []string) {
	args(ts, neg, a, 3, "occurs N REGEXP FILE")
	if got := len(regexp.MustCompile(a[1]).FindAllString(ts.ReadFile(a[2]), -1)); strconv.Itoa(got) != a[0] {
		ts.Fatalf("%d matches of %s in %s, want %s", got, a[1], a[2], a[0])
	}
}

// ported counts the ports that scripts have got, from anywhere.
var ported = rand.Uint32N(7_500)

// cmdPorts takes ports that the system does not give to anyone by itself and no other test gets (those of conn/port
// take theirs below 22,500), so that they are still free when used. They are far apart: a program that finds the port
// of its API taken uses one of the next.
func cmdPorts(ts *testscript.TestScript, neg bool, a []string) {
	args(ts, neg, a, 1, "ports NAME...")
	for _, name := range a {
		for {
			port := int(22_500 + atomic.AddUint32(&ported, 101)%7_500)
			if ln, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
				ln.Close()
				ts.Setenv(name, strconv.Itoa(port))
				break
			}
		}
	}
}

// signals are what the command signal can send; more on Unix.
var signals = map[string]syscall.Signal{
	"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL,
}

func cmdSignal(ts *testscript.TestScript, neg bool, a []string) {
	args(ts, neg, a, 2, "signal TERM|INT|HUP|KILL ARG")
	sig, ok := signals[a[0]]
	if !ok {
		ts.Fatalf("unknown signal %s", a[0])
	}
	var found []*exec.Cmd
	for _, c := range ts.BackgroundCmds() {
		if slices.Contains(c.Args[1:], a[1]) {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		ts.Fatalf("%d background processes have the argument %s", len(found), a[1])
	}
	ts.Check(sendSignal(found[0], sig))
}

func cmdStory(ts *testscript.TestScript, neg bool, a []string) {
	args(ts, neg, a, 2, "story HOME FILE")
	var records []history.Record
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(filepath.Join(a[0], "connection_log.json"))), &records))
	var story strings.Builder
	for i, r := range records {
		if r.Seq != uint64(i+1) {
			ts.Fatalf("record %d has seq %d", i, r.Seq)
		}
		fmt.Fprintln(&story, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.What, r.Counts, r.Cause)))
	}
	ts.Check(os.WriteFile(ts.MkAbs(a[1]), []byte(story.String()), 0o600))
}
