package sim_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatewatch/conn/sim"
	"gatewatch/conn/sim/npm"

	"github.com/scmhub/ibapi/protobuf"
)

var update = flag.Bool("update", false, "write the table of calls in docs/simulator.md")

func reqConfig(c client, id int64) {
	c.ReqConfigProtoBuf(&protobuf.ConfigRequest{ReqId: new(int32(id))})
}

func updateConfig(c client, id int64) {
	c.UpdateConfigProtoBuf(&protobuf.UpdateConfigRequest{ReqId: new(int32(id))})
}

func (a *answers) ConfigResponseProtoBuf(m *protobuf.ConfigResponse) {
	a.got("configResponse", int64(m.GetReqId()))
}

// numbers are the request numbers of the calls. A call about another one has its number.
func numbers() map[string]int64 {
	ids := map[string]int64{}
	for i, c := range calls {
		ids[c.name] = int64(100 + i)
	}
	for _, c := range calls {
		if c.of != "" {
			ids[c.name] = ids[c.of]
		}
	}
	return ids
}

// warnings are the codes after which clients go on waiting.
func warning(code int64) bool {
	return code >= 2100 && code < 2200 ||
		slices.Contains([]int64{105, 110, 165, 321, 329, 399, 404, 434, 492, 10167}, code)
}

// column is one client in one version, with what each call got.
type column struct {
	title string
	got   map[string]string
}

const (
	answered    = "yes"
	notAnswered = "–" // and accepted
	noSuchCall  = ""
)

// libraryColumn makes all calls with the Go library.
func libraryColumn(t *testing.T, version int) column {
	g := startSim(t, sim.Config{ServerVersion: version, Farms: []sim.Farm{}, MaxMessageRate: -1, TickRate: 50})
	a := follow(t, g, 0)
	col, ids := column{fmt.Sprintf("scmhub/ibapi %d", version), map[string]string{}}, numbers()
	for _, c := range calls {
		if c.make == nil || version < c.since {
			continue
		}
		from, id := a.len(), ids[c.name]
		c.make(a.client, id)
		if c.want == "" {
			a.client.ReqCurrentTime()
			a.byName(t, "currentTime", from)
			for _, e := range a.since(from) {
				if e.name == "error" && (e.id == id || e.id == -1) {
					t.Errorf("version %d: %s: error %d: %s", version, c.name, e.code, e.text)
				}
			}
			col.got[c.name] = notAnswered
			continue
		}
		e, _ := a.await(t, c.name, from, func(e event) bool {
			numbered := !slices.Contains([]string{"nextValidId", "currentTime", "currentTimeInMillis"}, e.name)
			return e.name == c.want && (e.id == id || e.id <= 0 || !numbered) ||
				e.name == "error" && (e.id == id || e.id == -1)
		})
		col.got[c.name] = answered
		if e.name == "error" {
			col.got[c.name] = "error " + strconv.FormatInt(e.code, 10)
			if warning(e.code) {
				t.Errorf("version %d: %s ends with %d, which clients take for a warning", version, c.name, e.code)
			}
		}
		if want := strings.HasPrefix(c.want, "error"); want != (e.name == "error") || want &&
			col.got[c.name] != c.want {
			t.Errorf("version %d: %s: %s (%s), want %s", version, c.name, col.got[c.name], e.text, c.want)
		}
	}
	return col
}

// since are the events from a position on.
func (r *recorder) since(from int) []event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events[from:])
}

// TestMatrix makes every call of the API with two libraries and several versions: each is answered within five seconds,
// and docs/simulator.md has how.
func TestMatrix(t *testing.T) {
	var columns []column
	for _, v := range []int{176, 193, 213, 225} {
		columns = append(columns, libraryColumn(t, v))
	}
	js, ok := stoqeyColumn(t)
	if ok {
		columns = append([]column{js}, columns...)
	}
	checkTable(t, columns, ok)
}

