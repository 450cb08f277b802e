package api

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// MaxSecret is the most bytes that a secret may have: Windows' keyring takes 2560.
const MaxSecret = 2500

// Secret is the body of POST /secrets.
type Secret struct {
	Name  string `json:"name"` // 1 to 100 letters, digits, dots, hyphens and underscores
	Value string `json:"value"`
	// the secret that an address takes the place of; for each "_stored_" in the value it keeps what is there
	Before string `json:"before,omitempty"`
}

// StoredSecret is the answer to POST /secrets.
type StoredSecret struct {
	Reference string `json:"reference"` // what to write in settings.json: keyring:NAME, or file:NAME without a keyring
	Text      string `json:"text"`      // where the secret is, for people
}

// SecretReference is the body of POST /secrets/delete and POST /secrets/address.
type SecretReference struct {
	Reference string `json:"reference"` // keyring:NAME or file:NAME, and env:NAME for an address
}

// Stored reports whether it is the name of a secret that Gatewatch keeps.
func (s *SecretReference) Stored() bool {
	kind, name, ok := strings.Cut(s.Reference, ":")
	return ok && (kind == "keyring" || kind == "file") && secretName.MatchString(name)
}

// SecretAddress is the answer to POST /secrets/address.
type SecretAddress struct {
	// of Telegram, ntfy, Pushover or Discord, with "_stored_" for each secret in it; empty if it is none of them
	Address string `json:"address"`
}

var secretName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)

// CheckSecret returns what is wrong with a secret that is to be stored, nil if nothing is. The error contains no part
// of the value.
func CheckSecret(name, value string) error {
	if !secretName.MatchString(name) {
		return fmt.Errorf("%.120q is not a name for a secret; use 1 to 100 letters, digits, dots, hyphens and "+
			"underscores", name)
	}
	switch {
	case strings.TrimSpace(value) == "":
		return errors.New("the secret is empty; nothing was stored")
	case len(value) > MaxSecret:
		return fmt.Errorf("the secret is longer than %d bytes; nothing was stored", MaxSecret)
	case strings.ContainsAny(value, "\r\n\x00"):
		return errors.New("the secret has more than one line; nothing was stored")
	}
	return nil
}

// StoreSecret stores a secret. It may take most of a minute, if the keyring has to be unlocked.
func (c *Client) StoreSecret(ctx context.Context, secret Secret) (StoredSecret, error) {
	return request[StoredSecret](ctx, c, "/secrets", secret, nil)
}

// SecretAddress asks for the address of a service without its secrets. The error is [ErrNoSecret] if the settings in
// effect do not have the reference.
func (c *Client) SecretAddress(ctx context.Context, reference string) (string, error) {
	a, err := request[SecretAddress](ctx, c, "/secrets/address", SecretReference{reference}, ErrNoSecret)
	return a.Address, err
}

// DeleteSecret removes the secret that a reference names. The error is [ErrNoSecret], or a [*Conflict] if settings use
// it.
func (c *Client) DeleteSecret(ctx context.Context, reference string) error {
	_, err := request[Answer](ctx, c, "/secrets/delete", SecretReference{reference}, ErrNoSecret)
	return err
}
