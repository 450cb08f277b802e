package alert

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/zalando/go-keyring"
)

// keyringService is the name under which secrets stand in the keyring.
const keyringService = "gatewatch"

// keyringLimit bounds a call to the keyring, which asks another process and may have it ask a person.
const keyringLimit = 10 * time.Second

var errKeyringSilent = errors.New("no answer")

// Secret looks up a reference: keyring:NAME in the keyring of this computer (Windows Credential Manager, macOS
// Keychain, the Secret Service elsewhere), env:NAME in the environment. The error says what to do.
func Secret(ref string) (string, error) {
	kind, name, _ := strings.Cut(ref, ":")
	switch kind {
	case "env":
		value := os.Getenv(name)
		if value == "" {
			return "", fmt.Errorf("the environment variable %s is not set for Gatewatch; set it where Gatewatch is "+
				"started", name)
		}
		return value, nil
	case "keyring":
		value, err := bounded(func() (string, error) { return keyring.Get(keyringService, name) })
		switch {
		case errors.Is(err, keyring.ErrNotFound):
			return "", fmt.Errorf("the keyring has no secret %s; store it with `gatewatch secret set %s`", name, name)
		case err != nil:
			return "", keyringError(err)
		}
		return value, nil
	}
	return "", errors.New("no reference to a secret; write keyring:NAME or env:NAME")
}

// SetSecret stores a secret in the keyring, in the place of one with the same name.
func SetSecret(name, value string) error {
	_, err := bounded(func() (string, error) { return "", keyring.Set(keyringService, name, value) })
	if err != nil {
		return keyringError(err)
	}
	return nil
}

// DeleteSecret removes a secret from the keyring.
func DeleteSecret(name string) error {
	_, err := bounded(func() (string, error) { return "", keyring.Delete(keyringService, name) })
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return fmt.Errorf("the keyring has no secret %s", name)
	case err != nil:
		return keyringError(err)
	}
	return nil
}

func keyringError(err error) error {
	return fmt.Errorf("the keyring of this computer cannot be used (%w); unlock it, or keep the secret in an "+
		"environment variable and write env:NAME", err)
}

// bounded calls f and waits for it no longer than the limit.
func bounded(f func() (string, error)) (string, error) {
	type answer struct {
		value string
		err   error
	}
	c := make(chan answer, 1)
	go func() {
		value, err := f()
		c <- answer{value, err}
	}()
	select {
	case a := <-c:
		return a.value, a.err
	case <-time.After(keyringLimit):
		return "", errKeyringSilent
	}
}
