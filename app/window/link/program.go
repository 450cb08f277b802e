package link

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/desktop"
	"gatewatch/app/home"
)

const (
	// quitLimit is how long a program that was asked to quit may take before its process is ended.
	quitLimit = 5 * time.Second
	// startLimit is how long a started program may take until it answers.
	startLimit = 30 * time.Second
)

// Program starts and restarts the resident program, which lies beside this one.
type Program struct {
	Card string   // path of api.json
	Args []string // to start it with
	path string   // of the program; empty: beside this one
}

// Start starts the resident program and returns when it answers. It outlives this process.
func (p Program) Start(ctx context.Context) error {
	path, err := p.beside()
	if err != nil {
		return err
	}
	var said lastLine
	cmd := exec.Command(path, p.Args...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = &said, &said, detached()
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for limit := time.After(startLimit); ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-ended:
			if err == nil { // another one was there first
				return nil
			}
			return fmt.Errorf("%s ended (%w): %s", filepath.Base(path), err, said.text())
		case <-limit:
			return fmt.Errorf("%s does not answer yet", filepath.Base(path))
		case <-time.After(retry / 5):
		}
		if p.answers(ctx) {
			return nil
		}
	}
}

func (p Program) answers(ctx context.Context) bool {
	card, err := home.FindCard(p.Card)
	if err != nil {
		return false
	}
	client := api.NewClient(card)
	defer client.Close()
	_, _, err = client.Status(ctx)
	return err == nil
}

// Restart asks the resident program to quit, ends its process if it does not, and starts it again.
func (p Program) Restart(ctx context.Context) error {
	card, err := home.FindCard(p.Card)
	if err == nil {
		err = p.end(ctx, card)
	}
	if err != nil && !errors.Is(err, api.ErrNotRunning) {
		return err
	}
	return p.Start(ctx)
}

// end ends the program that card names. Its process is ended only while a program holds the lock of the home and the
// card is still the same one: another process could have its id otherwise.
func (p Program) end(ctx context.Context, card api.Card) error {
	client := api.NewClient(card)
	defer client.Close()
	_, err := client.Quit(ctx)
	if errors.Is(err, api.ErrNotRunning) {
		return nil
	}
	if err == nil && p.gone(ctx) {
		return nil
	}
	now, err := home.FindCard(p.Card)
	if err != nil || !home.Claimed(p.Card) {
		return nil // it has ended
	}
	if now != card || card.PID <= 1 || card.PID == os.Getpid() {
		return errors.New("it does not quit, and its process is not known: end it yourself")
	}
	process, err := os.FindProcess(card.PID)
	if err == nil {
		err = process.Kill()
	}
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("process %d cannot be ended: %w", card.PID, err)
	}
	if !p.gone(ctx) {
		return fmt.Errorf("process %d does not end", card.PID)
	}
	return nil
}

// gone waits until no program holds the lock of the home.
func (p Program) gone(ctx context.Context) bool {
	for limit := time.After(quitLimit); home.Claimed(p.Card); {
		select {
		case <-ctx.Done():
			return false
		case <-limit:
			return false
		case <-time.After(retry / 20):
		}
	}
	return true
}

func (p Program) beside() (string, error) {
	if p.path != "" {
		return p.path, nil
	}
	path, err := desktop.Beside("gatewatch")
	if errors.Is(err, exec.ErrNotFound) {
		err = fmt.Errorf("there is no %s; start Gatewatch from your applications", path)
	}
	return path, err
}

// lastLine keeps the last line that a program has said.
type lastLine struct {
	mu   sync.Mutex
	line string
}

func (l *lastLine) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if lines := strings.Split(strings.TrimSpace(string(b)), "\n"); lines[len(lines)-1] != "" {
		l.line = lines[len(lines)-1]
	}
	return len(b), nil
}

func (l *lastLine) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.line
}
