package settings

import (
	"errors"
	"fmt"
	"io/fs"

	"gatewatch/app/strict"
	"gatewatch/conn"
)

// file is what is said of settings files.
var file = strict.Kind{Name: "settings", Empty: "write {} for the defaults", MaxSize: 1 << 18}

// Problem is one thing wrong in a settings file.
type Problem = strict.Problem

// Problems is the error for a file that breaks the rules: all that is wrong with it, top down, 20 at most.
type Problems = strict.Problems

// Load reads the file at path. Keys it leaves out have their defaults, and so has everything if there is no file:
// then found is false and err nil. An error is [Problems] if the content is at fault; the settings returned beside
// an error are the defaults.
func Load(path string) (s Settings, found bool, err error) {
	data, err := file.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Default(), false, nil
	}
	if err != nil {
		return Default(), true, err
	}
	s, err = Parse(path, data)
	return s, true, err
}

// Parse reads the content of a settings file; name is the file's name in errors. Otherwise it is like [Load].
func Parse(name string, data []byte) (Settings, error) {
	s := Default()
	r := file.Read(name, data, &s)
	relations(r, s)
	if r.Problems() == nil { // what is right key by key is put to those that it is for
		if key, text := s.refusal(); text != "" {
			r.Wrong(key, text)
		}
	}
	if problems := r.Problems(); problems != nil {
		return Default(), problems
	}
	return s, nil
}

// ReadText returns the text of the file at path; found is false and the error nil if there is none.
func ReadText(path string) (text []byte, found bool, err error) { return file.ReadText(path) }

// Check returns what is wrong in the content of a settings file.
func Check(data []byte) (problems Problems) {
	_, err := Parse("settings.json", data)
	errors.As(err, &problems)
	return problems
}

// relations checks what concerns more than one key, if these keys are right one by one.
func relations(r *strict.Reader, s Settings) {
	wrong := func(key, other, text string) {
		if r.Counts(key) && r.Counts(other) {
			r.Wrong(key, text, other)
		}
	}
	switch w, soft := s.Watchdog, "watchdog.soft_seconds"; {
	case w.HardSeconds <= w.SoftSeconds:
		wrong("watchdog.hard_seconds", soft, fmt.Sprintf("%v must exceed %s, which is %v", w.HardSeconds, soft,
			w.SoftSeconds))
	case w.Hard() <= w.Soft():
		wrong("watchdog.hard_seconds", soft, fmt.Sprintf("%v exceeds %s, which is %v, by less than a nanosecond; "+
			"write a larger number", w.HardSeconds, soft, w.SoftSeconds))
	}
	if s.Email.Server != "" && s.Email.From == "" {
		wrong("email.from", "email.server", "is empty, but email.server is set; write the address of the sender")
	}
	if s.Email.Server != "" && len(s.Email.To) == 0 {
		wrong("email.to", "email.server", "is empty, but email.server is set; write the addresses of the receivers")
	}
	programs(wrong, s)
	quiet := func(group, from, until string) {
		from, until = group+from, group+until
		wrong(from, until, "has to be set together with "+until+", or both have to be empty")
	}
	if (s.Notices.QuietFrom == "") != (s.Notices.QuietUntil == "") {
		quiet("notices.", "quiet_from", "quiet_until")
	}
	if (s.Alerts.QuietFrom == "") != (s.Alerts.QuietUntil == "") {
		quiet("alerts.", "quiet_from", "quiet_until")
	}
}

// programs checks what the guarded port has to do with other keys.
func programs(wrong func(key, other, text string), s Settings) {
	g := s.GuardedPort
	switch port := "guarded_port.port"; {
	case g.Port == 0:
	case g.Port == s.API.Port:
		wrong(port, "api.port", "is the port of the API; write another number, such as 4100")
	case g.Port == s.Gateway.Port && conn.Loopback(s.Gateway.Host):
		wrong(port, "gateway.port", "is the port of Gateway itself; write another number, such as 4100")
	}
	seen := map[int]bool{}
	for i, p := range g.Programs {
		key := fmt.Sprintf("guarded_port.programs[%d].client_id", i)
		switch {
		case p.ClientID == s.Gateway.ClientID:
			wrong(key, "gateway.client_id", fmt.Sprintf("%d is the client id of Gatewatch; each program needs its own",
				p.ClientID))
		case seen[p.ClientID]:
			wrong(key, key, fmt.Sprintf("%d is in the list twice; remove one", p.ClientID))
		}
		seen[p.ClientID] = true
	}
}
