package crosscheck

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/types"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// layout is the struct of an operating system that one of ours has to be laid out as.
type layout struct {
	header, name string
	fields       string // C's names, in the order of Go's fields
}

// layouts are those of all structs whose address goes to an operating system, by system, package and name.
var layouts = map[string]map[string]layout{
	"windows": {
		"gatewatch/app/notice.notifyIconData": {
			"shellapi.h", "NOTIFYICONDATAW", "cbSize hWnd uID uFlags uCallbackMessage hIcon szTip dwState " +
				"dwStateMask szInfo uVersion " +
				"szInfoTitle dwInfoFlags guidItem hBalloonIcon",
		},
	},
}

// findHanded notes the structs of ours that are made an unsafe.Pointer of: nothing else can be handed to a system call.
func (c *checker) findHanded(path string, info *types.Info) {
	for expr, of := range info.Types {
		call, ok := expr.(*ast.CallExpr)
		if !ok || of.Type != types.Typ[types.UnsafePointer] || len(call.Args) != 1 {
			continue
		}
		pointer, ok := info.Types[call.Args[0]].Type.(*types.Pointer)
		if !ok {
			continue
		}
		if _, ok := pointer.Elem().Underlying().(*types.Struct); !ok {
			continue
		}
		named, ok := types.Unalias(pointer.Elem()).(*types.Named)
		switch {
		case !ok:
			c.handed[path+", a struct without a name"] = nil
		case strings.HasPrefix(named.Obj().Pkg().Path(), "gatewatch/"):
			c.handed[named.Obj().Pkg().Path()+"."+named.Obj().Name()] = named
		}
	}
}

// checkLayouts compares the structs that are handed to the system with those of its C headers.
func (c *checker) checkLayouts(t *testing.T, goos string) {
	for key := range c.handed {
		if _, ok := layouts[goos][key]; !ok {
			t.Errorf("%s is handed to %s; what it has to be laid out as is missing in layouts", key, goos)
		}
	}
	for key, want := range layouts[goos] {
		if c.handed[key] == nil {
			t.Errorf("%s is not handed to %s any more", key, goos)
			continue
		}
		source := c.assertions(c.handed[key], want, 0)
		compile(t, source, "")
		// A compiler that finds nothing wrong could also be one that does not look.
		compile(t, c.assertions(c.handed[key], want, 1), "Go has")
	}
}

// assertions is C that compiles if the struct is as wanted, its size and each of its fields; off by so many bytes it
// does not.
func (c *checker) assertions(of *types.Named, want layout, off int64) string {
	var text bytes.Buffer
	fmt.Fprintf(&text, "#include <windows.h>\n#include <%s>\n#include <stddef.h>\n", want.header)
	is := func(what string, value int64) {
		fmt.Fprintf(&text, "_Static_assert(%s == %d, \"Go has %d\");\n", what, value+off, value)
	}
	is(fmt.Sprintf("sizeof(%s)", want.name), c.sizes.Sizeof(of))
	inside := of.Underlying().(*types.Struct)
	var fields []*types.Var
	for field := range inside.Fields() {
		fields = append(fields, field)
	}
	offsets, names := c.sizes.Offsetsof(fields), strings.Fields(want.fields)
	is(fmt.Sprint(len(names)), int64(len(fields)))
	for i, name := range names[:min(len(names), len(fields))] {
		is(fmt.Sprintf("offsetof(%s, %s)", want.name, name), offsets[i])
		is(fmt.Sprintf("sizeof(((%s *)0)->%s)", want.name, name), c.sizes.Sizeof(fields[i].Type()))
	}
	return text.String()
}

// compile has a C compiler look at a program for Windows, and expects what it says.
func compile(t *testing.T, source, complaint string) {
	t.Helper()
	const headers = "/usr/share/mingw-w64/include"
	_, missing := exec.LookPath("clang")
	if _, err := os.Stat(headers); errors.Join(missing, err) != nil {
		t.Skip("clang or mingw-w64-common is not installed; `make test` installs them on Debian and Ubuntu")
	}
	cmd := exec.Command("clang", "-target", "x86_64-w64-windows-gnu", "-isystem", headers,
		"-x", "c", "-std=c11", "-DUNICODE", "-D_WIN32_WINNT=0x0A00", "-fsyntax-only", "-")
	cmd.Stdin = strings.NewReader(source)
	out, err := cmd.CombinedOutput()
	if (err == nil) != (complaint == "") || !strings.Contains(string(out), complaint) {
		t.Errorf("want %q, clang says %v\n%s%s", complaint, err, out, source)
	}
}
