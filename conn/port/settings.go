package port

import (
	"cmp"
	"fmt"
	"maps"
	"time"
)

// Mode says what the port does with orders that it would refuse.
type Mode string

// The modes.
const (
	// Guard refuses them.
	Guard Mode = "guard"
	// Observe forwards everything at once and only records what would have been refused, unless a person has forbidden
	// it: [Settings.Stopped], [ClientOptions.ReadOnly]. Programs get no other message by Gatewatch.
	Observe Mode = "observe"
)

// Settings can be changed while the port runs; see [Port.Configure].
type Settings struct {
	// Port is the number of the port on 127.0.0.1; 0: off.
	Port int
	// Mode is [Guard] or [Observe]; empty: Guard.
	Mode Mode
	// ProofOfLife is how recently Gateway must have been heard when an order leaves; 0: 250 ms. Otherwise the order
	// waits as long for the answer to a time request, which all who wait share. Gateway answers one time request a
	// second, so that it may have to wait for up to a second before it is sent.
	ProofOfLife time.Duration
	// Stopped refuses all orders of all programs: "Stop trading".
	Stopped bool
	// AskAs is the client id with which the port asks Gateway about orders whose program is not connected, over a
	// short connection; 0: it does not ask, and such orders stay as they were known last. It must be one that nothing
	// else uses.
	AskAs int
	// Clients are the options of single client ids.
	Clients map[int]ClientOptions
}

// ClientOptions are settings for the programs with a client id.
type ClientOptions struct {
	CancelOnDisconnect bool // cancel its orders that are not done when its connection to the port ends
	MaxOrdersPerMinute int  // 0: no limit; changes count
	ReadOnly           bool // refuse its orders
	AllowConfig        bool // let it change the settings of Gateway (updateConfig)
}

const (
	defaultProof = 250 * time.Millisecond
	minProof     = 10 * time.Millisecond
	maxProof     = 10 * time.Second
)

// Validate says what is wrong with settings.
func (s Settings) Validate() error {
	switch {
	case s.Port < 0 || s.Port > 65535:
		return fmt.Errorf("port %d: must be 0 to 65535", s.Port)
	case s.AskAs < 0:
		return fmt.Errorf("client id %d: must not be below 0", s.AskAs)
	case s.Mode != "" && s.Mode != Guard && s.Mode != Observe:
		return fmt.Errorf("mode %q: must be %q or %q", s.Mode, Guard, Observe)
	case s.ProofOfLife != 0 && (s.ProofOfLife < minProof || s.ProofOfLife > maxProof):
		return fmt.Errorf("proof of life %v: must be %v to %v", s.ProofOfLife, minProof, maxProof)
	}
	for id, c := range s.Clients {
		if id < 0 || c.MaxOrdersPerMinute < 0 {
			return fmt.Errorf("client id %d: neither it nor its orders per minute may be below 0", id)
		}
	}
	return nil
}

func (s *Settings) proof() time.Duration { return cmp.Or(s.ProofOfLife, defaultProof) }

func (s *Settings) observes() bool { return s.Mode == Observe }

func (s Settings) clone() Settings {
	s.Clients = maps.Clone(s.Clients)
	return s
}
