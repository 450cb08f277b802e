// Command gatewatch keeps a connection to Interactive Brokers' Gateway or TWS and shows its true state.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // Windows has no time zone database of its own

	"github.com/alecthomas/kong"

	"gatewatch/app/alert"
	"gatewatch/app/cli"
	"gatewatch/app/cli/cmdline"
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
	Run        runCmd         `cmd:"" default:"withargs" help:"Run the resident program (the default)."`
	Status     cli.Status     `cmd:"" help:"Show what the resident program knows."`
	Connect    cli.Connect    `cmd:"" help:"Connect now; ends a pause and overrides the reset window for one attempt."`
	Disconnect cli.Disconnect `cmd:"" help:"Turn trading off, disconnect, and stay so until connect."`
	Open       cli.Open       `cmd:"" help:"Open the window, or the page where there is no window."`
	Quit       cli.Quit       `cmd:"" help:"End the resident program, and wait until it has ended."`
	Autostart  cli.Autostart  `cmd:"" help:"Show whether Gatewatch is started at login, or switch that on or off."`
	Uptime     cli.Uptime     `cmd:"" help:"Show how the time was spent: connected, down, planned, paused, asleep, not observed."`
	Log        cli.Log        `cmd:"" help:"Show the connection log."`
	Messages   cli.Messages   `cmd:"" help:"Show what Gateway has said: codes with their texts, how often and when last."`
	Rules      cli.Rules      `cmd:"" help:"Show rules and their states, or activate, deactivate and delete them."`
	Orders     cli.Orders     `cmd:"" help:"Show orders and what has become of them, or cancel them."`
	Positions  cli.Positions  `cmd:"" help:"Show positions as Gateway reports them, with average cost and unrealised P&L."`
	Clients    cli.Clients    `cmd:"" help:"Show programs at the guarded port and their orders, or stop their trading."`
	Arm        cli.Arm        `cmd:"" help:"Turn trading on: active rules place orders while the guard is open."`
	Disarm     cli.Disarm     `cmd:"" help:"Turn trading off: no order leaves."`
	Wait       cli.Wait       `cmd:"" help:"Wait until Gatewatch is connected, or its guard open: exit code 0 then, 1 with the reason if not in time or interrupted, 3 if Gatewatch does not run in the end."`
	Guard      cli.Guard      `cmd:"" help:"Show whether a bot may trade now: exit code 0 if it may, 1 with the reason if not, 3 if Gatewatch is not running."`
	Alerts     cli.Alerts     `cmd:"" help:"Show the status of alert channels, or test them."`
	Secret     cli.Secret     `cmd:"" help:"Store a password, a key or a secret address, for alerts."`
	Doctor     cli.Doctor     `cmd:"" help:"Look which Gateway or TWS answers, and say what to do."`
	Sim        cli.Sim        `cmd:"" help:"Run a simulated gateway to test any TWS client against."`
	Completion cli.Completion `cmd:"" help:"Print a script by which a shell completes commands, flags and names."`
	VersionCmd versionCmd     `cmd:"" name:"version" help:"Show the version."`

	Complete     cli.Complete `cmd:"" hidden:"" help:"Complete a command line; the shells run this."`
	DeliverAlert deliverCmd   `cmd:"" hidden:"" help:"Deliver one alert; the resident program runs this."`

	Diagnostics cli.Diagnostics `cmd:"" help:"Create a report for bug reports (no personal data)."`
}

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
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	cli.SetColor(c.Color)
	k.BindTo(ctx, (*context.Context)(nil))
	k.Bind(cli.Program{Home: home.At(c.Home), Version: version})
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
	Demo     bool `help:"Connect to a simulated gateway inside the program, which plays a short story of faults."`

	LogStderr bool `name:"log-stderr" help:"Write the structured log to stderr, too. This happens by itself unless stdout is a terminal."`
}

func (r runCmd) Run(ctx context.Context, p cli.Program) error {
	return resident.Run(ctx, resident.Options{
		Home: p.Home, Version: p.Version, Headless: r.Headless, Demo: r.Demo, LogStderr: r.LogStderr,
	})
}

// deliverCmd is the process in which the resident program delivers an alert.
type deliverCmd struct{}

func (deliverCmd) Run() error {
	alert.Child(os.Stdin, os.Stdout)
	return nil
}

type versionCmd struct {
	JSON bool `help:"Print it as JSON: version."`
}

func (v versionCmd) Run() error {
	if v.JSON {
		return json.NewEncoder(cli.Stdout).Encode(map[string]string{"version": version})
	}
	_, err := fmt.Fprintln(cli.Stdout, "gatewatch", version)
	return err
}
