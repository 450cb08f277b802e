package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"gatewatch/app/exit"
	"gatewatch/conn/sim"
)

// Sim has a flag for each field of sim.Config, under the same name.
type Sim struct {
	Listen        string   `help:"Address of the API port; loopback only." default:"127.0.0.1:4002"`
	Control       string   `help:"Address of the HTTP control port; loopback only, empty for none. auto: 127.0.0.1:4003, or any free port if the API port is any free one." default:"auto"`
	ServerVersion int      `help:"Protocol version of the gateway, 176 to 226." default:"226"`
	TickRate      float64  `help:"Price ticks per second and symbol." default:"4"`
	Speed         float64  `help:"How many times faster than real time the gateway's clock runs: ticks, scripts, faults." default:"1"`
	Seed          uint64   `help:"Seed of the price walk: the same number gives the same prices."`
	Replay        string   `help:"CSV file of time, symbol, field and value that prices follow." type:"existingfile" placeholder:"FILE"`
	Accounts      []string `name:"account" help:"Managed accounts; names that begin with D are paper accounts. Default: DU1234567." placeholder:"ID,..."`
	Initial       string   `name:"state" help:"JSON file with the accounts, cash, positions, orders and instruments to begin with." type:"existingfile" placeholder:"FILE"`
	NextOrderID   int64    `help:"First order id." default:"1"`
	Script        string   `help:"File with a script of timed faults." type:"existingfile" placeholder:"FILE"`
	Night         string   `help:"Play a night from the start; 'list' lists them." placeholder:"NAME"`
	Farms         []string `help:"Data farms as CODE:NAME, such as 2104:usfarm; 'none' for none." placeholder:"CODE:NAME,..."`
	Unsupported   string   `help:"Date from which IBKR does not support this version of Gateway, sent as code 2172 on each connection." placeholder:"YYYYMMDD"`

	AutoRestart  string        `help:"Time of day in New York at which the gateway restarts, such as 23:45; reqConfig announces it." placeholder:"HH:MM"`
	AutoLogoff   string        `help:"Time of day in New York at which the gateway logs off." placeholder:"HH:MM"`
	RestartTakes time.Duration `help:"How long such a restart takes." default:"40s"`

	NoTradingHours           bool `help:"DAY orders do not end with the trading day, and auctions are held by the control call auction only."`
	ReuseIDs                 bool `name:"reuse-ids" help:"Hand out order ids from the first one again after a restart."`
	ZeroSeesAll              bool `help:"Client id 0 is sent the orders of all clients, as the master client id is."`
	RejectOrdersUpstreamLost bool `name:"reject-orders-upstream-lost" help:"Refuse orders while upstream is lost, instead of holding them."`
	OwnCancelsOnly           bool `help:"Answer a request to cancel another client's order with 10147."`
	OpenOrdersOnConnect      bool `help:"Send a new session its open orders unasked."`
	PartialFills             int  `help:"Number of executions in which an order fills." default:"1"`
	SpreadFills              bool `help:"At most one execution each time the market moves."`
	AnswerEveryTime          bool `help:"Answer every time request, also the second within a second."`
	NoLiveData               bool `help:"The user has no live market data: 354, or 10167 and delayed data."`
	MaxLines                 int  `help:"Instruments that all clients together can follow before error 101; below 0: no limit." default:"100"`
	MaxMessageRate           int  `help:"Requests per second that a client may send; below 0: no limit." default:"50"`

	JSON    bool `name:"json" help:"Print one line of JSON with the ports and the process id, and nothing else."`
	Verbose bool `help:"Log every request." short:"v"`
}

