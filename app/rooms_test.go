package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gatewatch/app/settings"
	"gatewatch/conn/calendar"
)

const (
	module  = "gatewatch"
	ibapi   = "github.com/scmhub/ibapi"
	fyne    = "fyne.io/fyne"
	systray = "fyne.io/systray"
)

// goPackage is what go list tells of a package.
type goPackage struct {
	ImportPath string
	Dir        string
	Imports    []string
	Deps       []string
}

// below reports whether a package is root or lies in its folders.
func below(pkg, root string) bool { return pkg == root || strings.HasPrefix(pkg, root+"/") }

// packages lists this module's packages as they are built for a system.
func packages(t *testing.T, goos string) map[string]goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,Imports,Deps", "./...")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "GOOS="+goos)
	if goos != runtime.GOOS {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=0")
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	found := map[string]goPackage{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		found[p.ImportPath] = p
	}
	if len(found) < 5 {
		t.Fatalf("only %v found", slices.Sorted(maps.Keys(found)))
	}
	return found
}

// TestRooms checks which package may import which, tests apart: docs/architecture.md has the table.
func TestRooms(t *testing.T) {
	for _, goos := range []string{"linux", "windows", "darwin"} {
		t.Run(goos, func(t *testing.T) {
			if testing.Short() && goos != runtime.GOOS {
				t.Skip("only this system")
			}
			all := packages(t, goos)
			for _, p := range all {
				if below(p.ImportPath, module+"/app") && layer(p.ImportPath) < 0 {
					t.Errorf("%s is in none of the layers", p.ImportPath)
				}
				for _, imported := range p.Imports {
					if !allowed(p.ImportPath, imported) {
						t.Errorf("%s must not import %s", p.ImportPath, imported)
					}
				}
			}
			deps := all[module+"/app"].Deps
			if !slices.Contains(deps, ibapi+"/protobuf") {
				t.Error("what the resident program links is not known")
			}
			for _, dep := range deps {
				if below(dep, fyne) || strings.Contains(dep, "go-gl") {
					t.Errorf("the resident program links %s", dep)
				}
			}
			for _, needed := range []string{"app", "engine", "conn", "conn/sim", "conn/wire"} {
				if len(all[module+"/"+needed].Imports) == 0 {
					t.Errorf("%s is missing", needed)
				}
			}
		})
	}
}

// allowed says whether a package of ours may import another package.
func allowed(pkg, imported string) bool {
	in := func(room string) bool { return below(pkg, module+"/"+room) }
	switch {
	case below(imported, ibapi):
		// Only the types of its messages are used, by the codec and the simulator.
		return (pkg == module+"/conn/wire" || pkg == module+"/conn/sim") && imported == ibapi+"/protobuf"
	case below(imported, fyne):
		return in("app/window")
	case below(imported, systray):
		return in("app/tray")
	case !below(imported, module):
		return true
	case imported == module+"/conn/nudge":
		return true
	case pkg == module+"/conn/wire", pkg == module+"/conn/calendar", pkg == module+"/conn/nudge",
		pkg == module+"/conn/texts", pkg == module+"/conn/port/record", pkg == module+"/conn/port/peer":
		return false
	case pkg == module+"/conn", pkg == module+"/conn/ib":
		return imported == module+"/conn/wire" || imported == module+"/conn/calendar" ||
			imported == module+"/conn/texts" || pkg == module+"/conn" && imported == module+"/conn/ib"
	case pkg == module+"/conn/sim", pkg == module+"/conn/ib/ibtest":
		return imported == module+"/conn/wire"
	case pkg == module+"/conn/port":
		return imported == module+"/conn" || imported == module+"/conn/ib" || imported == module+"/conn/wire" ||
			below(imported, module+"/conn/port")
	case in("conn"):
		return below(imported, module+"/conn")
	case in("engine/ledger"):
		return imported == module+"/conn/ib" || imported == module+"/engine/store"
	case in("engine/store"):
		return false
	case in("engine"):
		return imported == module+"/conn" || imported == module+"/conn/ib" || below(imported, module+"/engine")
	case in("assets"):
		return below(imported, module+"/assets")
	case !below(imported, module+"/app"):
		return true
	}
	from, to := layer(pkg), layer(imported)
	return from > to && to >= 0
}

// layers are the packages of the folder app: a package may import those of the lines above its own.
var layers = []string{
	"alert/serviceurl api/codes api/loopback api/sse crash crosscheck exit region strict " +
		"tray/sessionbus window/e2e",
	"alert api/jsonhttp autostart desktop metrics rulebook settings strict/stricttest tray/sessionbus/bustest",
	"api/proof wording",
	"api/page",
	"api cli/cmdline console notice tray",
	"api/server demo home logging login programs rulefile secrets tray/internal/puppet window/ui",
	"diagnostics window/link",
	"cli resident window",
	"app",
}

// layer returns the line that a package of the folder app is in, -1 if it is in none.
func layer(pkg string) int {
	name := strings.TrimPrefix(pkg, module+"/app/")
	if pkg == module+"/app" {
		name = "app"
	}
	return slices.IndexFunc(layers, func(line string) bool { return slices.Contains(strings.Fields(line), name) })
}

