package conn_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

// A connection that Gateway drops once, and that comes back by itself.
func ExampleSupervisor() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	gateway, err := sim.Start(ctx, sim.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer gateway.Close()
	sup, err := conn.New(conn.Config{
		Host: "127.0.0.1", Port: gateway.Port(), ClientID: 1, Mode: ib.Paper, ConnectTimeout: 5 * time.Second,
		Poll: time.Second, Soft: 3 * time.Second, Hard: 15 * time.Second, Delays: []time.Duration{time.Second},
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		return
	}
	events, end := sup.Events()
	defer end()
	var running sync.WaitGroup
	defer running.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	running.Go(func() { sup.Run(ctx) })

	for {
		e, ok := events.Next(ctx)
		if !ok {
			return
		}
		switch e.Kind {
		case conn.EventConnected:
			fmt.Println("connected, session", e.Session)
			if e.Session > 1 {
				return
			}
			gateway.Drop()
		case conn.EventLost:
			fmt.Println("lost:", e.Cause)
		}
	}
	// Output:
	// connected, session 1
	// lost: closed
	// connected, session 2
}
