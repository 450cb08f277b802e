package sim_test

import (
	"context"
	"fmt"
	"time"

	"gatewatch/conn"
	"gatewatch/conn/sim"
)

// A gateway that fails in the ways that a client has to survive, and what the simulator records of the client.
func ExampleGateway() {
	ctx := context.Background()
	gateway, err := sim.Start(ctx, sim.Config{Accounts: []string{"DU1234567"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer gateway.Close()
	look := func(what string) {
		found := conn.Look(ctx, "127.0.0.1", gateway.Port(), 7, 30*time.Second)
		if found.Err != nil {
			fmt.Println(what+":", found.Err.Cause, found.Err.Code)
			return
		}
		fmt.Println(what+":", found.Gateway.Mode, "account")
	}

	look("ready")
	gateway.Refuse326(1)
	look("client id in use")
	look("afterwards")
	gateway.Refuse()
	look("not listening")
	fmt.Println(len(gateway.Requests("startApi")), "clients logged in")
	// Output:
	// ready: paper account
	// client id in use: client_id_in_use 326
	// afterwards: paper account
	// not listening: refused 0
	// 3 clients logged in
}
