package conn_test

import (
	"os"
	"strings"
	"testing"
)

// TestDiagram holds the state diagram in docs/architecture.md equal to that in the package comment.
func TestDiagram(t *testing.T) {
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	var diagram strings.Builder
	for line := range strings.Lines(string(source)) {
		if drawn, ok := strings.CutPrefix(line, "//\t"); ok {
			diagram.WriteString(drawn)
		}
	}
	if diagram.Len() == 0 || !strings.Contains(string(doc), "```\n"+diagram.String()+"```\n") {
		t.Errorf("docs/architecture.md does not have this:\n%s", diagram.String())
	}
}
