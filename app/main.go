// Command gatewatch keeps a connection to Interactive Brokers' Gateway or TWS and shows its true state.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
	_ "time/tzdata" // Windows has no time zone database of its own

	"github.com/alecthomas/kong"

	"gatewatch/app/alert"
	"gatewatch/app/cli"
	"gatewatch/app/cli/cmdline"
	"gatewatch/app/console"
	"gatewatch/app/exit"
	"gatewatch/app/home"
	"gatewatch/app/resident"
)

// version is set by the linker.
var version = "dev"

// commandLine is what can be written behind gatewatch: flags for all commands, and the commands in the order of the
// help.
type commandLine struct {
	Home    string           `help:"Folder for settings.json, api.json, log and lock, instead of the usual ones." env:"GATEWATCH_HOME" type:"path" placeholder:"DIR"`
	Color   string           `help:"When to print colours: auto (on a terminal, unless NO_COLOR is set), always or never." enum:"auto,always,never" default:"auto" placeholder:"WHEN"`
	Version kong.VersionFlag `help:"Show the version."`

	Help       cli.Help       `cmd:"" help:"Show the commands, or how to use one."`
	Run        runCmd         `cmd:"" default:"withargs" help:"Run Gatewatch with its tray (the default)."`
	Status     cli.Status     `cmd:"" help:"Show the state of the connection, its cause and what to do."`
	Connect    cli.Connect    `cmd:"" help:"Connect now; ends a pause and overrides the reset window for one attempt."`
	Disconnect cli.Disconnect `cmd:"" help:"Turn trading off, disconnect and stay disconnected."`
	Open       cli.Open       `cmd:"" help:"Open the window, or the page in the browser where no window can open."`
	Quit       cli.Quit       `cmd:"" help:"Quit the running program and wait until it has exited."`
	Autostart  cli.Autostart  `cmd:"" help:"Show whether Gatewatch starts at login, or turn that on or off."`
	Uptime     cli.Uptime     `cmd:"" help:"Show how the time was spent: connected, down, planned, paused, asleep, not observed."`
	Log        cli.Log        `cmd:"" help:"Show the connection log."`
	Messages   cli.Messages   `cmd:"" help:"Show Gateway's messages: codes with their texts, how often and when last."`
	Rules      cli.Rules      `cmd:"" help:"Show rules and their states, or activate, deactivate and delete them."`
	Orders     cli.Orders     `cmd:"" help:"Show orders and their states, or cancel them."`
	Positions  cli.Positions  `cmd:"" help:"Show positions as Gateway reports them, with average cost and unrealised P&L."`
	Clients    cli.Clients    `cmd:"" help:"Show programs at the guarded port and their orders, or stop their trading."`
	Arm        cli.Arm        `cmd:"" help:"Turn trading on: active rules place orders while the guard is open."`
	Disarm     cli.Disarm     `cmd:"" help:"Turn trading off: no order is sent."`
	Wait       cli.Wait       `cmd:"" help:"Wait until Gatewatch is connected, or until the order guard is open. Exit code: 0 then, 1 with the reason if not in time or interrupted, 3 if Gatewatch is not running at the end."`
	Guard      cli.Guard      `cmd:"" help:"Show whether a bot may trade now: exit code 0 if it may, 1 with the reason if not, 3 if Gatewatch is not running."`
	Alerts     cli.Alerts     `cmd:"" help:"Show the status of alert channels, or test them."`
	Secret     cli.Secret     `cmd:"" help:"Store a password, a key or a secret address, for alerts."`
	Doctor     cli.Doctor     `cmd:"" help:"Show which Gateway or TWS answers, and what to do."`
	Sim        cli.Sim        `cmd:"" help:"Run the simulator, to test any TWS client against."`
	Completion cli.Completion `cmd:"" help:"Print a script that completes commands, flags and names in your shell."`
	VersionCmd versionCmd     `cmd:"" name:"version" help:"Show the version."`

	Complete     cli.Complete `cmd:"" hidden:"" help:"Complete a command line; shells run this."`
	DeliverAlert deliverCmd   `cmd:"" hidden:"" help:"Deliver one alert; Gatewatch itself runs this."`

	Diagnostics cli.Diagnostics `cmd:"" help:"Create a report for bug reports (no personal data)."`
}

// endLimit is the time from a signal that ends the program to its end, also where a disk or a reader of its output does
// not answer. Once orders can be sent it is orderEndLimit, which is longer than an order that is being sent is waited
// for.
const (
	endLimit      = 1500 * time.Millisecond
	orderEndLimit = 15 * time.Second
)

func main() { os.Exit(start(os.Args[1:])) }

func start(args []string) int {
	var c commandLine
	code := -1
	parser, err := kong.New(
		&c, kong.Name("gatewatch"),
		kong.Description("Keeps the connection to Interactive Brokers' Gateway or TWS, and shows its true state."),
		kong.Vars{"version": "gatewatch " + version}, kong.Writers(cli.Stdout, os.Stderr), kong.Exit(func(n int) {
			if code < 0 {
				code = n
			}
		}),
	)
	if err != nil {
		panic(err) // the command line above is wrong: no input can cause or cure that
	}
	parser.Model.HelpFlag.Help = "Show this help."
	k, err := parser.Parse(args)
	if code >= 0 || cli.Stdout.Err() != nil { // --help has done its work, or could not
		return max(code, report(nil))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gatewatch:", cmdline.Mistake(parser.Model, args, err))
		return exit.Usage
	}
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	defer stop()
	var orders atomic.Bool // can be sent
	defer context.AfterFunc(ctx, func() {
		stop() // a second signal ends the program at once
		limit := endLimit
		if orders.Load() {
			limit = orderEndLimit
		}
		time.AfterFunc(limit, func() {
			stderr := console.NewAsyncWriter(os.Stderr) // which may be what hangs
			fmt.Fprintf(stderr, "gatewatch: ended %v after the signal, with something that hangs, such as a disk\n",
				limit)
			stderr.Close()
			os.Exit(exit.Failed)
		})
	})()
	cli.SetColor(c.Color)
	k.BindTo(ctx, (*context.Context)(nil))
	k.Bind(cli.Program{Home: home.At(c.Home), Version: version}, &orders)
	return report(k.Run())
}

// report prints err, or else why the output could not be written, and returns the exit code.
func report(err error) int {
	if err == nil {
		err = cli.Stdout.Err()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gatewatch:", err)
	}
	return exit.Code(err)
}

type runCmd struct {
	Headless bool `help:"Run without a tray and without a window."`
	Demo     bool `help:"Connect to a simulated gateway inside the program, which goes through a short story of faults."`

	LogStderr bool `name:"log-stderr" help:"Write the structured log to stderr, too. This is the default unless stdout is a terminal."`
}

func (r runCmd) Run(ctx context.Context, p cli.Program, orders *atomic.Bool) error {
	return resident.Run(ctx, resident.Options{
		Home: p.Home, Version: p.Version, Headless: r.Headless, Demo: r.Demo, LogStderr: r.LogStderr, Orders: orders,
	})
}

// deliverCmd is the process in which the resident program delivers an alert.
type deliverCmd struct{}

func (deliverCmd) Run() error {
	alert.Child(os.Stdin, os.Stdout)
	return nil
}

type versionCmd struct {
	JSON bool `help:"Print JSON: version."`
}

func (v versionCmd) Run() error {
	if v.JSON {
		return json.NewEncoder(cli.Stdout).Encode(map[string]string{"version": version})
	}
	_, err := fmt.Fprintln(cli.Stdout, "gatewatch", version)
	return err
}
