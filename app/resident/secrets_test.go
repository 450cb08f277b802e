package resident

import (
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"gatewatch/app/api"
	"gatewatch/app/settings"
	"gatewatch/app/tray/sessionbus"
	"gatewatch/app/wording"
)

// TestMissingSecrets: a secret that is not there is a problem at once: of settings that are saved, and shown from the
// start. What was missing before does not prevent saving something else.
func TestMissingSecrets(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("it always has a keyring")
	}
	t.Setenv(sessionbus.Variable, "disabled:")
	p, end := started(t, `{"api": {"port": 0}, "gateway": {"port": 1}, "slack": {"webhook_url": "env:TEST_UNSET"}}`)
	defer end()
	b := p.backend
	failing := func() string { return p.failures.text(wording.FailingSecrets) }
	save := func(text string) error {
		t.Helper()
		return b.SaveSettings(t.Context(), []byte(text), "")
	}
	expect := func(what string, ok func() bool) {
		t.Helper()
		if !eventually(t, ok) {
			t.Fatalf("never %s: %q, %+v", what, failing(), b.Alerts())
		}
	}
	expect("told of at the start", func() bool {
		list := b.Alerts().Channels
		return strings.HasPrefix(failing(), "slack.webhook_url: the environment variable TEST_UNSET is not set") &&
			len(list) == 1 && strings.Contains(list[0].LastError, "TEST_UNSET is not set") &&
			len(b.Status().Failing) > 0
	})

	const slack = `{"api": {"port": 0}, "gateway": {"port": 1}, "slack": {"webhook_url": "env:TEST_UNSET"},` + "\n"
	if err := save(slack + `"log": {"level": "debug"}}`); err != nil {
		t.Errorf("another key cannot be saved: %v", err)
	}
	err := save(slack + `  "webhook": {"url": "file:hook", "signing_key": "keyring:key"},` + "\n" +
		`  "alerts": {"services": ["env:TEST_NONE"]}}`)
	var problems settings.Problems
	if !errors.As(err, &problems) || len(problems) != 3 {
		t.Fatalf("saved with missing secrets: %v", err)
	}
	for i, want := range []settings.Problem{
		{Line: 2, Column: 15, Key: "webhook.url", Text: "has no secret hook; store it on the Alerts page"},
		{Line: 2, Column: 35, Key: "webhook.signing_key", Text: "the keyring of this computer cannot be used"},
		{Line: 3, Column: 27, Key: "alerts.services[0]", Text: "TEST_NONE is not set for Gatewatch"},
	} {
		if got := problems[i]; got.Line != want.Line || got.Column != want.Column || got.Key != want.Key ||
			!strings.Contains(got.Text, want.Text) {
			t.Errorf("problem %d: %+v, want %+v", i, got, want)
		}
	}
	if got := p.settings.current.Load().Webhook.URL; got != "" {
		t.Errorf("refused settings are in effect: %q", got)
	}

	// Stored, it is one no longer, and while it is in use it stays.
	for name, value := range map[string]string{
		"bot": "telegram://123:topsecret@telegram?chats=7", "slack": "https://topsecret",
	} {
		stored, err := b.StoreSecret(t.Context(), api.Secret{Name: name, Value: value})
		if err != nil || stored.Reference != "file:"+name || !strings.Contains(stored.Text, p.home.Secrets()) {
			t.Fatalf("stored %+v, %v", stored, err)
		}
	}
	if err := save(`{"api": {"port": 0}, "gateway": {"port": 1}, "slack": {"webhook_url": "file:slack"},
		"alerts": {"services": ["file:bot"]}}`); err != nil {
		t.Fatal(err)
	}
	expect("found", func() bool {
		list := b.Alerts().Channels
		return failing() == "" && len(list) == 2 && list[0].LastError == "" && list[1].Service == "Telegram"
	})
	// Its address is shown without the secret, and changed with it.
	if a, err := b.SecretAddress(t.Context(), "file:bot"); err != nil ||
		a.Address != "telegram://_stored_@telegram?chats=7" {
		t.Errorf("the address is %q, %v", a.Address, err)
	}
	if a, err := b.SecretAddress(t.Context(), "file:other"); !errors.Is(err, api.ErrNoSecret) {
		t.Errorf("the address of what nothing refers to is %q, %v", a.Address, err)
	}
	change := api.Secret{Name: "bot", Value: "telegram://_stored_@telegram?chats=8", Before: "file:bot"}
	if _, err := b.StoreSecret(t.Context(), change); err != nil {
		t.Error(err)
	}
	if now, err := b.Get("file:bot"); now != "telegram://123:topsecret@telegram?chats=8" {
		t.Errorf("changed to %q, %v", now, err)
	}
	change.Before = "env:TEST_NONE"
	if _, err := b.StoreSecret(t.Context(), change); err == nil {
		t.Error("a secret that is not there is kept")
	}
	spare := api.Secret{Name: "spare", Value: "telegram://9:spare@telegram?chats=1"}
	if _, err := b.StoreSecret(t.Context(), spare); err != nil {
		t.Error(err)
	}
	change.Before = "file:spare"
	if _, err := b.StoreSecret(t.Context(), change); !errors.Is(err, api.ErrNoSecret) {
		t.Errorf("a secret that nothing refers to is put into another: %v", err)
	}
	conflict := (*api.Conflict)(nil)
	if err := b.DeleteSecret(t.Context(), "file:bot"); !errors.As(err, &conflict) ||
		!strings.Contains(err.Error(), "alerts.services[0]") {
		t.Errorf("removed while in use: %v", err)
	}
	// The file goes, with all that is in it.
	if err := os.Remove(p.home.Secrets()); err != nil {
		t.Fatal(err)
	}
	b.alerts.secrets.Configure(b.alerts.secrets.References()) // looks again
	expect("told of again", func() bool {
		return strings.Contains(failing(), "alerts.services[0]: ") && strings.Contains(failing(), "slack.webhook_url: ")
	})
	if err := save(`{"api": {"port": 0}, "gateway": {"port": 1}}`); err != nil {
		t.Error(err)
	}
	if err := b.DeleteSecret(t.Context(), "file:bot"); !errors.Is(err, api.ErrNoSecret) {
		t.Errorf("removed twice: %v", err)
	}

	report, err := b.Diagnostics(t.Context(), false)
	if err != nil {
		t.Error(err)
	}
	view, err := json.Marshal([]any{b.Settings(), b.Alerts(), b.Status()})
	if err != nil {
		t.Error(err)
	}
	told := map[string]string{"diagnostics": report, "answers": string(view)}
	for _, path := range []string{p.home.Log(), p.home.Settings(), p.home.LastGood()} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		told[path] = string(text)
	}
	for where, text := range told {
		if strings.Contains(text, "topsecret") {
			t.Errorf("%s tells a secret:\n%s", where, text)
		}
	}
}
