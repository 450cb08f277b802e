package alert

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/zalando/go-keyring"

	"gatewatch/app/strict"
	"gatewatch/app/tray/sessionbus"
)

// keyringService is the name under which secrets stand in the keyring.
const keyringService = "gatewatch"

const (
	// keyringLimit bounds reading from the keyring, which asks another process and may have it ask a person.
	keyringLimit = 10 * time.Second
	// unlockLimit bounds storing in the keyring: someone is there, and may have to unlock it first.
	unlockLimit = 30 * time.Second
)

// ErrNoSecret means that there is no secret with that name to remove. The name follows it.
var ErrNoSecret = errors.New("no secret")

var (
	errKeyringSilent = errors.New("no answer")
	errNoURL         = errors.New("the secret is not a URL; it starts with https://")
)

// Secrets keeps secrets in the keyring of this computer (Windows Credential Manager, macOS Keychain, the Secret Service
// elsewhere). Where that cannot be used, it keeps new ones in File, which only the user can read. Its methods may be
// called from any goroutine.
type Secrets struct {
	File string // path of secrets.json

	mu sync.Mutex // held while the file is changed
}

// Get looks up a reference: keyring:NAME in the keyring, file:NAME in the file, env:NAME in the environment. The error
// says what to do and contains no secret.
func (s *Secrets) Get(ref string) (string, error) {
	kind, name, _ := strings.Cut(ref, ":")
	store := fmt.Sprintf("store it on the Alerts page or with `gatewatch secret set %s`", name)
	switch kind {
	case "env":
		value := os.Getenv(name)
		if value == "" {
			return "", fmt.Errorf("the environment variable %s is not set for Gatewatch; set it where Gatewatch is "+
				"started", name)
		}
		return value, nil
	case "keyring":
		value, err := useKeyring(keyringLimit, func() (string, error) { return keyring.Get(keyringService, name) })
		switch {
		case errors.Is(err, keyring.ErrNotFound):
			return "", fmt.Errorf("the keyring has no secret %s; %s", name, store)
		case err != nil:
			return "", fmt.Errorf("%w; unlock it, or keep the secret in an environment variable and write env:NAME",
				err)
		}
		return value, nil
	case "file":
		list, err := s.read()
		if err == nil && list[name] == "" {
			err = fmt.Errorf("%s has no secret %s; %s", s.File, name, store)
		}
		return list[name], err
	}
	return "", errors.New("no reference to a secret; write keyring:NAME or env:NAME")
}

// Set stores a secret, in the place of one with the same name, and returns the reference to it. If it is in the file,
// why says what is wrong with the keyring. After an error nothing is stored.
func (s *Secrets) Set(name, value string) (ref string, why, err error) {
	_, why = useKeyring(unlockLimit, func() (string, error) { return "", keyring.Set(keyringService, name, value) })
	if why == nil {
		return "keyring:" + name, nil, nil
	}
	err = s.change(func(list map[string]string) error {
		list[name] = value
		return nil
	})
	if err != nil {
		return "", nil, errors.Join(why, err)
	}
	return "file:" + name, why, nil
}

// Delete removes the secret that a reference names. It returns an error that wraps [ErrNoSecret] if there is none.
func (s *Secrets) Delete(ref string) error {
	kind, name, _ := strings.Cut(ref, ":")
	switch kind {
	case "keyring":
		_, err := useKeyring(unlockLimit, func() (string, error) { return "", keyring.Delete(keyringService, name) })
		if errors.Is(err, keyring.ErrNotFound) {
			return fmt.Errorf("the keyring has %w %s", ErrNoSecret, name)
		}
		return err
	case "file":
		return s.change(func(list map[string]string) error {
			if _, ok := list[name]; !ok {
				return fmt.Errorf("%s has %w %s", s.File, ErrNoSecret, name)
			}
			delete(list, name)
			return nil
		})
	}
	return fmt.Errorf("there is %w %s that Gatewatch keeps", ErrNoSecret, ref)
}

// maxSecrets bounds the file of secrets, in bytes.
const maxSecrets = 1 << 20

// read returns the secrets in the file by name; none if there is no file.
func (s *Secrets) read() (map[string]string, error) {
	text, err := strict.Kind{Name: "secrets", MaxSize: maxSecrets}.ReadFile(s.File)
	list := map[string]string{}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return list, nil
	case err != nil:
		return nil, err
	case json.Unmarshal(text, &list) != nil: // its error could contain a part of a secret
		return nil, fmt.Errorf("%s is not a file of secrets; move it away and store the secrets again", s.File)
	}
	return list, nil
}

// change rewrites the file with what do makes of its secrets; without any left it is removed.
func (s *Secrets) change(do func(map[string]string) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	list, err := s.read()
	if err == nil {
		err = do(list)
	}
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return os.Remove(s.File)
	}
	text, err := json.MarshalIndent(list, "", "  ")
	if err == nil {
		err = strict.Save(s.File, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write secrets: %w", err)
	}
	return nil
}

// useKeyring calls the keyring and waits for it no longer than the limit. What is not there is keyring.ErrNotFound; any
// other error means that the keyring cannot be used.
func useKeyring(limit time.Duration, do func() (string, error)) (string, error) {
	unusable := func(err error) (string, error) {
		return "", fmt.Errorf("the keyring of this computer cannot be used (%w)", err)
	}
	if runtime.GOOS != "windows" && runtime.GOOS != "darwin" {
		if _, err := sessionbus.Address(); err != nil { // the library would start a bus, with no keyring on it
			return unusable(err)
		}
	}
	type answer struct {
		value string
		err   error
	}
	c := make(chan answer, 1)
	go func() {
		value, err := do()
		c <- answer{value, err}
	}()
	a := answer{err: errKeyringSilent}
	select {
	case a = <-c:
	case <-time.After(limit):
	}
	if a.err != nil && !errors.Is(a.err, keyring.ErrNotFound) {
		return unusable(a.err)
	}
	return a.value, a.err
}

// services are names of services by the scheme of their address.
var services = map[string]string{
	"discord": "Discord", "gotify": "Gotify", "matrix": "Matrix", "ntfy": "ntfy", "pushover": "Pushover",
	"slack": "Slack", "teams": "Teams", "telegram": "Telegram",
}

// Service returns the name of the service that an address of shoutrrr leads to, "Service" if it is none of the usual.
func Service(address string) string {
	scheme, _, ok := strings.Cut(strings.TrimSpace(address), "://")
	if name := services[strings.ToLower(scheme)]; ok && name != "" {
		return name
	}
	return "Service"
}