func TestRoomRules(t *testing.T) {
	for _, c := range []struct {
		pkg, imported string
		ok            bool
	}{
		{"gatewatch/conn", "gatewatch/engine", false},
		{"gatewatch/conn", "gatewatch/conn/sim", false},
		{"gatewatch/conn", ibapi, false},
		{"gatewatch/conn", ibapi + "/protobuf", false},
		{"gatewatch/conn", "gatewatch/conn/wire", true},
		{"gatewatch/conn", "gatewatch/conn/ib", true},
		{"gatewatch/conn/ib", "gatewatch/conn", false},
		{"gatewatch/conn/ib", "gatewatch/conn/ib/ibtest", false},
		{"gatewatch/conn/ib", "gatewatch/conn/wire", true},
		{"gatewatch/conn/ib", "gatewatch/conn/sim", false},
		{"gatewatch/conn/wire", ibapi, false},
		{"gatewatch/conn/wire", ibapi + "/protobuf", true},
		{"gatewatch/conn/wire", "gatewatch/conn", false},
		{"gatewatch/conn/sim", "gatewatch/conn", false},
		{"gatewatch/conn/sim", "gatewatch/conn/wire", true},
		{"gatewatch/conn/sim", ibapi, false},
		{"gatewatch/conn/sim", ibapi + "/protobuf", true},
		{"gatewatch/conn/history", "gatewatch/conn", true},
		{"gatewatch/conn/history", "gatewatch/app/settings", false},
		{"gatewatch/conn/history", ibapi, false},
		{"gatewatch/conn/port", "gatewatch/conn", true},
		{"gatewatch/conn/port", "gatewatch/conn/ib", true},
		{"gatewatch/conn/port", "gatewatch/conn/wire", true},
		{"gatewatch/conn/port", "gatewatch/conn/port/record", true},
		{"gatewatch/conn/port", "gatewatch/conn/sim", false},
		{"gatewatch/conn/port", "gatewatch/engine", false},
		{"gatewatch/conn/port", "gatewatch/app/wording", false},
		{"gatewatch/conn/port", ibapi + "/protobuf", false},
		{"gatewatch/conn/port/record", "gatewatch/conn/port", false},
		{"gatewatch/conn/port/peer", "gatewatch/conn/port", false},
		{"gatewatch/engine", "gatewatch/conn", true},
		{"gatewatch/engine", "gatewatch/conn/ib", true},
		{"gatewatch/engine", "gatewatch/conn/sim", false},
		{"gatewatch/engine", "gatewatch/app/wording", false},
		{"gatewatch/engine", ibapi, false},
		{"gatewatch/engine", "gatewatch/engine/ledger", true},
		{"gatewatch/engine/ledger", "gatewatch/conn/ib", true},
		{"gatewatch/engine/ledger", "gatewatch/engine/store", true},
		{"gatewatch/engine/ledger", "gatewatch/engine", false},
		{"gatewatch/engine/store", "gatewatch/conn", false},
		{"gatewatch/app", "gatewatch/engine", true},
		{"gatewatch/app", ibapi, false},
		{"gatewatch/app", ibapi + "/protobuf", false},
		{"gatewatch/app", systray, false},
		{"gatewatch/app", "gatewatch/app/cli", true},
		{"gatewatch/app", "gatewatch/app/resident", true},
		{"gatewatch/app/cli", "gatewatch/app", false},
		{"gatewatch/app/cli", "gatewatch/app/api", true},
		{"gatewatch/app/cli", "gatewatch/app/resident", false},
		{"gatewatch/app/resident", "gatewatch/app/cli", false},
		{"gatewatch/app/resident", "gatewatch/app/demo", true},
		{"gatewatch/app/resident", "gatewatch/app/window", false},
		{"gatewatch/app/demo", "gatewatch/app/resident", false},
		{"gatewatch/app/home", "gatewatch/app/resident", false},
		{"gatewatch/app/api", "gatewatch/app/home", false},
		{"gatewatch/app/api", "gatewatch/app/new", false},
		{"gatewatch/app/api", "gatewatch/app/api/server", false},
		{"gatewatch/app/wording", "gatewatch/app/api", false},
		{"gatewatch/app/window", "gatewatch/app/resident", false},
		{"gatewatch/app/window/ui", "gatewatch/app/window/link", false},
		{"gatewatch/app", fyne + "/v2/widget", false},
		{"gatewatch/app/tray", systray, true},
		{"gatewatch/app/tray", fyne + "/v2", false},
		{"gatewatch/app/window", fyne + "/v2/app", true},
		{"gatewatch/app/window/ui", fyne + "/v2", true},
		{"gatewatch/app/windows", fyne + "/v2", false},
		{"gatewatch/app/window", systray, false},
		{"gatewatch/app/wording", "strings", true},
	} {
		if got := allowed(c.pkg, c.imported); got != c.ok {
			t.Errorf("%s imports %s: allowed %v", c.pkg, c.imported, got)
		}
	}
}

// TestTopLevel: there are four top folders with Go in them, and no Go file outside them.
func TestTopLevel(t *testing.T) {
	rooms := []string{"app", "assets", "conn", "engine"}
	err := filepath.WalkDir("..", func(file string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel("..", file)
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && name != "." {
			return filepath.SkipDir
		}
		if _, err := os.Stat(filepath.Join(file, "go.mod")); d.IsDir() && name != "." && err == nil {
			return filepath.SkipDir // a module of its own: an example
		}
		if room, _, _ := strings.Cut(filepath.ToSlash(name), "/"); path.Ext(name) == ".go" &&
			!slices.Contains(rooms, room) {
			t.Errorf("%s lies in none of %v", name, rooms)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPresetsAgree: each name that settings allow has reset windows, and the reverse.
func TestPresetsAgree(t *testing.T) {
	known, offered := slices.Sorted(maps.Keys(calendar.Presets)), slices.Sorted(slices.Values(settings.Presets()))
	if !slices.Equal(known, offered) {
		t.Errorf("calendar knows %v, settings offer %v", known, offered)
	}
}
