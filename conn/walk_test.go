package conn

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestWalk: docs/architecture.md names the files from a tick to an order's bytes: those of a program that counts what
// runs between the two, built of a copy of this module and testdata/walk.
func TestWalk(t *testing.T) {
	t.Parallel()
	if testing.Short() || raceEnabled || runtime.GOOS != "linux" {
		t.Skip("it says the same everywhere")
	}
	folder := t.TempDir()
	copied := func(from, to string) {
		t.Helper()
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(folder, to)), 0o700)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, to), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, pattern := range []string{
		"go.mod", "go.sum", "conn/*.go", "conn/calendar/*.go", "conn/ib/*.go", "conn/nudge/*.go", "conn/texts/*.go",
		"conn/wire/*.go", "engine/*.go", "engine/*/*.go",
	} {
		files, _ := filepath.Glob(filepath.Join("..", pattern))
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				copied(file, strings.TrimPrefix(filepath.ToSlash(file), "../"))
			}
		}
	}
	copied("testdata/walk/through.go", "conn/through.go")
	copied("testdata/walk/main.go", "walk/main.go")
	program := filepath.Join(folder, "program")
	build := exec.Command("go", "build", "-o", program, "-cover", "-covermode=atomic",
		"-coverpkg=./conn,./conn/calendar,./conn/ib,./conn/nudge,./conn/texts,./conn/wire,"+
			"./engine,./engine/ledger,./engine/rules,./engine/store,./walk",
		"./walk")
	build.Dir = folder
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	run := exec.Command(program, folder)
	run.Env, run.Stderr = append(os.Environ(), "GOCOVERDIR="+folder), os.Stderr
	out, err := run.Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("..", "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## From a tick to an order's bytes")
	section, _, _ = strings.Cut(section, "\n## ")
	var named []string
	for _, m := range regexp.MustCompile("`([a-z/]+\\.go)`").FindAllStringSubmatch(section, -1) {
		named = append(named, m[1])
	}
	slices.Sort(named)
	named = slices.Compact(named)
	if got := strings.Fields(string(out)); !slices.Equal(got, named) || len(got) > 8 {
		t.Errorf("between a tick and an order's bytes run\n%q, the docs name\n%q", got, named)
	}
}