// config reads the files that flags name.
func (c *Sim) config() (sim.Config, error) {
	cfg := sim.Config{
		Listen: c.Listen, Control: c.Control, ServerVersion: c.ServerVersion, TickRate: c.TickRate, Speed: c.Speed,
		Seed:     c.Seed,
		Accounts: c.Accounts, NextOrderID: c.NextOrderID, Night: c.Night, Unsupported: c.Unsupported,
		AutoRestart: c.AutoRestart, AutoLogoff: c.AutoLogoff, RestartTakes: c.RestartTakes,
		TradingHours: !c.NoTradingHours,
		ReuseIDs:     c.ReuseIDs, ZeroSeesAll: c.ZeroSeesAll, RejectOrdersUpstreamLost: c.RejectOrdersUpstreamLost,
		OwnCancelsOnly: c.OwnCancelsOnly, OpenOrdersOnConnect: c.OpenOrdersOnConnect,
		PartialFills: c.PartialFills, SpreadFills: c.SpreadFills,
		AnswerEveryTime: c.AnswerEveryTime, MaxMessageRate: c.MaxMessageRate,
		NoLiveData: c.NoLiveData, MaxLines: c.MaxLines,
	}
	if c.Control == "auto" {
		cfg.Control = "127.0.0.1:4003"
		if strings.HasSuffix(c.Listen, ":0") {
			cfg.Control = "127.0.0.1:0"
		}
	}
	for _, f := range c.Farms {
		if f == "none" && len(c.Farms) == 1 {
			cfg.Farms = []sim.Farm{}
			break
		}
		code, name, _ := strings.Cut(f, ":")
		n, err := strconv.Atoi(code)
		if err != nil || name == "" {
			return cfg, fmt.Errorf("--farms: %q is not CODE:NAME, such as 2104:usfarm", f)
		}
		cfg.Farms = append(cfg.Farms, sim.Farm{Code: n, Name: name})
	}
	var err error
	if cfg.Script, err = optionalFile(c.Script); err != nil {
		return cfg, err
	}
	if _, err := sim.ParseScript(cfg.Script); err != nil {
		return cfg, fmt.Errorf("%s: %w", c.Script, err)
	}
	if cfg.Replay, err = optionalFile(c.Replay); err != nil || c.Initial == "" {
		return cfg, err
	}
	text, err := optionalFile(c.Initial)
	if err != nil {
		return cfg, err
	}
	if cfg.Initial, err = sim.ParseInitial([]byte(text)); err != nil {
		return cfg, fmt.Errorf("%s: %w", c.Initial, err)
	}
	return cfg, nil
}

// maxFile bounds the files that flags name, in MB. A recorded day of ticks may have a hundred.
const maxFile = 256

// optionalFile is the text of a file, "" if none is named.
func optionalFile(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile<<20+1))
	if len(text) > maxFile<<20 {
		err = fmt.Errorf("%s is larger than %d MB", name, maxFile)
	}
	return string(text), err
}

func (c *Sim) Run(ctx context.Context) error {
	if c.Night == "list" {
		return c.listNights()
	}
	cfg, err := c.config()
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	level := slog.LevelInfo
	if c.Verbose {
		level = slog.LevelDebug
	}
	cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	g, err := sim.Start(ctx, cfg)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	if err := c.announce(Stdout, g); err != nil {
		return errors.Join(err, g.Close())
	}
	<-ctx.Done()
	return g.Close()
}

// listNights prints which nights can be played.
func (c *Sim) listNights() error {
	type night struct {
		Name  string `json:"name"`
		Title string `json:"title"`
	}
	var list []night
	var t table
	t.row("Night", "What happens")
	for _, n := range sim.Nights() {
		list = append(list, night{n.Name, n.Title})
		t.row(n.Name, n.Title)
	}
	if c.JSON {
		return printJSON(list)
	}
	return t.write(Stdout)
}

// announce says where the simulator listens, in one write.
func (c *Sim) announce(w io.Writer, g *sim.Gateway) error {
	if !c.JSON {
		text := fmt.Sprintf("Simulated gateway, protocol %d, on %s\n", c.ServerVersion, g.Addr())
		if a := g.ControlAddr(); a != "" {
			text += fmt.Sprintf("Faults: curl http://%s/ lists them\n", a)
		}
		_, err := io.WriteString(w, text)
		return err
	}
	host, _, _ := net.SplitHostPort(g.Addr()) // its own address
	line := struct {
		Host        string `json:"host"`
		Port        int    `json:"port"`
		Control     string `json:"control,omitempty"`
		ControlPort int    `json:"control_port,omitempty"`
		PID         int    `json:"pid"`
		Version     int    `json:"server_version"`
	}{Host: host, Port: g.Port(), PID: os.Getpid(), Version: c.ServerVersion}
	if a := g.ControlAddr(); a != "" {
		line.Control = "http://" + a
		_, port, _ := net.SplitHostPort(a)
		line.ControlPort, _ = strconv.Atoi(port)
	}
	return json.NewEncoder(w).Encode(line)
}
