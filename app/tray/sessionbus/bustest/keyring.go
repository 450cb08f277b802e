package bustest

import (
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"
)

// Keyring is the part of a desktop that keeps secrets, a Secret Service. It keeps them in memory.
type Keyring struct {
	bus *dbus.Conn

	mu     sync.Mutex
	locked bool
	made   int
	items  map[dbus.ObjectPath]*keyringItem
}

type keyringItem struct {
	attributes map[string]string
	secret     keyringSecret
}

// keyringSecret is a secret on the bus.
type keyringSecret struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

const (
	secretsPath  = "/org/freedesktop/secrets"
	secretsIface = "org.freedesktop.Secret."
	sessionPath  = secretsPath + "/session/1"
	noPrompt     = dbus.ObjectPath("/")
)

// StartKeyring keeps secrets on the test's bus until the test ends.
func StartKeyring(t testing.TB) *Keyring {
	t.Helper()
	k := &Keyring{bus: Connect(t), items: map[dbus.ObjectPath]*keyringItem{}}
	for path, object := range map[dbus.ObjectPath]struct {
		iface string
		value any
	}{
		secretsPath:                      {"Service", keyringService{k}},
		secretsPath + "/aliases/default": {"Collection", keyringCollection{k}},
		sessionPath:                      {"Session", keyringSession{}},
	} {
		if err := k.bus.Export(object.value, path, secretsIface+object.iface); err != nil {
			t.Fatal(err)
		}
	}
	got, err := k.bus.RequestName("org.freedesktop.secrets", dbus.NameFlagDoNotQueue)
	if err != nil || got != dbus.RequestNameReplyPrimaryOwner {
		t.Fatal(got, err)
	}
	return k
}

// Lock has the keyring refuse everything, or no longer.
func (k *Keyring) Lock(yes bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.locked = yes
}

// Secrets returns all secrets by their names.
func (k *Keyring) Secrets() map[string]string {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := map[string]string{}
	for _, i := range k.items {
		list[i.attributes["username"]] = string(i.secret.Value)
	}
	return list
}

type keyringService struct{ k *Keyring }

// OpenSession is called by clients first.
func (s keyringService) OpenSession(string, dbus.Variant) (dbus.Variant, dbus.ObjectPath, *dbus.Error) {
	return dbus.MakeVariant(""), sessionPath, nil
}

// Unlock is called by clients before each use.
func (s keyringService) Unlock(list []dbus.ObjectPath) ([]dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	s.k.mu.Lock()
	defer s.k.mu.Unlock()
	if s.k.locked {
		return nil, noPrompt, dbus.NewError(secretsIface+"Error.IsLocked", nil)
	}
	return list, noPrompt, nil
}

type keyringSession struct{}

// Close is called by clients last.
func (keyringSession) Close() *dbus.Error { return nil }

type keyringCollection struct{ k *Keyring }

// SearchItems returns the items that have all of the attributes.
func (c keyringCollection) SearchItems(wanted map[string]string) ([]dbus.ObjectPath, *dbus.Error) {
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	return c.k.search(wanted), nil
}

func (k *Keyring) search(wanted map[string]string) []dbus.ObjectPath {
	found := []dbus.ObjectPath{}
	for path, i := range k.items {
		if maps.Equal(i.attributes, wanted) {
			found = append(found, path)
		}
	}
	return found
}

// CreateItem stores a secret, in the place of one with the same attributes.
func (c keyringCollection) CreateItem(properties map[string]dbus.Variant, secret keyringSecret, _ bool) (
	dbus.ObjectPath, dbus.ObjectPath, *dbus.Error,
) {
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	attributes, _ := properties[secretsIface+"Item.Attributes"].Value().(map[string]string)
	for _, path := range c.k.search(attributes) {
		c.k.items[path].secret = secret
		return path, noPrompt, nil
	}
	c.k.made++
	path := dbus.ObjectPath(fmt.Sprintf("%s/collection/login/%d", secretsPath, c.k.made))
	c.k.items[path] = &keyringItem{attributes, secret}
	if err := c.k.bus.Export(keyringEntry{c.k, path}, path, secretsIface+"Item"); err != nil {
		return noPrompt, noPrompt, dbus.MakeFailedError(err)
	}
	return path, noPrompt, nil
}

type keyringEntry struct {
	k    *Keyring
	path dbus.ObjectPath
}

// GetSecret returns the secret of an item.
func (e keyringEntry) GetSecret(session dbus.ObjectPath) (keyringSecret, *dbus.Error) {
	e.k.mu.Lock()
	defer e.k.mu.Unlock()
	i, ok := e.k.items[e.path]
	if !ok {
		return keyringSecret{}, dbus.NewError(secretsIface+"Error.NoSuchObject", nil)
	}
	secret := i.secret
	secret.Session = session
	return secret, nil
}

// Delete removes an item.
func (e keyringEntry) Delete() (dbus.ObjectPath, *dbus.Error) {
	e.k.mu.Lock()
	defer e.k.mu.Unlock()
	delete(e.k.items, e.path)
	return noPrompt, nil
}
