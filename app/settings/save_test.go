package settings

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func TestSave(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "new", "settings.json")
	s := Default()
	s.Schema = "https://example.org/a?b&c"
	s.Gateway.Port = 7497
	s.ResetWindows = []ResetWindow{{Preset: "ibkr-europe"}, {Start: "01:00", Minutes: 5}}
	if err := Save(path, s); err != nil {
		t.Fatal(err)
	}
	if got, found, err := Load(path); !found || err != nil || !reflect.DeepEqual(got, s) {
		t.Errorf("reloaded: %v, %v, %+v", found, err, got)
	}

	// What could not be loaded is not saved.
	s.Watchdog.HardSeconds = 1
	var problems Problems
	if err := Save(path, s); !errors.As(err, &problems) {
		t.Errorf("saved bad settings: %v", err)
	}
	if got, _, err := Load(path); err != nil || got.Watchdog.HardSeconds == 1 {
		t.Errorf("after a refused save: %v, %+v", err, got)
	}
	if left, err := filepath.Glob(filepath.Join(folder, "new", "*")); err != nil || len(left) != 1 {
		t.Errorf("files left: %v", left)
	}
}

// TestSaveThroughALink: a file that others could read becomes private, and a link stays a link.
func TestSaveThroughALink(t *testing.T) {
	folder := t.TempDir()
	path, link := filepath.Join(folder, "elsewhere.json"), filepath.Join(folder, "settings.json")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Skip("no links here:", err)
	}
	if err := Save(link, Default()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link became %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got, _, err := Load(path); err != nil || !reflect.DeepEqual(got, Default()) {
		t.Errorf("through the link: %v, %+v", err, got)
	}
}

func TestMarshalIsReadable(t *testing.T) {
	s := Default()
	s.Schema = "a&b"
	s.ResetWindows = []ResetWindow{{Preset: "ibkr-europe"}, {Days: []string{"mon", "tue"}, Start: "01:00", Minutes: 5}}
	text, err := Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"{\n  \"$schema\": \"a&b\",\n",
		"\n    \"delays_seconds\": [1, 2, 5, 15],\n",
		"\n  \"reset_windows\": [\n    \"ibkr-europe\",\n    {\"days\": [\"mon\", \"tue\"], \"start\": \"01:00\", " +
			"\"minutes\": 5}\n  ],\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if text, err := Marshal(Settings{}); err != nil || !strings.Contains(string(text), `"reset_windows": []`) {
		t.Errorf("zero value: %v\n%s", err, text)
	}
}

func TestWriteSchema(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, SchemaRef)
	for range 2 {
		if err := WriteSchema(folder); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != string(Schema()) {
			t.Errorf("schema: %v", err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
