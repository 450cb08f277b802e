// Package crosscheck holds tests alone: that the code for systems on which nothing is built here uses the interfaces
// that exist there, and that structs for the system are laid out as its C compiler has them.
//
// The window on every system, and on macOS the tray too, is linked with C code. To build that for macOS takes Apple's
// SDK. To check the types of its Go side takes nothing: go list knows which files belong to a system, and go/types
// accepts whatever is asked of package C. Nothing is compiled or linked, so a wrong call of a C function is not found.
package crosscheck

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
)

// maxShown bounds the errors shown per package: after the first ones they repeat.
const maxShown = 10

// listed is what go list says of a package. One that is built again for a test is a package of its own, named
// "path [path.test]".
type listed struct {
	ImportPath string
	Name       string
	Dir        string
	Standard   bool
	GoFiles    []string
	CgoFiles   []string
	Imports    []string
	ImportMap  map[string]string
	Module     *struct {
		Main      bool
		GoVersion string
	}
	Error *struct{ Err string }
}

func (p *listed) ours() bool { return p.Module != nil && p.Module.Main }

// testMain reports whether p is the program that go test makes around a package.
func (p *listed) testMain() bool { return p.Name == "main" && strings.HasSuffix(p.ImportPath, ".test") }

// list returns the module's packages as they are on the given system with cgo, with their tests and everything they
// import, each after what it imports.
func list(goos, goarch string) ([]*listed, error) {
	cmd := exec.Command("go", "list", "-e", "-deps", "-test",
		"-json=ImportPath,Name,Dir,Standard,GoFiles,CgoFiles,Imports,ImportMap,Module,Error", "gatewatch/...")
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=1")
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, &problems)
	}
	var all []*listed
	for dec := json.NewDecoder(&out); ; {
		p := new(listed)
		switch err := dec.Decode(p); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		}
		all = append(all, p)
	}
}

// sources holds the files that have been parsed. Most belong to every system.
type sources struct {
	fset *token.FileSet
	mu   sync.Mutex
	done map[string]func() (*ast.File, error)
}

// parse returns a file, without the bodies of its functions if those are not wanted.
func (s *sources) parse(path string, bodies bool) (*ast.File, error) {
	s.mu.Lock()
	once := s.done[path]
	if once == nil {
		once = sync.OnceValues(func() (*ast.File, error) {
			f, err := parser.ParseFile(s.fset, path, nil, parser.SkipObjectResolution)
			if f != nil && !bodies {
				for _, d := range f.Decls {
					if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
						fn.Body = new(ast.BlockStmt)
					}
				}
			}
			return f, err
		})
		s.done[path] = once
	}
	s.mu.Unlock()
	return once()
}

// checker checks the packages of one system.
type checker struct {
	sources *sources
	sizes   types.Sizes
	done    map[string]*types.Package
	handed  map[string]*types.Named // structs of ours whose address is given away, by package and name
}

// imports finds what one package imports.
type imports func(path string) (*types.Package, error)

func (i imports) Import(path string) (*types.Package, error) { return i(path) }

// check checks p, whose imports have been checked, and returns what is wrong with it. Of a package that is not ours
// only what others see of it is checked.
func (c *checker) check(p *listed) (wrong []error) {
	if p.Error != nil {
		wrong = append(wrong, errors.New(p.Error.Err))
	}
	var files []*ast.File
	for _, names := range [][]string{p.GoFiles, p.CgoFiles} {
		for _, name := range names {
			f, err := c.sources.parse(filepath.Join(p.Dir, name), p.ours())
			if err != nil {
				wrong = append(wrong, err)
				continue
			}
			files = append(files, f)
		}
	}
	return append(wrong, c.checkFiles(p, files)...)
}

func (c *checker) checkFiles(p *listed, files []*ast.File) (wrong []error) {
	conf := types.Config{
		FakeImportC:      true,
		IgnoreFuncBodies: !p.ours(),
		Sizes:            c.sizes,
		Error:            func(err error) { wrong = append(wrong, err) },
		Importer: imports(func(path string) (*types.Package, error) {
			if to, ok := p.ImportMap[path]; ok {
				path = to
			}
			if pkg := c.done[path]; pkg != nil {
				return pkg, nil
			}
			return nil, fmt.Errorf("%s is not among the packages of this system", path)
		}),
	}
	if p.Module != nil && p.Module.GoVersion != "" {
		conf.GoVersion = "go" + p.Module.GoVersion
	}
	path, _, _ := strings.Cut(p.ImportPath, " ")
	var info *types.Info
	if p.ours() {
		info = &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	}
	pkg, _ := conf.Check(path, c.sources.fset, files, info) // its error is the first of those collected
	c.done[p.ImportPath] = pkg
	if info != nil {
		c.findHanded(path, info)
	}
	return wrong
}

func TestTypes(t *testing.T) {
	debug.SetGCPercent(400) // syntax trees live until the end: to look through them again and again takes longer
	readTree(t)
	parsed := &sources{fset: token.NewFileSet(), done: map[string]func() (*ast.File, error){}}
	for _, system := range []struct{ goos, goarch, planted string }{
		{"darwin", "arm64", `package planted; import ("C"; "syscall"); var _ string = syscall.F_FULLFSYNC`},
		{"darwin", "amd64", `package planted; import ("C"; "syscall"); func _() { C.any(); syscall.Kqueue("too much") }`},
		{"windows", "amd64", `package planted; import "syscall"; func _() { syscall.Handle.Nothing() }`},
	} {
		t.Run(system.goos+"/"+system.goarch, func(t *testing.T) {
			t.Parallel()
			all, err := list(system.goos, system.goarch)
			if err != nil {
				t.Fatal(err)
			}
			c := &checker{
				sources: parsed, sizes: types.SizesFor("gc", system.goarch),
				done: map[string]*types.Package{"unsafe": types.Unsafe}, handed: map[string]*types.Named{},
			}
			ours := 0
			for _, p := range all {
				if p.testMain() || p.ImportPath == "unsafe" {
					continue
				}
				if p.ours() {
					ours++
				}
				for i, err := range c.check(p) {
					if i == maxShown {
						t.Errorf("%s: and more", p.ImportPath)
						break
					}
					t.Errorf("%s: %v", p.ImportPath, err)
				}
			}
			if ours == 0 {
				t.Error("none of the packages is of this module")
			}
			t.Logf("%d packages, %d of them ours", len(c.done), ours)

			f, err := parser.ParseFile(parsed.fset, "planted.go", system.planted, 0)
			if err != nil {
				t.Fatal(err)
			}
			planted := &listed{ImportPath: "planted"}
			planted.Module = all[len(all)-1].Module
			if wrong := c.checkFiles(planted, []*ast.File{f}); len(wrong) != 1 {
				t.Errorf("one wrong use was planted, found are %v", wrong)
			}
			c.checkLayouts(t, system.goos)
		})
	}
}

// readTree opens every folder and Go file of the module: go test repeats a test that passed only when something has
// changed that the test itself has opened, and does not see what go list opens.
func readTree(t *testing.T) {
	t.Helper()
	root := filepath.Join("..", "..")
	if _, err := os.ReadFile(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "bin" ||
			name == "dist") {
			return filepath.SkipDir
		}
		if d.Type().IsRegular() && filepath.Ext(path) == ".go" {
			_, err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
