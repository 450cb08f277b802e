package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"gatewatch/app/alert"
	"gatewatch/app/wording"
)

type alertsCmd struct {
	List listAlertsCmd `cmd:"" default:"withargs" help:"Show the channels, what waits and what went wrong last (the default)."`
	Test testAlertsCmd `cmd:"" help:"Send a test message."`
}

type listAlertsCmd struct {
	JSON bool `help:"Print the answer of GET /alerts as it is."`
}

func (l listAlertsCmd) Run(ctx context.Context, c *cli) error {
	client, err := c.resident()
	if err != nil {
		return err
	}
	list, err := client.Alerts(ctx)
	if err != nil {
		return residentError(err)
	}
	if l.JSON {
		return printJSON(list)
	}
	if len(list.Channels) == 0 {
		fmt.Println("No channel is set up. See the keys email, slack, webhook, alerts and heartbeat in settings.json.")
		return nil
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "Channel\tService\tWaiting\tSent\tLast sent\tLast error")
	for _, one := range list.Channels {
		last, wrong := "–", "–"
		if one.LastSentAt != nil {
			last = one.LastSentAt.Local().Format("Mon 15:04:05")
		}
		if one.LastError != "" {
			wrong = wording.OneLine(one.LastError)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\n", one.Name, wording.OneLine(one.Service), one.Queued, one.Sent, last, wrong)
	}
	return w.Flush()
}

func printJSON(v any) error {
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

type testAlertsCmd struct {
	Channel string `arg:"" optional:"" help:"Channel to test, such as email; without it, all."`
}

func (t testAlertsCmd) Run(ctx context.Context, c *cli) error {
	client, err := c.resident()
	if err != nil {
		return err
	}
	test, err := client.TestAlerts(ctx, t.Channel)
	if err != nil {
		return residentError(err)
	}
	failed := 0
	for _, one := range test.Results {
		if one.OK {
			fmt.Printf("%s: sent\n", one.Channel)
			continue
		}
		failed++
		fmt.Printf("%s: %s\n", one.Channel, wording.OneLine(one.Error))
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d channels failed", failed, len(test.Results))
	}
	return nil
}

type secretCmd struct {
	Set    setSecretCmd    `cmd:"" help:"Store a secret in the keyring. It is asked for, or read from standard input."`
	Delete deleteSecretCmd `cmd:"" help:"Remove a secret from the keyring."`
}

type setSecretCmd struct {
	Name string `arg:"" help:"Name of the secret; settings.json refers to it as keyring:NAME."`
}

// maxSecret bounds what is read as a secret; Windows' keyring takes 2560 bytes.
const maxSecret = 2500

func (s setSecretCmd) Run() error {
	if err := checkSecretName(s.Name); err != nil {
		return err
	}
	value, err := readSecret(s.Name)
	if err != nil {
		return err
	}
	if err := alert.SetSecret(s.Name, value); err != nil {
		return err
	}
	fmt.Printf("Stored. Write \"keyring:%s\" in settings.json where it is needed.\n", s.Name)
	return nil
}

// readSecret asks for the secret without showing it, or reads it from a pipe.
func readSecret(name string) (string, error) {
	var text []byte
	var err error
	if in := int(os.Stdin.Fd()); term.IsTerminal(in) {
		fmt.Fprintf(os.Stderr, "Secret %s (it is not shown): ", name)
		text, err = term.ReadPassword(in)
		fmt.Fprintln(os.Stderr)
	} else {
		text, err = io.ReadAll(io.LimitReader(bufio.NewReader(os.Stdin), maxSecret+2))
	}
	if err != nil {
		return "", fmt.Errorf("read the secret: %w", err)
	}
	value := strings.TrimRight(string(text), "\r\n")
	switch {
	case value == "":
		return "", &exitError{exitUsage, errors.New("the secret is empty; nothing was stored")}
	case len(value) > maxSecret:
		return "", &exitError{exitUsage, fmt.Errorf("the secret is longer than %d bytes; nothing was stored", maxSecret)}
	}
	return value, nil
}

type deleteSecretCmd struct {
	Name string `arg:"" help:"Name of the secret."`
}

func (d deleteSecretCmd) Run() error {
	if err := checkSecretName(d.Name); err != nil {
		return err
	}
	if err := alert.DeleteSecret(d.Name); err != nil {
		return err
	}
	fmt.Println("Removed.")
	return nil
}

// checkSecretName refuses a name that settings.json could not refer to.
func checkSecretName(name string) error {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-", r)
	}
	if name == "" || len(name) > 100 || strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return &exitError{exitUsage, fmt.Errorf("%q is no name for a secret; use letters, digits, dots, hyphens and underscores", name)}
	}
	return nil
}

// parseSince reads the start of a time: a length before now such as 90m, 24h or 7d, a local date or date and time, or
// a time in RFC 3339.
func parseSince(text string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(days, "%d", &n); err == nil && fmt.Sprint(n) == days && n >= 0 && n < 100_000 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", "2006-01-02T15:04", time.DateTime} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	return time.Time{}, &exitError{exitUsage, fmt.Errorf("--since %q is not understood; write a length such as 90m, 24h or 7d, or a time such as 2026-11-23 or \"2026-11-23 09:30\"", text)}
}
