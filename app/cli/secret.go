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
	"gatewatch/app/api"
	"gatewatch/app/exit"
	"gatewatch/app/wording"
)

// Secret keeps secrets in the keyring or, where there is none, in a file.
type Secret struct {
	Set    setSecretCmd    `cmd:"" help:"Store a secret in the keyring, or in a file where there is no keyring. The command asks for it, or reads it from standard input."`
	Delete deleteSecretCmd `cmd:"" help:"Remove a secret."`
}

type setSecretCmd struct {
	Name string `arg:"" help:"Name of the secret."`
}

func (s setSecretCmd) Run(p Program) error {
	if err := api.CheckSecret(s.Name, "any"); err != nil { // before it is asked for
		return exit.With(exit.Usage, err)
	}
	value, err := readSecret(s.Name)
	if err != nil {
		return err
	}
	if err := api.CheckSecret(s.Name, value); err != nil {
		return exit.With(exit.Usage, err)
	}
	ref, why, err := p.secrets().Set(s.Name, value)
	if err != nil {
		return err
	}
	fmt.Fprintln(Stdout, wording.SecretStored(p.Home.Secrets(), why))
	fmt.Fprintf(Stdout, "Write %q in settings.json where it is needed.\n", ref)
	return nil
}

func (p Program) secrets() *alert.Secrets { return &alert.Secrets{File: p.Home.Secrets()} }

// readSecret asks for the secret without showing it, or reads it from a pipe.
func readSecret(name string) (string, error) {
	var text []byte
	var err error
	if in := int(os.Stdin.Fd()); term.IsTerminal(in) {
		fmt.Fprintf(os.Stderr, "Secret %s (it is not shown): ", name)
		text, err = term.ReadPassword(in)
		fmt.Fprintln(os.Stderr)
	} else {
		text, err = io.ReadAll(io.LimitReader(bufio.NewReader(os.Stdin), api.MaxSecret+2))
	}
	if err != nil {
		return "", fmt.Errorf("read the secret: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

type deleteSecretCmd struct {
	Name string `arg:"" help:"Name of the secret, or its reference, such as file:NAME."`
}

func (d deleteSecretCmd) Run(p Program) error {
	_, name, whole := strings.Cut(d.Name, ":")
	if !whole {
		name = d.Name
	}
	if err := api.CheckSecret(name, "any"); err != nil {
		return exit.With(exit.Usage, err)
	}
	if err := d.remove(p.secrets(), name, whole); err != nil {
		return err
	}
	fmt.Fprintln(Stdout, "Removed.")
	return nil
}

// remove removes the secret that a whole reference names, or the one with the name in the keyring, else in the file.
func (d deleteSecretCmd) remove(from *alert.Secrets, name string, whole bool) error {
	if whole {
		return from.Delete(d.Name)
	}
	err := from.Delete("keyring:" + name)
	if err == nil {
		return nil
	}
	inFile := from.Delete("file:" + name)
	if errors.Is(inFile, alert.ErrNoSecret) { // it is in neither
		return fmt.Errorf("%w, and %w", inFile, err)
	}
	return inFile
}
