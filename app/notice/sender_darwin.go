package notice

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// NewSender returns the Sender of this desktop: the system's own scripting tool. The script is fixed and the texts are
// its arguments, so nothing in them is ever read as a script. It cannot offer actions or replace a notice.
func NewSender(Options) Sender { return script{} }

type script struct{}

const osascript = "/usr/bin/osascript"

// arguments returns the tool's arguments for a notice.
func arguments(n Notice) []string {
	lines := []string{"on run argv", "display notification (item 2 of argv) with title (item 1 of argv)", "end run"}
	if n.Urgent {
		lines[1] += ` sound name "Basso"`
	}
	var args []string
	for _, l := range lines {
		args = append(args, "-e", l)
	}
	return append(args, argument(n.Title), argument(n.Body))
}

// argument keeps a text from being taken for an option.
func argument(text string) string {
	if strings.HasPrefix(text, "-") || text == "" {
		return " " + text
	}
	return text
}

// Show implements [Sender].
func (script) Show(ctx context.Context, n Notice) error {
	cmd := exec.CommandContext(ctx, osascript, arguments(n)...)
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("send a notification by osascript: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Close implements [Sender].
func (script) Close() error { return nil }
