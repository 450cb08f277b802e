package sim_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"gatewatch/conn/sim/npm"
)

// examples is where docs/simulator-for-bots.md points to.
const examples = "../../docs/examples"

// run runs a program in a folder and fails the test unless it succeeds.
func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = 10 * time.Second
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// needs skips the test where a program cannot be had.
func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed", program)
	}
}

// gatewatch builds the program and returns its path.
func gatewatch(t *testing.T) string {
	t.Helper()
	needs(t, "go")
	path := filepath.Join(t.TempDir(), "gatewatch")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	run(t, "../..", []string{"CGO_ENABLED=0"}, "go", "build", "-o", path, "./app")
	return path
}

// copied copies the files of an example to a folder of the test.
func copied(t *testing.T, example string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(examples, example))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestExampleGo runs the Go example as a module of its own that gets this one with a replace.
func TestExampleGo(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles a program")
	}
	needs(t, "go")
	dir := copied(t, "go")
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"GOFLAGS=" + os.Getenv("GOFLAGS") + " -mod=mod", "CGO_ENABLED=0"}
	run(t, dir, env, "go", "mod", "edit", "-replace", "gatewatch="+root)
	if out := run(t, dir, env, "go", "test", "-v", "./..."); !strings.Contains(out, "--- PASS: TestBuysOnce") {
		t.Errorf("%s", out)
	}
}

// TestExampleNpm runs the JavaScript example with @stoqey/ib, if that can be had.
func TestExampleNpm(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a package from npm")
	}
	lib, err := npm.Install(stoqey)
	if err != nil {
		t.Skipf("%s cannot be had: %v", stoqey, err)
	}
	env := []string{"GATEWATCH=" + gatewatch(t), "NODE_PATH=" + filepath.Join(lib, "node_modules")}
	if out := run(t, copied(t, "npm"), env, "node", "--test", "bot.test.cjs"); !strings.Contains(out, "pass 2") {
		t.Errorf("%s", out)
	}
}

// TestExamplePython compiles the Python example, runs what needs no package of others, and the rest where pytest is.
func TestExamplePython(t *testing.T) {
	needs(t, "python3")
	dir := copied(t, "python")
	run(t, dir, nil, "python3", "-m", "py_compile", "gatewatch_sim.py", "conftest.py", "test_bot.py")
	if testing.Short() {
		t.Skip("it compiles a program")
	}
	env := []string{"GATEWATCH=" + gatewatch(t), "PYTHONDONTWRITEBYTECODE=1"}
	run(t, dir, env, "python3", "-c", `
import socket
from gatewatch_sim import Simulator

with Simulator("--farms=none") as sim:
    with socket.create_connection((sim.host, sim.port)) as client:
        hello = b"v100..176"
        client.sendall(b"API\0" + len(hello).to_bytes(4, "big") + hello)
        client.recv(100)
        start = b"71\x002\x007\x00\x00"
        client.sendall(len(start).to_bytes(4, "big") + start)
        assert sim.sent("startApi", count=1)[0]["client_id"] == 7
        try:
            sim.sent("placeOrder", within="0s", count=1)
        except AssertionError:
            pass
        else:
            raise SystemExit("an order was asserted that was not sent")
        sim.fault("order-fault", refuse="true", code=201, text="Order rejected - reason:a test")
        sim.fault("restart", **{"for": "1ms"})
assert sim.process.returncode == 0, sim.process.returncode
`)
	if err := exec.Command("python3", "-c", "import pytest").Run(); err != nil {
		t.Log("pytest is not installed: conftest.py and test_bot.py are compiled, not run")
		return
	}
	run(t, dir, env, "python3", "-m", "pytest", "-q")
}
