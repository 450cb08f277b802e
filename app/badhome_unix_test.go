//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/exit"
	"gatewatch/app/home"
	"gatewatch/app/wording"
)

// withoutPrivileges has a program obey the permissions of files also when root runs it.
func withoutPrivileges(t *testing.T, program ...string) []string {
	t.Helper()
	if os.Geteuid() != 0 {
		return program
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip("root is not bound by permissions, and there is no setpriv")
	}
	const caps = "-dac_override,-dac_read_search"
	return append([]string{setpriv, "--bounding-set=" + caps, "--inh-caps=" + caps}, program...)
}

// TestBadHome starts the built program with something wrong in its home: it connects all the same, says what is wrong,
// and ends when it is asked to.
func TestBadHome(t *testing.T) {
	pipe := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, name)
			_ = os.Remove(path)
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	folder := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.MkdirAll(filepath.Join(dir, name, "inside"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	type home struct {
		name    string
		spoil   func(*testing.T, string)
		program []string
		says    string
	}
	run := []string{"gatewatch", "run", "--headless"}
	homes := []home{
		{"read-only", func(t *testing.T, dir string) {
			if err := os.Chmod(dir, 0o500); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
		}, withoutPrivileges(t, run...), "api.json cannot be written"},
		{"read-only with pipes", func(t *testing.T, dir string) {
			for _, name := range []string{"crash.log", "gatewatch.lock", "gatewatch.log"} {
				pipe(name)(t, dir)
			}
			if err := os.Chmod(dir, 0o500); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
		}, withoutPrivileges(t, run...), "not a regular file"},
		{
			"full", func(*testing.T, string) {}, append([]string{"bash", "-c", `ulimit -f 0; exec "$@"`, "bash"},
				run...),
			"api.json cannot be written",
		},
		{"link that leads nowhere", func(t *testing.T, dir string) {
			path := filepath.Join(dir, "settings.json")
			if err := os.Rename(path, filepath.Join(dir, "settings.last-good.json")); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("/nowhere/settings.json", path); err != nil {
				t.Fatal(err)
			}
		}, run, "a link that leads nowhere"},
		{"settings are a pipe", func(t *testing.T, dir string) {
			if err := os.Rename(filepath.Join(dir, "settings.json"),
				filepath.Join(dir, "settings.last-good.json")); err != nil {
				t.Fatal(err)
			}
			pipe("settings.json")(t, dir)
		}, run, "not a regular file"},
		{"rules are a pipe", pipe("rules.json"), run, "not a regular file"},
		{"a schema is a pipe", pipe("settings.schema.json"), run, ""},
		{"reminders are a pipe", pipe("reminders.json"), run, "reminders cannot be read"},
	}
	for _, name := range []string{
		"gatewatch.log", "gatewatch.lock", "orders.db", "orders.db.journal", "alerts.db", "api.json",
		"connection_log.json",
		"connection_log.heartbeat", "crash.log", "settings.last-good.json", "muted_until",
	} {
		says := "moved aside"
		if name == "orders.db" { // a person has to look at that
			says = "no orders can be placed"
		}
		homes = append(homes, home{name + " is a pipe", pipe(name), run, says},
			home{name + " is a folder", folder(name), run, says})
	}
	for _, h := range homes {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			r := prepareRig(t, "DU1234567", "", rulesOf())
			h.spoil(t, r.dir)
			cmd := exec.Command(h.program[0], append(h.program[1:], "--home", r.dir)...)
			cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=10")
			said := new(lockedText) // a pipe, also for the full disk
			cmd.Stdout, cmd.Stderr = said, said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ready := eventually(func() bool {
				list := r.gateway.State().Connections
				return len(list) > 0 && list[0].Ready && strings.Contains(said.String(), h.says)
			})
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			over := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
			err := cmd.Wait()
			over.Stop()
			if !ready || err != nil {
				t.Errorf("connected and told %v, ended with %v, want it to say %q; it said\n%s", ready, err, h.says,
					said)
			}
		})
	}
}

// TestFullDiskAfterAKill starts the program on a full disk, where one that was killed has left api.json: commands do
// not say that it does not run.
func TestFullDiskAfterAKill(t *testing.T) {
	t.Parallel()
	r := prepareRig(t, "DU1234567", "", rulesOf())
	left := []byte(`{"url": "http://127.0.0.1:1", "token": "T", "pid": 1}`)
	if err := os.WriteFile(home.At(r.dir).Card(), left, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", "-c", `ulimit -f 0; exec "$@"`, "bash", "gatewatch", "run", "--headless", "--home",
		r.dir)
	said := new(lockedText)
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	if !eventually(func() bool { return strings.Contains(said.String(), "api.json cannot be written") }) {
		t.Fatal(said)
	}
	r.says(exit.NotThere, `api\.json.* is missing: .*check whether the disk is full`, "status")
}