// stoqey is the npm package, in the version whose calls are known.
const stoqey = "@stoqey/ib@1.6.10"

// stoqeyColumn makes the calls with the JavaScript library, if that can be had.
func stoqeyColumn(t *testing.T) (column, bool) {
	if testing.Short() {
		return column{}, false
	}
	dir, err := npm.Install(stoqey)
	if err != nil {
		t.Logf("%s is left out: %v", stoqey, err)
		return column{}, false
	}
	g := startSim(t, sim.Config{Farms: []sim.Farm{}, MaxMessageRate: -1, TickRate: 50})
	type task struct {
		Name string `json:"name"`
		Code string `json:"code"`
		Want string `json:"want"`
		ID   int64  `json:"id"`
	}
	var tasks []task
	ids := numbers()
	for _, c := range calls {
		if c.js != "" {
			tasks = append(tasks, task{c.name, c.js, c.jsAnswer(), ids[c.name]})
		}
	}
	input, err := json.Marshal(map[string]any{"port": g.Port(), "account": account, "tasks": tasks})
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs(filepath.Join("testdata", "calls.js"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", script)
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(dir, "node_modules"))
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(input)), os.Stderr
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, out)
	}
	var got map[string]struct{ Event, Text string }
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("node: %v\n%s", err, out)
	}
	col := column{"@stoqey/ib 193", map[string]string{}}
	for _, task := range tasks {
		e := got[task.Name]
		switch {
		case e.Event == task.Want && task.Want == "":
			col.got[task.Name] = notAnswered
		case e.Event == task.Want && strings.HasPrefix(task.Want, "error"):
			col.got[task.Name] = task.Want
		case e.Event == task.Want:
			col.got[task.Name] = answered
		default:
			t.Errorf("%s: %s: %q (%s), want %q", stoqey, task.Name, e.Event, e.Text, task.Want)
		}
	}
	return col, true
}

const (
	tableFile  = "../../docs/simulator.md"
	tableBegin = "<!-- calls: go test ./conn/sim -run TestMatrix -update -->\n"
	tableEnd   = "<!-- end of calls -->\n"
)

// checkTable compares the table in the document with what was seen, or writes it. Without the JavaScript library its
// column is not compared.
func checkTable(t *testing.T, columns []column, complete bool) {
	file, err := os.ReadFile(tableFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(file), tableBegin)
	old, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table of calls", tableFile)
	}
	if *update && !t.Failed() && complete {
		if err := os.WriteFile(tableFile, []byte(before+tableBegin+table(columns)+tableEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !complete {
		old = withoutColumn(old, 3)
	}
	if old != table(columns) {
		t.Errorf("the table of calls in %s is not what was seen; go test ./conn/sim -run TestMatrix -update", tableFile)
	}
}

// table writes a line for each call.
func table(columns []column) string {
	var b strings.Builder
	b.WriteString("| call | answer | ib_async waits |")
	for _, c := range columns {
		b.WriteString(" " + c.title + " |")
	}
	b.WriteString("\n|" + strings.Repeat("---|", 3+len(columns)) + "\n")
	for _, c := range calls {
		want, awaits := c.want, ""
		if want == "" {
			want = notAnswered
		}
		if c.awaits {
			awaits = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |", c.name, want, awaits)
		for _, col := range columns {
			b.WriteString(" " + col.got[c.name] + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// withoutColumn removes a column of a table, counted from 0.
func withoutColumn(table string, n int) string {
	var b strings.Builder
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		b.WriteString(strings.Join(slices.Delete(cells, n+1, n+2), "|"))
	}
	return b.String()
}

// TestVersionsBetween makes all calls with the versions at which their forms change.
func TestVersionsBetween(t *testing.T) {
	if testing.Short() {
		t.Skip("twelve sessions")
	}
	for _, v := range []int{184, 194, 196, 200, 202, 205, 206, 208, 209, 210, 211, 212} {
		libraryColumn(t, v)
	}
}
