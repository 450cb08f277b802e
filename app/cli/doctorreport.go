package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"gatewatch/app/wording"
	"gatewatch/conn/ib"
)

// doctorReport is what doctor prints with --json.
type doctorReport struct {
	Settings  doctorSettings `json:"settings"`
	Gatewatch doctorProgram  `json:"gatewatch"`
	Secrets   []string       `json:"secrets"` // of alerts that are missing, and what to do
	Ports     []doctorPort   `json:"ports"`
	Ready     bool           `json:"ready"`  // a port has a Gateway or TWS that is ready
	Advice    []string       `json:"advice"` // what to do
}

type doctorSettings struct {
	Path    string `json:"path"`
	Found   bool   `json:"found"`
	Problem string `json:"problem"` // why the file is not used; empty if it is
	Reset   string `json:"reset"`   // suggestion of a reset window; empty if none
}

type doctorProgram struct {
	State       string   `json:"state"` // running, not_running, not_responding or unreachable
	URL         string   `json:"url"`
	Headline    string   `json:"headline"`
	Unsupported string   `json:"unsupported"`
	Problems    []string `json:"problems"` // what does not work of it, and what to do

	secrets []string // that are missing, as it says
}

// doctorPort is what was found at a port.
type doctorPort struct {
	Host          string   `json:"host"`
	Port          int      `json:"port"`
	Ready         bool     `json:"ready"`
	Mode          ib.Mode  `json:"mode"` // paper, live or unknown; of a port that is not ready what it is usually for
	ServerVersion int      `json:"server_version"`
	Accounts      int      `json:"accounts"`
	TookMillis    float64  `json:"took_ms"`
	CauseID       ib.Cause `json:"cause_id"` // why it is not ready
	Code          int      `json:"code"`     // of Gateway's message; 0 if there is none
	Cause         string   `json:"cause"`    // the same for people
	Details       []string `json:"details"`  // what Gateway says of its settings
}

func (d doctorPort) label() string { return fmt.Sprintf("%s:%d", d.Host, d.Port) }

func (d doctorSettings) write(out io.Writer) {
	switch {
	case d.Problem != "":
		fmt.Fprintf(out, "Settings   %s\n", strings.ReplaceAll(d.Problem, "\n", "\n           "))
		fmt.Fprintln(out, "           Looking with the defaults.")
	case d.Found:
		fmt.Fprintf(out, "Settings   %s\n", d.Path)
	default:
		fmt.Fprintf(out, "Settings   none yet, defaults are in effect (%s)\n", d.Path)
	}
	if d.Reset != "" {
		fmt.Fprintf(out, "           %s\n", d.Reset)
	}
}

func (d doctorProgram) write(out io.Writer) {
	switch d.State {
	case "running":
		fmt.Fprintf(out, "Gatewatch  runs at %s: %s\n", d.URL, d.Headline)
	case "not_responding":
		fmt.Fprintf(out, "Gatewatch  %s\n", colored(wrong, "not responding"))
	case "unreachable":
		fmt.Fprintf(out, "Gatewatch  %s\n", colored(wrong, "cannot be reached"))
	default:
		fmt.Fprintln(out, "Gatewatch  not running")
	}
	for _, text := range d.Problems {
		fmt.Fprintf(out, "           %s\n", colored(wrong, text))
	}
	if d.Unsupported != "" {
		fmt.Fprintf(out, "           %s\n", d.Unsupported)
	}
}

func (d doctorPort) write(out io.Writer) {
	mode := wording.Mode(d.Mode)
	if d.Ready {
		fmt.Fprintf(out, "%-16s %s: %s, protocol %d, %s, in %s\n", d.label(), colored(good, "ready"),
			colored(modeColor(d.Mode), cmp.Or(mode, kindNotKnown)), d.ServerVersion,
			wording.Count(d.Accounts, "account", "accounts"),
			wording.Duration(time.Duration(d.TookMillis*float64(time.Millisecond))))
	} else {
		cause := strings.TrimSuffix(d.Cause, ".")
		if mode != "" {
			cause += " (usually " + mode + ")"
		}
		fmt.Fprintf(out, "%-16s %s.\n", d.label(), cause)
	}
	for _, line := range d.Details {
		fmt.Fprintf(out, "%16s %s\n", "", line)
	}
}

func (d doctorReport) writeSecrets(out io.Writer) {
	if len(d.Secrets) == 0 {
		return
	}
	text, _ := wording.Failing(wording.FailingSecrets)
	fmt.Fprintf(out, "Alerts     %s\n", colored(wrong, text))
	for _, one := range d.Secrets {
		fmt.Fprintf(out, "           %s\n", wording.OneLine(one))
	}
}

// writeAdvice says what to do.
func (d doctorReport) writeAdvice(out io.Writer) {
	switch {
	case len(d.Advice) > 0:
		fmt.Fprintln(out, "\nWhat to do:")
		for _, a := range d.Advice {
			fmt.Fprintln(out, "  "+a)
		}
	case d.Ready && (len(d.Secrets) > 0 || len(d.Gatewatch.Problems) > 0 || d.Settings.Problem != ""):
	case d.Ready:
		fmt.Fprintln(out, "\nNothing is wrong here.")
	default:
		fmt.Fprintln(out, "\nNothing answers. What to check:")
		for i, check := range nothingAnswers {
			fmt.Fprintf(out, "  %d. %s\n", i+1, check)
		}
	}
}

// kindNotKnown is what is said of a port whose account is of no known kind.
const kindNotKnown = "kind of account unknown"

// nothingAnswers is what to check if no port answers.
var nothingAnswers = []string{
	"IB Gateway or TWS runs and is logged in.",
	"In its API settings “ActiveX and Socket Clients” is enabled (IB Gateway always has it).",
	"Its socket port is one of those above, or gateway.port in settings.json names it.",
	"It runs on this computer, or gateway.host names the other one and its trusted IPs name this one.",
}