// TestLogCannotBeWritten starts the program where only its log cannot be written: the status says so until it can be.
func TestLogCannotBeWritten(t *testing.T) {
	t.Parallel()
	r := prepareRig(t, "DU1234567", "", rulesOf())
	elsewhere := filepath.Join(r.dir, "elsewhere")
	if err := os.Symlink(filepath.Join(elsewhere, "gatewatch.log"), home.At(r.dir).Log()); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.await("the log is named", func(st api.Status) bool {
		return len(st.Failing) == 1 && st.Failing[0].Step == wording.FailingFiles && !st.Failing[0].Urgent
	})
	r.says(0, `cannot write its files.*gatewatch\.log`, "status")
	if err := os.Mkdir(elsewhere, 0o700); err != nil {
		t.Fatal(err)
	}
	r.await("nothing fails any more", func(st api.Status) bool { return len(st.Failing) == 0 })
	r.end(syscall.SIGTERM)
	if text, err := os.ReadFile(home.At(r.dir).Log()); err != nil || !strings.Contains(string(text), "msg=stopped") {
		t.Errorf("%v: %s", err, text)
	}
}

// TestConnectionLogCannotBeWritten starts the program where its connection log cannot be written: who reads the log is
// told, and does not take it for complete.
func TestConnectionLogCannotBeWritten(t *testing.T) {
	t.Parallel()
	r := prepareRig(t, "DU1234567", "", rulesOf())
	elsewhere := filepath.Join(r.dir, "elsewhere")
	err := os.Symlink(filepath.Join(elsewhere, "log.json"), filepath.Join(r.dir, "connection_log.json"))
	if err != nil {
		t.Fatal(err)
	}
	r.start()
	r.await("the log is named", func(st api.Status) bool {
		return len(st.Failing) == 1 && st.Failing[0].Step == wording.FailingLog
	})
	r.says(0, `no records yet[^\0]*connection log cannot be written\. \(connection log: .*log\.json`, "log")
	if err := os.Mkdir(elsewhere, 0o700); err != nil {
		t.Fatal(err)
	}
	r.await("nothing fails any more", func(st api.Status) bool { return len(st.Failing) == 0 })
	if out, code := r.command("log"); code != 0 || strings.Contains(out, "cannot be written") {
		t.Errorf("%d: %s", code, out)
	}
	r.end(syscall.SIGTERM)
}

// TestEndsThoughSomethingHangs ends a program that reads a file without end when it starts, also where no one reads
// what it says about that.
func TestEndsThoughSomethingHangs(t *testing.T) {
	for name, read := range map[string]bool{"what it says is read": true, "its output is a full pipe": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone := filepath.Join(t.TempDir(), "zone")
			if err := syscall.Mkfifo(zone, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("gatewatch", "run", "--headless", "--home", t.TempDir())
			cmd.Env = append(os.Environ(), "TZ="+zone)
			said := new(lockedText)
			if cmd.Stderr = said; !read {
				cmd.Stderr = fullPipe(t)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var pipe *os.File
			reads := eventually(func() (ok bool) {
				var err error
				pipe, err = os.OpenFile(zone, os.O_WRONLY|syscall.O_NONBLOCK, 0) // fails until it is read
				return err == nil
			})
			began := time.Now()
			_ = cmd.Process.Signal(syscall.SIGTERM)
			over := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
			_ = cmd.Wait()
			over.Stop()
			pipe.Close()
			took := time.Since(began)
			if code := cmd.ProcessState.ExitCode(); !reads || code != exit.Failed || took >= orderEndLimit ||
				strings.Contains(said.String(), "hangs") != read {
				t.Errorf("it read the pipe: %v, and ended with %d after %v: %s", reads, code, took, said)
			}
		})
	}
}

// fullPipe returns a pipe to which nothing more can be written.
func fullPipe(t *testing.T) *os.File {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close(); writer.Close() })
	if err := writer.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Write(make([]byte, 8<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	return writer
}

// TestPipesWhileItRuns puts pipes, which who reads them waits for, in the place of files of the running program.
func TestPipesWhileItRuns(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DU1234567", "", rulesOf())
	r.awaitOpen()
	before, err := home.ReadCard(home.At(r.dir).Card())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"connection_log.json", "settings.schema.json", "settings.last-good.json", "reminders.json", "api.json",
	} {
		pipe := filepath.Join(r.dir, "pipe")
		if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.Rename(pipe, filepath.Join(r.dir, name))); err != nil {
			t.Fatal(err)
		}
	}
	r.until("api.json is written again", func() bool {
		card, err := home.FindCard(home.At(r.dir).Card())
		return err == nil && card == before
	})
	for _, path := range []string{"/log", "/uptime", "/diagnostics"} {
		r.get(path)
	}
	r.configure(`, "log": {"level": "debug"}`, `"level": "debug"`)
	r.end(syscall.SIGTERM)
}
