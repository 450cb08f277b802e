package tray

import (
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/windows/registry"
)

// TestReadIcons reads a key of the kind that Windows 11 has.
func TestReadIcons(t *testing.T) {
	const path = `Software\GatewatchTestOfIcons`
	check := func(errs ...error) {
		if err := errors.Join(errs...); err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	if got, err := readIcons(path); got != nil || err != nil {
		t.Fatalf("without the key: %v, %v", got, err)
	}
	root, _, err := registry.CreateKey(registry.CURRENT_USER, path, registry.ALL_ACCESS)
	check(err)
	defer func() { check(root.Close(), registry.DeleteKey(registry.CURRENT_USER, path)) }()
	for name, fill := range map[string]func(registry.Key) error{
		"100": func(k registry.Key) error { return k.SetStringValue("ExecutablePath", `C:\a.exe`) },
		"200": func(k registry.Key) error {
			return errors.Join(k.SetStringValue("ExecutablePath", `C:\b.exe`), k.SetDWordValue("IsPromoted", 1))
		},
		"300": func(k registry.Key) error {
			return errors.Join(k.SetStringValue("ExecutablePath", `C:\c.exe`), k.SetStringValue("IsPromoted", "yes"))
		},
		"400": func(k registry.Key) error { return k.SetDWordValue("IsPromoted", 1) },
	} {
		key, _, err := registry.CreateKey(root, name, registry.ALL_ACCESS)
		check(err)
		check(fill(key), key.Close())
		defer registry.DeleteKey(root, name)
	}
	got, err := readIcons(path)
	want := []iconSetting{{`C:\a.exe`, false}, {`C:\b.exe`, true}, {`C:\c.exe`, false}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}
