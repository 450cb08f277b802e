package resident

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
)

// secretsRetry is the time after which a missing secret is looked up again: another program may have stored it.
const secretsRetry = 10 * time.Second

// secrets stores the secrets that settings refer to, and knows which of them are missing.
type secrets struct {
	store    *alert.Secrets
	failures *failures
	log      *slog.Logger
	wake     chan struct{} // settings or secrets have changed

	mu    sync.Mutex
	refs  []settings.Reference // of the settings in effect
	found map[string]foundSecret
}

// foundSecret is what is known of a secret without telling it.
type foundSecret struct {
	service string // that it is the address of
	err     error  // why it cannot be had
}

// configure takes in the references of the settings that are in effect from now on.
func (s *secrets) configure(refs []settings.Reference) {
	s.mu.Lock()
	s.refs = refs
	s.mu.Unlock()
	s.nudge()
}

func (s *secrets) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *secrets) references() []settings.Reference {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refs
}

// of returns what is known of the secret that a reference names; the zero value before it was looked up.
func (s *secrets) of(ref string) foundSecret {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.found[ref]
}

// look looks up secrets, all at a time, because a keyring may be slow.
func (s *secrets) look(refs []settings.Reference) map[string]foundSecret {
	list := make([]foundSecret, len(refs))
	var all sync.WaitGroup
	for i, r := range refs {
		all.Go(func() {
			value, err := s.store.Get(r.Ref)
			list[i] = foundSecret{alert.Service(value), err}
		})
	}
	all.Wait()
	found := map[string]foundSecret{}
	for i, r := range refs {
		found[r.Ref] = list[i]
	}
	return found
}

// watch notes which secrets are missing, when settings or secrets have changed, and again while one is missing.
func (s *secrets) watch(ctx context.Context) {
	for ctx.Err() == nil {
		refs := s.references()
		found := s.look(refs)
		s.mu.Lock()
		s.found = found
		s.mu.Unlock()
		missing := unset(refs, found)
		var again <-chan time.Time
		if len(missing) > 0 {
			again = time.After(secretsRetry)
		}
		s.say(missing)
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-again:
		}
	}
}

func (s *secrets) say(missing map[string]string) {
	var err error
	if len(missing) > 0 {
		var lines []string
		for key, text := range missing {
			lines = append(lines, key+": "+text)
		}
		slices.Sort(lines)
		err = errors.New(strings.Join(lines, ". "))
	}
	switch news := s.failures.set(wording.FailingSecrets, err); {
	case news && err != nil:
		s.log.Error("secrets of alerts are missing", "err", err)
	case news:
		s.log.Info("no secret of alerts is missing any more")
	}
}

// unset returns by key what is wrong with references.
func unset(refs []settings.Reference, found map[string]foundSecret) map[string]string {
	list := map[string]string{}
	for _, r := range refs {
		if err := found[r.Ref].err; err != nil {
			list[r.Key] = err.Error()
		}
	}
	return list
}

// refuse returns settings.Problems if new settings refer to a secret that cannot be had, nil otherwise. References that
// the settings in effect have, too, do not count: what is missing already must not keep anybody from saving the rest.
func (s *secrets) refuse(text []byte, new settings.Settings) error {
	before := s.references()
	refs := slices.DeleteFunc(new.References(), func(r settings.Reference) bool {
		return slices.ContainsFunc(before, func(o settings.Reference) bool { return o.Ref == r.Ref })
	})
	if problems := settings.ProblemsAt("settings.json", text, unset(refs, s.look(refs))); problems != nil {
		return problems
	}
	return nil
}

// StoreSecret stores a secret, in the place of one with the same name.
func (s *secrets) StoreSecret(_ context.Context, secret api.Secret) (api.StoredSecret, error) {
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
	s.nudge()
	return api.StoredSecret{Reference: ref, Text: wording.SecretStored(s.store.File, why)}, nil
}

// SecretAddress returns what is not secret in the address that a reference in the settings in effect names.
func (s *secrets) SecretAddress(_ context.Context, ref string) (a api.SecretAddress, err error) {
	value, err := s.inUse(ref)
	return api.SecretAddress{Address: serviceurl.Hide(value)}, err
}

// inUse returns the secret of a reference, if the settings in effect have that: others are no one's to ask for.
func (s *secrets) inUse(ref string) (string, error) {
	if !slices.ContainsFunc(s.references(), func(r settings.Reference) bool { return r.Ref == ref }) {
		return "", fmt.Errorf("%w: the settings in effect do not refer to %.120q", api.ErrNoSecret, ref)
	}
	return s.store.Get(ref)
}

// DeleteSecret removes the secret that a reference names, unless the settings in effect have that reference.
func (s *secrets) DeleteSecret(_ context.Context, ref string) error {
	for _, r := range s.references() {
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
