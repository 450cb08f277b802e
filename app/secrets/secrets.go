// Package secrets stores the secrets that settings refer to, and knows which of them are missing.
package secrets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"gatewatch/app/alert"
	"gatewatch/app/alert/serviceurl"
	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/app/wording"
	"gatewatch/conn/nudge"
)

// retry is the time after which a missing secret is looked up again: another program may have stored it.
const retry = 10 * time.Second

// Secrets are those that the settings in effect refer to, and others that are stored.
type Secrets struct {
	store  *alert.Secrets
	failed func(error) (news bool)
	log    *slog.Logger
	wake   chan struct{} // settings or secrets have changed

	mu    sync.Mutex
	refs  []settings.Reference // of the settings in effect
	found map[string]Found
}

// Found is what is known of a secret, but for the secret.
type Found struct {
	Service string // that it is the address of
	Err     error  // why it cannot be had
}

// New returns secrets kept in store. It calls failed with what is wrong while some are missing, and with nil after
// that; failed reports whether that is news.
func New(store *alert.Secrets, failed func(error) (news bool), log *slog.Logger) *Secrets {
	return &Secrets{store: store, failed: failed, log: log, wake: make(chan struct{}, 1)}
}

// Configure takes in the references of the settings that are in effect from now on.
func (s *Secrets) Configure(refs []settings.Reference) {
	s.mu.Lock()
	s.refs = refs
	s.mu.Unlock()
	nudge.Send(s.wake)
}

// References returns those of the settings in effect.
func (s *Secrets) References() []settings.Reference {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refs
}

// Of returns what is known of the secret that a reference names; the zero value before it was looked up.
func (s *Secrets) Of(ref string) Found {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.found[ref]
}

// Get returns the secret that a reference names.
func (s *Secrets) Get(ref string) (string, error) { return s.store.Get(ref) }

// lookUp looks up secrets, all at a time, because a keyring may be slow.
func lookUp(store *alert.Secrets, refs []settings.Reference) map[string]Found {
	list := make([]Found, len(refs))
	var all sync.WaitGroup
	for i, r := range refs {
		all.Go(func() {
			value, err := store.Get(r.Ref)
			list[i] = Found{alert.Service(value), err}
		})
	}
	all.Wait()
	found := map[string]Found{}
	for i, r := range refs {
		found[r.Ref] = list[i]
	}
	return found
}

// Watch notes which secrets are missing, when settings or secrets have changed, and again while one is missing. It
// returns when ctx ends.
func (s *Secrets) Watch(ctx context.Context) {
	for ctx.Err() == nil {
		refs := s.References()
		found := lookUp(s.store, refs)
		s.mu.Lock()
		s.found = found
		s.mu.Unlock()
		missing := unset(refs, found)
		var again <-chan time.Time
		if len(missing) > 0 {
			again = time.After(retry)
		}
		s.say(missing)
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-again:
		}
	}
}

func (s *Secrets) say(missing map[string]string) {
	var err error
	if len(missing) > 0 {
		err = errors.New(strings.Join(inWords(missing), ". "))
	}
	switch news := s.failed(err); {
	case news && err != nil:
		s.log.Error("secrets of alerts are missing", "err", err)
	case news:
		s.log.Info("no secret of alerts is missing any more")
	}
}

// Missing says which secrets of references are missing, and why.
func Missing(store *alert.Secrets, refs []settings.Reference) []string {
	return inWords(unset(refs, lookUp(store, refs)))
}

func inWords(missing map[string]string) []string {
	lines := []string{}
	for key, text := range missing {
		lines = append(lines, key+": "+text)
	}
	slices.Sort(lines)
	return lines
}

// unset returns by key what is wrong with references.
func unset(refs []settings.Reference, found map[string]Found) map[string]string {
	list := map[string]string{}
	for _, r := range refs {
		if err := found[r.Ref].Err; err != nil {
			list[r.Key] = err.Error()
		}
	}
	return list
}

// Check returns settings.Problems if new settings refer to a secret that cannot be had, nil otherwise. References that
// the settings in effect have, too, do not count: what is missing already must not prevent saving the rest.
func (s *Secrets) Check(text []byte, new settings.Settings) error {
	before := s.References()
	refs := slices.DeleteFunc(new.References(), func(r settings.Reference) bool {
		return slices.ContainsFunc(before, func(o settings.Reference) bool { return o.Ref == r.Ref })
	})
	if problems := settings.ProblemsAt("settings.json", text, unset(refs, lookUp(s.store, refs))); problems != nil {
		return problems
	}
	return nil
}

// StoreSecret stores a secret, in the place of one with the same name.
func (s *Secrets) StoreSecret(_ context.Context, secret api.Secret) (api.StoredSecret, error) {
	name, value := secret.Name, secret.Value
	if secret.Before != "" {
		before, err := s.inUse(secret.Before)
		if err == nil {
			value, err = serviceurl.PutBack(value, before)
		}
		if err == nil {
			err = api.CheckSecret(name, value)
		}
		if err != nil {
			return api.StoredSecret{}, err
		}
	}
	ref, why, err := s.store.Set(name, value)
	if err != nil {
		s.log.Error("a secret cannot be stored", "err", err)
		return api.StoredSecret{}, err
	}
	s.log.Info("a secret was stored", "place", strings.TrimSuffix(ref, ":"+name))
	nudge.Send(s.wake)
	return api.StoredSecret{Reference: ref, Text: wording.SecretStored(s.store.File, why)}, nil
}

// SecretAddress returns what is not secret in the address that a reference in the settings in effect names.
func (s *Secrets) SecretAddress(_ context.Context, ref string) (a api.SecretAddress, err error) {
	value, err := s.inUse(ref)
	return api.SecretAddress{Address: serviceurl.Hide(value)}, err
}

// inUse returns the secret of a reference, if the settings in effect have that: others are no one's to ask for.
func (s *Secrets) inUse(ref string) (string, error) {
	if !slices.ContainsFunc(s.References(), func(r settings.Reference) bool { return r.Ref == ref }) {
		return "", fmt.Errorf("%w: the settings in effect do not refer to %.120q", api.ErrNoSecret, ref)
	}
	return s.store.Get(ref)
}

// DeleteSecret removes the secret that a reference names, unless the settings in effect have that reference.
func (s *Secrets) DeleteSecret(_ context.Context, ref string) error {
	for _, r := range s.References() {
		if r.Ref == ref {
			return &api.Conflict{Reason: fmt.Sprintf("%s is in use (%s); remove it from the settings first", ref,
				r.Key)}
		}
	}
	err := s.store.Delete(ref)
	if errors.Is(err, alert.ErrNoSecret) {
		return fmt.Errorf("%w: %s", api.ErrNoSecret, ref)
	}
	return err
}
