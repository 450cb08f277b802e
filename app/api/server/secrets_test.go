package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"gatewatch/app/api"
)

// vault is a backend that stores secrets.
type vault struct {
	fakeBackend
	secrets map[string]string
}

func (v *vault) StoreSecret(_ context.Context, s api.Secret) (api.StoredSecret, error) {
	if v.err == nil {
		v.secrets[s.Name] = s.Value
	}
	return api.StoredSecret{Reference: "keyring:" + s.Name, Text: "Stored in the keyring of this computer."}, v.err
}

func (v *vault) DeleteSecret(_ context.Context, ref string) error {
	name := strings.TrimPrefix(ref, "keyring:")
	if _, ok := v.secrets[name]; !ok {
		return fmt.Errorf("%w: %s", api.ErrNoSecret, ref)
	}
	if v.err == nil {
		delete(v.secrets, name)
	}
	return v.err
}

// TestSecrets stores, replaces and removes secrets, with the token alone; no answer contains one.
func TestSecrets(t *testing.T) {
	v := &vault{secrets: map[string]string{}}
	s := serve(t, v)
	body := func(name, value string) string {
		text, err := json.Marshal(api.Secret{Name: name, Value: value})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, c := range []struct {
		what, path, body string
		code             int
		want             string // in the answer
	}{
		{"new", "/secrets", body("mail", "topsecret"), 200, `"reference": "keyring:mail"`},
		{"overwritten", "/secrets", body("mail", "topsecret2"), 200, `"reference": "keyring:mail"`},
		{"as long as can be", "/secrets", body("long", strings.Repeat("s", api.MaxSecret)), 200, "keyring:long"},
		{"too long", "/secrets", body("mail", "topsecret"+strings.Repeat("s", api.MaxSecret)), 400, "longer than 2500"},
		{"far too long", "/secrets", body("mail", "topsecret"+strings.Repeat("s", maxBody)), 413, "larger than"},
		{"empty", "/secrets", body("mail", " "), 400, "is empty"},
		{"two lines", "/secrets", body("mail", "topsecret\nbcc"), 400, "more than one line"},
		{"no name", "/secrets", body("", "topsecret"), 400, "is not a name"},
		{"bad name", "/secrets", body("../mail", "topsecret"), 400, "is not a name"},
		{"a reference for a name", "/secrets", body("keyring:mail", "topsecret"), 400, "is not a name"},
		{"long name", "/secrets", body(strings.Repeat("n", 101), "topsecret"), 400, "is not a name"},
		{"another shape", "/secrets", `{"name": "mail", "secret": "topsecret"}`, 400, "the body is not"},
		{"no JSON", "/secrets", `topsecret`, 400, "the body is not"},
		{"of the environment", "/secrets/delete", `{"reference": "env:MAIL"}`, 400, "the body is not"},
		{"unknown", "/secrets/delete", `{"reference": "keyring:none"}`, 404, "no such secret"},
		{"unused", "/secrets/delete", `{"reference": "keyring:long"}`, 202, `"accepted": true`},
	} {
		res, said := ask(t, s, "POST", c.path, c.body)
		if res.StatusCode != c.code || !strings.Contains(said, c.want) {
			t.Errorf("%s: %s, %s; want %d with %q", c.what, res.Status, said, c.code, c.want)
		}
		if strings.Contains(said, "topsecret") {
			t.Errorf("%s: the answer tells the secret: %s", c.what, said)
		}
		if res, said = ask(t, s, "POST", c.path, c.body, "Authorization: -"); res.StatusCode != 401 &&
			res.StatusCode != 413 {
			t.Errorf("%s without the token: %s, %s", c.what, res.Status, said)
		}
	}
	if len(v.secrets) != 1 || v.secrets["mail"] != "topsecret2" {
		t.Errorf("stored: %q", v.secrets)
	}
	if res, _ := ask(t, s, "GET", "/secrets", ""); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("secrets can be asked for: %s", res.Status)
	}

	client := api.NewClient(s.Card())
	defer client.Close()
	stored, err := client.StoreSecret(t.Context(), api.Secret{Name: "slack", Value: "topsecret3"})
	if err != nil || stored.Reference != "keyring:slack" || v.secrets["slack"] != "topsecret3" {
		t.Errorf("the client stored %+v, %v", stored, err)
	}
	v.err = &api.Conflict{Reason: "keyring:slack is in use (slack.webhook_url)"}
	if err := client.DeleteSecret(t.Context(), "keyring:slack"); !errors.As(err, new(*api.Conflict)) ||
		!strings.Contains(err.Error(), "slack.webhook_url") {
		t.Errorf("removed while in use: %v", err)
	}
	v.err = errors.New("the disk is full")
	if _, err := client.StoreSecret(t.Context(), api.Secret{Name: "slack", Value: "topsecret4"}); err == nil ||
		api.Reason(err) != "the disk is full" || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("stored on a full disk: %v", err)
	}
}
