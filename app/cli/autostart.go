package cli

import (
	"fmt"

	"gatewatch/app/api"
	"gatewatch/app/autostart"
	"gatewatch/app/wording"
)

// Autostart shows or changes whether Gatewatch starts at login.
type Autostart struct {
	Set  string `arg:"" optional:"" enum:"on,off," default:"" help:"on or off; without it the state is shown."`
	JSON bool   `help:"Print the answer of GET /autostart as it is."`
}

// Run asks the system, which keeps that.
func (a Autostart) Run(p Program) error {
	if a.Set != "" {
		if err := autostart.Set(a.Set == "on", p.Home.Flag); err != nil {
			return err
		}
	}
	s, err := autostart.Status()
	if err != nil {
		return err
	}
	if a.JSON {
		return printJSON(api.AutostartOf(s))
	}
	fmt.Fprintln(Stdout, wording.AtLogin(s))
	return nil
}
