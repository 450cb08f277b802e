package metrics

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"gatewatch/app/wording"
	"gatewatch/conn/ib"
)

// TestNames holds the names, types and labels that people build their dashboards and alerts on. They stand in
// testdata/metrics.txt: one that changes there breaks what people have.
func TestNames(t *testing.T) {
	want := published(t)
	families, err := New(full(up())).registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "gatewatch_") {
			continue // the library's own, which differ between systems
		}
		line := []string{f.GetName(), strings.ToLower(f.GetType().String())}
		for _, label := range f.GetMetric()[0].GetLabel() {
			line = append(line, label.GetName())
		}
		got = append(got, strings.Join(line, " "))
		if help := f.GetHelp(); !strings.HasSuffix(help, ".") {
			t.Errorf("%s has no help: %q", f.GetName(), help)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("gone: %s", line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("new: %s", line)
		}
	}
}

// published returns the lines of testdata/metrics.txt: name, type and label, if there is one.
func published(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile("testdata/metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.FieldsFunc(string(b), func(r rune) bool { return r == '\n' || r == '\r' })
}

// TestDocumented: docs/prometheus.md lists exactly what there is, and every value of a label that is a word of conn or
// of the engine.
func TestDocumented(t *testing.T) {
	b, err := os.ReadFile("../../docs/prometheus.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(gatewatch_\\w+)` \\| (\\w+) \\| (?:`(\\w+)`)? ?\\|").
		FindAllStringSubmatch(doc, -1) {
		listed = append(listed, strings.TrimSpace(strings.Join(row[1:], " ")))
	}
	slices.Sort(listed)
	if want := published(t); !slices.Equal(listed, want) {
		t.Errorf("the table has\n%s\nwant\n%s", strings.Join(listed, "\n"), strings.Join(want, "\n"))
	}
	for _, word := range slices.Concat(words(states), words(guardReasons), words(farmStates), words(standings),
		words(orderStates), reasons) {
		if !strings.Contains(doc, "`"+word+"`") {
			t.Errorf("%s is not explained", word)
		}
	}
}

func TestLint(t *testing.T) {
	problems, err := testutil.GatherAndLint(New(full(up())).registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

// TestWords: no state, reason or cause of conn and no word of the engine is forgotten here.
func TestWords(t *testing.T) {
	same := func(what string, got []string, want ...string) {
		t.Helper()
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: exported %q, conn has %q", what, got, want)
		}
	}
	said, session := constants(t, "../../conn"), constants(t, "../../conn/ib")
	same("states", words(states), said["State"]...)
	same("farm states", words(farmStates), said["FarmState"]...)
	same("guard", append(words(guardReasons), string(ib.GuardOpen)), session["GuardReason"]...)
	same("states of orders", words(orderStates), constants(t, "../../engine/ledger")["OrderState"]...)
	same("states of rules", words(standings), constants(t, "../../engine/rules")["State"]...)
	for _, reason := range reasons { // whose words are in one place
		if wording.Blocked(reason, "") == reason {
			t.Errorf("%s is not known", reason)
		}
	}
	// These end neither a session nor an attempt unasked.
	never := words([]ib.Cause{
		ib.CauseNone, ib.CauseUpstream, ib.CauseFarm, ib.CauseCompeting, ib.CauseReadOnly,
		ib.CauseWrongMode, ib.CauseUser,
		ib.CauseReconfigured, ib.CauseStopping,
	})
	same("causes", slices.Concat(words(causes), never), session["Cause"]...)
}

func words[T ~string](list []T) []string {
	all := make([]string, len(list))
	for i, one := range list {
		all[i] = string(one)
	}
	return all
}

// constants returns the texts of a package's typed constants by the name of their type.
func constants(t *testing.T, folder string) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			list, ok := decl.(*ast.GenDecl)
			if !ok || list.Tok != token.CONST {
				continue
			}
			for _, spec := range list.Specs {
				addConstants(t, found, spec.(*ast.ValueSpec))
			}
		}
	}
	return found
}

func addConstants(t *testing.T, found map[string][]string, v *ast.ValueSpec) {
	t.Helper()
	kind, ok := v.Type.(*ast.Ident)
	if !ok {
		return
	}
	for _, value := range v.Values {
		if lit, ok := value.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			s, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			found[kind.Name] = append(found[kind.Name], s)
		}
	}
}
