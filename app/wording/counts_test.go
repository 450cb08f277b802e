package wording

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gatewatch/engine/ledger"
)

func TestCounts(t *testing.T) {
	c := Counts{RulesActive: 2, RulesNoData: 1, RulesFailed: 1, OrdersOpen: 3, OrdersUnknown: 2, Unprotected: 1}
	want := []string{
		"1 open position without its stop, look in TWS", "2 orders unknown, look in TWS", "1 rule without market data",
		"1 rule failed",
		"2 rules active", "3 orders open",
	}
	if got := c.Lines(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := (Counts{}).Lines(); len(got) != 0 {
		t.Errorf("of nothing %q", got)
	}
}

func TestShare(t *testing.T) {
	for p, want := range map[float64]string{100: "100 %", 99.999: "99.9 %", 99.3: "99.3 %", 0: "0.0 %"} {
		if got := Share(p); got != want {
			t.Errorf("%v is %q, want %q", p, got, want)
		}
	}
}

func TestOrderCost(t *testing.T) {
	i := ledger.Intent{Filled: 10, Executions: ledger.Executions{Shares: map[string]float64{"a": 10}}}
	i.Costs = ledger.Costs{Average: 230.125, Charges: map[string]ledger.Charge{
		"a": {Amount: 1.25, Currency: "USD", Realised: -12345.678, Closes: true},
	}}
	if got := OrderCost(&i); got != "average 230.125, commission 1.25 USD, realised P&L -12,345.68 USD" {
		t.Errorf("%q", got)
	}
	if got := OrderCost(&ledger.Intent{}); got != "" {
		t.Errorf("of nothing %q", got)
	}
	for amount, want := range map[float64]string{
		0: "0.00", 999.999: "1,000.00", 1234567: "1,234,567.00",
		-100: "-100.00",
	} {
		if got := Money(amount, ""); got != want {
			t.Errorf("%v is %q, want %q", amount, got, want)
		}
	}
}

// oneText are pieces of texts about states, the order guard, layers and counts that only this package may have.
var oneText = []string{
	"trading is o", "orders are blocked", "orders blocked:", "no connection since", "rules active", "rule active",
	"rules watch",
	"without market data", "rules failed", "orders open", "without its stop", "muted until", "guard open",
}

// TestOneText looks through the programs for texts of their own about what this package says.
func TestOneText(t *testing.T) {
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		// What a request is refused for and help texts are sentences of their own.
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || !slices.ContainsFunc([]string{
			"../tray/", "../window/", "../notice/", "../cli/status.go", "../cli/connect.go", "../cli/orders.go",
		}, func(at string) bool { return strings.HasPrefix(filepath.ToSlash(path), at) }) {
			return nil
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, _ := strconv.Unquote(lit.Value)
			for _, piece := range oneText {
				if strings.Contains(strings.ToLower(text), piece) {
					t.Errorf("%v: %q belongs into this package", fset.Position(lit.Pos()), text)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
