// Command gatewatch keeps a connection to Interactive Brokers' Gateway or TWS and tells what is true of it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // Windows has no time zone database of its own

	"github.com/alecthomas/kong"

	"gatewatch/app/alert"
)

// version is set by the linker.
var version = "dev"

// Exit codes. Others are not used.
const (
	exitFailed   = 1 // it was tried and did not work
	exitUsage    = 2 // flags or settings make no sense
	exitNotThere = 3 // no resident program runs, or Gateway is not connected
)

// cli is the command line.
type cli struct {
	Home string `help:"Folder for settings.json, api.json, log and lock, instead of the usual ones." env:"GATEWATCH_HOME" type:"path" placeholder:"DIR"`

	Run        runCmd        `cmd:"" default:"withargs" help:"Run the resident program (the default)."`
	Status     statusCmd     `cmd:"" help:"Show what the resident program knows."`
	Connect    connectCmd    `cmd:"" help:"Connect now; ends a pause and overrides the reset window for one attempt."`
	Disconnect disconnectCmd `cmd:"" help:"Turn trading off, disconnect, and stay so until connect."`
	Open       openCmd       `cmd:"" help:"Open the window, or the page where there is no window."`
	Quit       quitCmd       `cmd:"" help:"Have the resident program end, and wait until it has."`
	Autostart  autostartCmd  `cmd:"" help:"Show whether Gatewatch is started at login, or switch that on or off."`
	Uptime     uptimeCmd     `cmd:"" help:"Show how the time was spent: connected, down, planned, paused, asleep, not observed."`
	Log        logCmd        `cmd:"" help:"Show the connection log."`
	Messages   messagesCmd   `cmd:"" help:"Show what Gateway has said: codes with their texts, how often and when last."`
	Rules      rulesCmd      `cmd:"" help:"Show rules and their states, or activate, deactivate and delete them."`
	Orders     ordersCmd     `cmd:"" help:"Show orders and what has become of them, or cancel them."`
	Arm        armCmd        `cmd:"" help:"Turn trading on: active rules place orders while the guard is open."`
	Disarm     disarmCmd     `cmd:"" help:"Turn trading off: no order leaves."`
	Wait       waitCmd       `cmd:"" help:"Wait until Gatewatch is connected, or its guard open: exit code 0 then, 1 with the reason if not in time or interrupted, 3 if Gatewatch does not run in the end."`
	Guard      guardCmd      `cmd:"" help:"Show whether a bot may trade now: exit code 0 if it may, 1 with the reason if not, 3 if Gatewatch is not running."`
	Alerts     alertsCmd     `cmd:"" help:"Show the status of alert channels, or test them."`
	Secret     secretCmd     `cmd:"" help:"Keep a password, a key or an address in the keyring of this computer."`
	Doctor     doctorCmd     `cmd:"" help:"Look which Gateway or TWS answers, and say what to do."`
	Sim        simCmd        `cmd:"" help:"Run a simulated gateway to test any TWS client against."`
	Version    versionCmd    `cmd:"" help:"Show the version."`

	DeliverAlert deliverCmd `cmd:"" hidden:"" help:"Deliver one alert; the resident program runs this."`

	Diagnostics diagnosticsCmd `cmd:"" help:"Create a report for bug reports (no personal data)."`
}

// exitError ends the program with a code and, if there is one, a text on stderr.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func main() { os.Exit(start(os.Args[1:])) }

func start(args []string) int {
	var c cli
	code := -1
	parser, err := kong.New(
		&c, kong.Name("gatewatch"),
		kong.Description("Keeps one truthful connection to Interactive Brokers' Gateway or TWS."),
		kong.UsageOnError(), kong.Exit(func(n int) {
			if code < 0 {
				code = n
			}
		}),
	)
	if err != nil {
		panic(err) // the command line above is wrong: no input can cause or cure that
	}
	k, err := parser.Parse(args)
	if code >= 0 { // --help has done its work
		return code
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gatewatch:", err)
		fmt.Fprintln(os.Stderr, "gatewatch --help lists the commands and flags.")
		return exitUsage
	}
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	k.BindTo(ctx, (*context.Context)(nil))
	if err = k.Run(&c); err == nil {
		return 0
	}
	code = exitFailed
	var exit *exitError
	if errors.As(err, &exit) {
		code = exit.code
	}
	fmt.Fprintln(os.Stderr, "gatewatch:", err)
	return code
}

// deliverCmd is the process in which the resident program delivers an alert.
type deliverCmd struct{}

func (deliverCmd) Run() error {
	alert.Child(os.Stdin, os.Stdout)
	return nil
}

type versionCmd struct{}

func (versionCmd) Run() error {
	fmt.Println("gatewatch", version)
	return nil
}
