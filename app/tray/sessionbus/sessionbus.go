// Package sessionbus finds the desktop's D-Bus session bus and connects to it. It never starts one: a bus of our own
// would have neither a tray nor anyone to show a notice.
package sessionbus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// Variable is the environment variable that holds the bus's address.
const Variable = "DBUS_SESSION_BUS_ADDRESS"

// errNone means that there is no session bus, as on a server.
var errNone = errors.New("no session bus: " + Variable + " is not set and the runtime directory has no bus socket")

// Address returns the address of the session bus: that of the environment, or the socket in the runtime directory.
func Address() (string, error) {
	switch env := os.Getenv(Variable); {
	case strings.HasPrefix(env, "disabled:"):
		return "", errors.New("the session bus is disabled (" + Variable + ")")
	case env != "" && !strings.HasPrefix(env, "autolaunch:"):
		return env, nil
	}
	for _, dir := range []string{os.Getenv("XDG_RUNTIME_DIR"), "/run/user/" + strconv.Itoa(os.Getuid())} {
		if dir == "" {
			continue
		}
		socket := filepath.Join(dir, "bus")
		if info, err := os.Stat(socket); err == nil && info.Mode()&os.ModeSocket != 0 {
			return "unix:path=" + dbus.EscapeBusAddressValue(socket), nil
		}
	}
	return "", errNone
}

// Dial returns a private connection to the session bus, which the caller closes. It gives up when ctx ends or after the
// limit, whatever the other side does; once it has returned, ctx has no part in the connection any more.
func Dial(ctx context.Context, limit time.Duration) (*dbus.Conn, error) {
	address, err := Address()
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	giveUp := time.AfterFunc(limit, end)
	defer giveUp.Stop()
	stop := context.AfterFunc(ctx, end)
	defer stop()
	c, err := dbus.Connect(address, dbus.WithContext(life))
	if err == nil && life.Err() != nil {
		c.Close()
		err = life.Err()
	}
	if err != nil {
		end()
		return nil, fmt.Errorf("connect to the session bus: %w", err)
	}
	// The connection ends its context itself when it closes.
	context.AfterFunc(c.Context(), end)
	return c, nil
}
