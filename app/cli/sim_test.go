package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"gatewatch/conn/sim"
	"gatewatch/conn/sim/simtest"
)

// simFlags parses a command line of gatewatch sim.
func simFlags(t *testing.T, args ...string) (Sim, sim.Config) {
	t.Helper()
	var c Sim
	parser, err := kong.New(&c, kong.Exit(func(int) { t.Fatal("exit") }))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	cfg, err := c.config()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return c, cfg
}

// TestSimFlags: each field of sim.Config can be set by a flag of its own, which docs/simulator.md has.
func TestSimFlags(t *testing.T) {
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	samples := map[string]string{
		"Listen": "--listen=127.0.0.1:4010", "Control": "--control=127.0.0.1:4011",
		"ServerVersion": "--server-version=193",
		"TickRate":      "--tick-rate=9", "Speed": "--speed=60", "Seed": "--seed=7",
		"Replay": "--replay=" + file("prices.csv", "0,AAPL,bid,200\n"), "Accounts": "--account=DU1,DU2",
		"Initial":     "--state=" + file("state.json", `{"accounts": [{"id": "DU1"}]}`),
		"NextOrderID": "--next-order-id=5", "Script": "--script=" + file("script.txt", "at 1s drop"),
		"Night": "--night=frozen-jvm",
		"Farms": "--farms=2104:usfarm,2107:ushmds", "Unsupported": "--unsupported=20261215", "ReuseIDs": "--reuse-ids",
		"AutoRestart": "--auto-restart=23:45", "AutoLogoff": "--auto-logoff=23:45",
		"RestartTakes": "--restart-takes=1m", "TradingHours": "--no-trading-hours",
		"ZeroSeesAll": "--zero-sees-all", "RejectOrdersUpstreamLost": "--reject-orders-upstream-lost",
		"OwnCancelsOnly":      "--own-cancels-only",
		"OpenOrdersOnConnect": "--open-orders-on-connect", "PartialFills": "--partial-fills=3",
		"SpreadFills":     "--spread-fills",
		"AnswerEveryTime": "--answer-every-time", "MaxMessageRate": "--max-message-rate=-1",
		"NoLiveData": "--no-live-data", "MaxLines": "--max-lines=-1",
	}
	docs, err := os.ReadFile("../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	_, plain := simFlags(t)
	fields := reflect.TypeFor[sim.Config]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		if name == "Log" {
			continue // of -v
		}
		arg := samples[name]
		if arg == "" {
			t.Errorf("sim.Config.%s has no flag", name)
			continue
		}
		_, set := simFlags(t, arg)
		for k := range fields.NumField() {
			same := reflect.DeepEqual(reflect.ValueOf(plain).Field(k).Interface(),
				reflect.ValueOf(set).Field(k).Interface())
			if same == (k == i) {
				t.Errorf("%s: sim.Config.%s changes: %v", arg, fields.Field(k).Name, !same)
			}
		}
	}
	cmd := reflect.TypeFor[Sim]()
	parser := kong.Must(&Sim{})
	if n := len(parser.Model.Flags) - 1; n != cmd.NumField() {
		t.Errorf("%d flags, %d fields", n, cmd.NumField())
	}
	for _, f := range parser.Model.Flags {
		if f.Name != "help" && !bytes.Contains(docs, []byte("`--"+f.Name+"`")) {
			t.Errorf("docs/simulator.md lacks --%s", f.Name)
		}
	}
}

func TestSimControlPort(t *testing.T) {
	for args, want := range map[string]string{
		"":                     "127.0.0.1:4003",
		"--listen=127.0.0.1:0": "127.0.0.1:0",
		"--listen=127.0.0.1:0 --control=127.0.0.1:9": "127.0.0.1:9",
		"--control=": "",
	} {
		if _, cfg := simFlags(t, strings.Fields(args)...); cfg.Control != want {
			t.Errorf("%s: control port %q, want %q", args, cfg.Control, want)
		}
	}
}

func TestSimFlagsRefused(t *testing.T) {
	for _, c := range []Sim{
		{Farms: []string{"usfarm"}},
		{Farms: []string{"none", "2104:x"}},
		{Farms: []string{"2104:"}},
		{Script: "nowhere"},
		{Initial: "nowhere"},
	} {
		if cfg, err := c.config(); err == nil {
			t.Errorf("%+v: %+v", c, cfg)
		}
	}
}

// TestSimJSON reads the line that tests read.
func TestSimJSON(t *testing.T) {
	c, cfg := simFlags(t, "--listen=127.0.0.1:0", "--json")
	g := simtest.Start(t, cfg)
	var out bytes.Buffer
	if err := c.announce(&out, g); err != nil {
		t.Fatal(err)
	}
	var line struct {
		Host        string
		Port        int
		Control     string
		ControlPort int `json:"control_port"`
		PID         int
		Version     int `json:"server_version"`
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil ||
		strings.Count(out.String(), "\n") != 1 || !strings.HasSuffix(out.String(), "\n") {
		t.Fatalf("%q: %v", out.String(), err)
	}
	if line.Host != "127.0.0.1" || line.Port != g.Port() || line.Control != "http://"+g.ControlAddr() ||
		line.PID != os.Getpid() || line.Version != 226 ||
		fmt.Sprintf("127.0.0.1:%d", line.ControlPort) != g.ControlAddr() {
		t.Errorf("%+v", line)
	}
}
