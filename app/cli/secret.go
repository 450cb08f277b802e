package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"gatewatch/app/alert"
	"gatewatch/app/exit"
)

// Secret keeps secrets in the keyring.
type Secret struct {
	Set    setSecretCmd    `cmd:"" help:"Store a secret in the keyring. It is asked for, or read from standard input."`
	Delete deleteSecretCmd `cmd:"" help:"Remove a secret from the keyring."`
}

type setSecretCmd struct {
	Name string `arg:"" help:"Name of the secret; settings.json refers to it as keyring:NAME."`
}

// maxSecret bounds what is read as a secret; Windows' keyring takes 2560 bytes.
const maxSecret = 2500

func (s setSecretCmd) Run() error {
	if err := checkSecretName(s.Name); err != nil {
		return err
	}
	value, err := readSecret(s.Name)
	if err != nil {
		return err
	}
	if err := alert.SetSecret(s.Name, value); err != nil {
		return err
	}
	fmt.Printf("Stored. Write \"keyring:%s\" in settings.json where it is needed.\n", s.Name)
	return nil
}

// readSecret asks for the secret without showing it, or reads it from a pipe.
func readSecret(name string) (string, error) {
	var text []byte
	var err error
	if in := int(os.Stdin.Fd()); term.IsTerminal(in) {
		fmt.Fprintf(os.Stderr, "Secret %s (it is not shown): ", name)
		text, err = term.ReadPassword(in)
		fmt.Fprintln(os.Stderr)
	} else {
		text, err = io.ReadAll(io.LimitReader(bufio.NewReader(os.Stdin), maxSecret+2))
	}
	if err != nil {
		return "", fmt.Errorf("read the secret: %w", err)
	}
	value := strings.TrimRight(string(text), "\r\n")
	switch {
	case value == "":
		return "", exit.With(exit.Usage, errors.New("the secret is empty; nothing was stored"))
	case len(value) > maxSecret:
		return "", exit.With(exit.Usage, fmt.Errorf("the secret is longer than %d bytes; nothing was stored",
			maxSecret))
	}
	return value, nil
}

type deleteSecretCmd struct {
	Name string `arg:"" help:"Name of the secret."`
}

func (d deleteSecretCmd) Run() error {
	if err := checkSecretName(d.Name); err != nil {
		return err
	}
	if err := alert.DeleteSecret(d.Name); err != nil {
		return err
	}
	fmt.Println("Removed.")
	return nil
}

// checkSecretName refuses a name that settings.json could not refer to.
func checkSecretName(name string) error {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-", r)
	}
	if name == "" || len(name) > 100 || strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return exit.With(exit.Usage, fmt.Errorf("%q is no name for a secret; use letters, digits, dots, hyphens and "+
			"underscores", name))
	}
	return nil
}
