// Command puppet shows the tray that its standard input describes, and says on its standard output what was clicked.
// Tests drive it as a process of its own: the tray library has a data race that the race detector would stop at.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"gatewatch/app/tray"
	"gatewatch/conn"
)

// order is one line of the input.
type order struct {
	Snapshot *conn.Snapshot
	Extra    tray.Extra
	Trouble  bool // clicks on "Open log folder" panic, clicks on "Settings…" never end
}

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ctx, quit := context.WithCancel(context.Background())
	var (
		mu      sync.Mutex
		present order
	)
	now := func() order {
		mu.Lock()
		defer mu.Unlock()
		return present
	}
	changes := make(chan struct{}, 1)
	read := json.NewDecoder(os.Stdin)
	next := func() bool {
		var o order
		if read.Decode(&o) != nil {
			return false
		}
		mu.Lock()
		present = o
		mu.Unlock()
		select {
		case changes <- struct{}{}:
		default:
		}
		return true
	}
	if !next() {
		os.Exit(2)
	}
	go func() {
		for next() {
		}
		quit()
	}()
	p := &puppet{now, changes, quit, log}
	tray.Run(ctx, tray.Config{Connection: p, Program: p, HostWait: 300 * time.Millisecond, Log: log})
	fmt.Println("ended")
}

// puppet is what the tray shows and asks here.
type puppet struct {
	now     func() order
	changes chan struct{}
	quit    func()
	log     *slog.Logger
}

func (p *puppet) Snapshot() *conn.Snapshot             { return p.now().Snapshot }
func (p *puppet) Extra(time.Time) tray.Extra           { return p.now().Extra }
func (p *puppet) Subscribe() (<-chan struct{}, func()) { return p.changes, func() {} }
func (p *puppet) Mute(until time.Time)                 { fmt.Println("mute", until.Format(time.RFC3339)) }
func (p *puppet) NoHost()                              { fmt.Println("no host") }
func (p *puppet) SessionEnds()                         {}

func (p *puppet) Panicked(what any, stack []byte) {
	p.log.Error("panic in the tray", "panic", fmt.Sprint(what), "stack", string(stack))
}

// clicks are what is written for an entry; its name, if there is none.
var clicks = map[tray.Entry]string{
	tray.OpenWindow: "open", tray.CancelAll: "cancel all", tray.Diagnostics: "diagnostics", tray.OpenLogs: "logs",
	tray.LaunchAtLogin: "login",
}

func (p *puppet) Click(e tray.Entry) {
	if e == tray.OpenLogs && p.now().Trouble {
		panic("as planned")
	}
	text, ok := clicks[e]
	if !ok {
		text = e.String()
	}
	fmt.Println(text)
	switch {
	case e == tray.Quit:
		p.quit()
	case e == tray.Settings && p.now().Trouble:
		select {}
	}
}
