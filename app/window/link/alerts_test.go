package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"

	"gatewatch/app/api"
	"gatewatch/app/api/server"
	"gatewatch/app/home"
	"gatewatch/app/settings"
)

// desk is a backend with a settings file and a place for secrets.
type desk struct {
	backend
	text    string
	changes int   // how often someone else saves just before
	refused error // settings are
}

func (d *desk) StoreSecret(_ context.Context, s api.Secret) (api.StoredSecret, error) {
	return api.StoredSecret{Reference: "file:" + s.Name, Text: "Stored in a file."}, d.ask("store " + s.Name)
}

func (d *desk) DeleteSecret(_ context.Context, ref string) error { return d.ask("remove " + ref) }

func (d *desk) SettingsText() (api.FileText, string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return api.FileText{Found: true, Text: d.text, Problems: []settings.Problem{}}, api.TagOf([]byte(d.text)), nil
}

func (d *desk) SaveSettings(_ context.Context, body []byte, tag string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changes > 0 {
		d.changes--
		d.text = fmt.Sprintf(`{"gateway": {"port": %d}}`, 100+d.changes)
	}
	if tag != api.TagOf([]byte(d.text)) {
		return api.ErrChanged
	}
	if d.refused == nil {
		d.text = string(body)
	}
	return d.refused
}

// TestChangeAlerts: an edit applies to the file as it is, whoever else saves, and no secret is left of one that fails.
func TestChangeAlerts(t *testing.T) {
	edit := func(s *settings.Settings, refs []string) { s.Webhook.URL, s.Webhook.SigningKey = refs[0], refs[1] }
	secrets := []api.Secret{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}}
	for name, c := range map[string]struct {
		text    string
		changes int
		refused error
		fails   string   // how the error begins
		asked   []string // after a and b were stored
		port    int      // in the file
	}{
		"saved":         {`{"gateway": {"port": 7}}`, 0, nil, "", []string{"remove keyring:old"}, 7},
		"saved by both": {"{}", 2, nil, "", []string{"remove keyring:old"}, 100},
		"always saved by another": {
			"{}", 9, nil, api.ErrChanged.Error(), []string{"remove file:a", "remove file:b"}, 106,
		},
		"refused": {
			"{}", 0,
			settings.Problems{{Key: "webhook.url", Text: "is bad"}},
			"settings.json:0:0: webhook.url: is bad",
			[]string{"remove file:a", "remove file:b"},
			0,
		},
		"a file at fault": {
			`{"gateway": {"port": -1}}`, 0, nil, "correct settings.json first: settings.json:1:22: gateway.port",
			[]string{"remove file:a", "remove file:b"},
			0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			card := filepath.Join(t.TempDir(), "api.json")
			d := &desk{text: c.text, changes: c.changes, refused: c.refused}
			s, err := server.Listen(0, d, slog.New(slog.DiscardHandler))
			if err == nil {
				err = home.WriteCard(card, s.Card())
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close(context.Background())
			l, heard := run(t, card)
			next(t, heard.status)
			refs, notes, err := l.ChangeAlerts(t.Context(), secrets, edit, []string{"keyring:old"})
			d.mu.Lock()
			defer d.mu.Unlock()
			if want := append([]string{"store a", "store b"}, c.asked...); !slices.Equal(d.asked, want) {
				t.Errorf("asked %q, want %q", d.asked, want)
			}
			if (err == nil) != (c.fails == "") || err != nil && err.Error()[:len(c.fails)] != c.fails {
				t.Fatalf("error %v, want %q", err, c.fails)
			}
			if problems := (settings.Problems)(nil); errors.As(err, &problems) != (c.refused != nil) {
				t.Errorf("problems of fields: %v", problems)
			}
			now, parseErr := settings.Parse("settings.json", []byte(d.text))
			switch {
			case err == nil && (!slices.Equal(refs, []string{"file:a", "file:b"}) ||
				now.Webhook.SigningKey != "file:b" || !slices.Equal(notes, []string{"Stored in a file."})):
				t.Errorf("refs %q, notes %q, webhook %+v", refs, notes, now.Webhook)
			case err != nil && now.Webhook.URL != "":
				t.Errorf("saved nevertheless: %+v", now.Webhook)
			}
			if parseErr == nil && now.Gateway.Port != c.port {
				t.Errorf("port %d, want %d: what somebody else saved is lost", now.Gateway.Port, c.port)
			}
		})
	}
}
