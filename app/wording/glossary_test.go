package wording

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// forbidden are words that no text for people uses, and those to use instead.
var forbidden = map[string]string{
	"anew":        "again",
	"in force":    "in effect",
	"nobody":      "who it is, or that it is unknown",
	"whoever":     "who it is",
	"heed":        "follow",
	"fare":        "status",
	"fares":       "status",
	"stands":      "is",
	"fires":       "triggers",
	"fired":       "triggered",
	"let out":     "sent, blocked",
	"guard shut":  "guard closed",
	"is shut":     "is closed",
	"armed":       "trading on",
	"the link is": "the connection is",
}

var words = func() *regexp.Regexp {
	var list []string
	for w := range forbidden {
		list = append(list, regexp.QuoteMeta(w))
	}
	return regexp.MustCompile(`(?i)\b(` + strings.Join(list, "|") + `)\b`)
}()

// TestGlossary reads every text of two words and more in the program and in its page, and what describes settings and
// rules.
func TestGlossary(t *testing.T) {
	check := func(where, text string) {
		text = strings.ReplaceAll(text, "Time in force", "") // IBKR's term
		if w := words.FindString(text); w != "" && strings.Contains(text, " ") {
			t.Errorf("%s: %q, for %s; text: %q", where, w, forbidden[strings.ToLower(w)], text)
		}
	}
	texts := 0
	for _, root := range []string{"..", "../../engine", "../../conn"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "testdata" || d.Name() == "sim"):
				return filepath.SkipDir
			case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
					text, err := strconv.Unquote(l.Value)
					if err != nil {
						t.Fatal(err)
					}
					texts++
					check(set.Position(l.Pos()).String(), text)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if texts < 1000 {
		t.Errorf("%d texts in the program", texts)
	}
	page, err := filepath.Glob("../api/page/*.[chj]*")
	if err != nil {
		t.Fatal(err)
	}
	texts = 0
	for _, path := range page {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range regexp.MustCompile("\"[^\"\n]*\"|`[^`]*`|>[^<>\n]+<").FindAllString(string(content), -1) {
			texts++
			check(path, text)
		}
	}
	if texts < 100 {
		t.Errorf("%d texts in the page", texts)
	}
}
