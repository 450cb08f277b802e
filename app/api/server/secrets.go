package server

import (
	"context"
	"net/http"
	"time"

	"gatewatch/app/api"
	"gatewatch/app/api/jsonhttp"
)

// secretLimit bounds storing and removing a secret: someone may have to unlock the keyring first.
const secretLimit = 40 * time.Second

// SecretsBackend is the part of a [Backend] about secrets.
type SecretsBackend interface {
	// StoreSecret stores a secret that [CheckSecret] accepts, in the place of one with the same name.
	StoreSecret(ctx context.Context, secret api.Secret) (api.StoredSecret, error)
	// SecretAddress returns what [gatewatch/app/alert/serviceurl.Hide] leaves of the secret that a reference in the
	// settings in effect names. It returns ErrNoSecret if they have no such reference.
	SecretAddress(ctx context.Context, reference string) (api.SecretAddress, error)
	// DeleteSecret removes the secret that a reference names. It returns ErrNoSecret, or a Conflict if settings use it.
	DeleteSecret(ctx context.Context, reference string) error
}

func (s *Server) storeSecret(w http.ResponseWriter, r *http.Request) {
	var secret api.Secret
	if !jsonhttp.Decode(w, r, &secret, func() bool { return true }, `{"name": "NAME", "value": "SECRET"}`) {
		return
	}
	if err := api.CheckSecret(secret.Name, secret.Value); err != nil {
		jsonhttp.Fail(w, http.StatusBadRequest, err.Error())
		return
	}
	answer(w, r, secretLimit, http.StatusServiceUnavailable, func(ctx context.Context) (api.StoredSecret, error) {
		return s.backend.StoreSecret(ctx, secret)
	})
}

func (s *Server) secretAddress(w http.ResponseWriter, r *http.Request) {
	var asked api.SecretReference
	if !jsonhttp.Decode(w, r, &asked, func() bool { return asked.Reference != "" }, `{"reference": "keyring:NAME"}`) {
		return
	}
	answer(w, r, secretLimit, http.StatusServiceUnavailable, func(ctx context.Context) (api.SecretAddress, error) {
		return s.backend.SecretAddress(ctx, asked.Reference)
	})
}

func (s *Server) deleteSecret(w http.ResponseWriter, r *http.Request) {
	var asked api.SecretReference
	if !jsonhttp.Decode(w, r, &asked, asked.Stored, `{"reference": "keyring:NAME"}, or file:NAME`) {
		return
	}
	ctx, cancel := jsonhttp.Patient(w, r, secretLimit)
	defer cancel()
	ended(w, s.backend.DeleteSecret(ctx, asked.Reference))
}
