// Command puppet shows the tray as it is told on its standard input, and says on its standard output what was clicked.
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
	say := func(what string) func() { return func() { fmt.Println(what) } }
	tray.Run(ctx, tray.Config{
		View: func(t time.Time) tray.View {
			o := now()
			return tray.ViewOf(o.Snapshot, t, o.Extra)
		},
		Changes:      changes,
		OnOpen:       say("open"),
		OnConnect:    say("connect"),
		OnDisconnect: say("disconnect"),
		OnArm:        say("arm"),
		OnDisarm:     say("disarm"),
		OnCancelAll:  say("cancel all"),
		OnDiagnose:   say("diagnostics"),
		OnMute:       func(until time.Time) { fmt.Println("mute", until.Format(time.RFC3339)) },
		OnOpenLogs: func() {
			if now().Trouble {
				panic("as told")
			}
			fmt.Println("logs")
		},
		OnLogin: say("login"),
		OnSettings: func() {
			fmt.Println("settings")
			if now().Trouble {
				select {}
			}
		},
		OnQuit: func() {
			fmt.Println("quit")
			quit()
		},
		OnNoHost: say("no host"),
		HostWait: 300 * time.Millisecond,
		Log:      log,
	})
	fmt.Println("ended")
}
