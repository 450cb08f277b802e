package alert

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"gatewatch/app/tray/sessionbus"
	"gatewatch/app/tray/sessionbus/bustest"
)

// refused expects an error with all words.
func refused(t *testing.T, what string, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("%s: %v, want %q in it", what, err, w)
		}
	}
}

func is(t *testing.T, s *Secrets, ref, want string) {
	t.Helper()
	if got, err := s.Get(ref); err != nil || got != want {
		t.Errorf("%s: %q, %v; want %q", ref, got, err, want)
	}
}

// TestSecretsInKeyring stores, replaces and removes secrets in a Secret Service on a bus of its own.
func TestSecretsInKeyring(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("this keyring is Linux' own")
	}
	bustest.Start(t)
	k := bustest.StartKeyring(t)
	s := &Secrets{File: filepath.Join(t.TempDir(), "secrets.json")}
	for _, value := range []string{"first", "s€cret \"2\""} {
		if ref, why, err := s.Set("mail", value); ref != "keyring:mail" || why != nil || err != nil {
			t.Fatalf("stored as %q, %v, %v", ref, why, err)
		}
		is(t, s, "keyring:mail", value)
	}
	if list := k.Secrets(); len(list) != 1 || list["mail"] != "s€cret \"2\"" {
		t.Errorf("the keyring has %q", list)
	}
	if _, err := os.Stat(s.File); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a file beside the keyring: %v", err)
	}
	_, err := s.Get("keyring:none")
	refused(t, "unset", err, "the keyring has no secret none", "Alerts page", "gatewatch secret set none")

	// Locked it gives nothing away, and what is new goes to the file.
	k.Lock(true)
	_, err = s.Get("keyring:mail")
	refused(t, "locked", err, "cannot be used", "unlock it", "env:NAME")
	ref, why, err := s.Set("slack", "other")
	if ref != "file:slack" || err != nil {
		t.Errorf("stored as %q, %v", ref, err)
	}
	refused(t, "why not in the keyring", why, "cannot be used")
	is(t, s, "file:slack", "other")
	k.Lock(false)

	if err := s.Delete("keyring:mail"); err != nil {
		t.Error(err)
	}
	if err := s.Delete("keyring:mail"); !errors.Is(err, ErrNoSecret) {
		t.Errorf("removed twice: %v", err)
	}
	if list := k.Secrets(); len(list) != 0 {
		t.Errorf("the keyring still has %q", list)
	}
}

// TestSecretsWithoutKeyring: without a keyring, secrets are in a file that only the user can read.
func TestSecretsWithoutKeyring(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("it always has a keyring")
	}
	t.Setenv(sessionbus.Variable, "disabled:")
	s := &Secrets{File: filepath.Join(t.TempDir(), "config", "secrets.json")}
	_, err := s.Get("file:mail")
	refused(t, "no file", err, s.File+" has no secret mail", "gatewatch secret set mail")
	for name, value := range map[string]string{"mail": "first", "hook": "https://x/y"} {
		ref, why, err := s.Set(name, value)
		if ref != "file:"+name || err != nil {
			t.Fatalf("stored as %q, %v", ref, err)
		}
		refused(t, "why not in the keyring", why, "the keyring of this computer cannot be used")
	}
	if _, _, err := s.Set("mail", "second"); err != nil {
		t.Fatal(err)
	}
	is(t, s, "file:mail", "second")
	is(t, &Secrets{File: s.File}, "file:hook", "https://x/y")
	if info, err := os.Stat(s.File); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("permissions %v, %v", info.Mode(), err)
	}
	for _, ref := range []string{"file:mail", "file:hook"} {
		if err := s.Delete(ref); err != nil {
			t.Error(err)
		}
	}
	if err := s.Delete("file:hook"); !errors.Is(err, ErrNoSecret) {
		t.Errorf("removed twice: %v", err)
	}
	if err := s.Delete("env:HOOK"); !errors.Is(err, ErrNoSecret) {
		t.Errorf("removed from the environment: %v", err)
	}
	if _, err := os.Stat(s.File); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty file is left: %v", err)
	}

	// A file that cannot be read is neither overwritten nor quoted.
	if err := os.WriteFile(s.File, []byte(`{"mail": topsecret`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = s.Get("file:mail")
	refused(t, "damaged", err, "is not a file of secrets")
	if _, _, setErr := s.Set("mail", "third"); setErr == nil {
		t.Error("a damaged file was overwritten")
	} else if strings.Contains(err.Error()+setErr.Error(), "topsecret") {
		t.Errorf("the error quotes the file: %v", setErr)
	}
}

func TestSecretsInEnvironment(t *testing.T) {
	s := &Secrets{}
	t.Setenv("GATEWATCH_TEST_SECRET", "value")
	is(t, s, "env:GATEWATCH_TEST_SECRET", "value")
	_, err := s.Get("env:GATEWATCH_TEST_NONE")
	refused(t, "unset", err, "GATEWATCH_TEST_NONE is not set for Gatewatch")
	_, err = s.Get("plain")
	refused(t, "no reference", err, "keyring:NAME or env:NAME")
}

func TestService(t *testing.T) {
	for address, want := range map[string]string{
		"telegram://1:a@telegram?chats=2": "Telegram", " Discord://t@1": "Discord", "ntfy://ntfy.sh/topic": "ntfy",
		"pushover://:t@u/": "Pushover", "https://example.com": "Service", "": "Service", "telegram": "Service",
	} {
		if got := Service(address); got != want {
			t.Errorf("%q leads to %s, want %s", address, got, want)
		}
	}
}
