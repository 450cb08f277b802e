package ui

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"github.com/nicholas-fedor/shoutrrr/pkg/router"

	"gatewatch/app/alert/serviceurl"
	"gatewatch/app/api"
	"gatewatch/app/settings"
)

// typeInto types into a field of the form that is open.
func typeInto(v *View, field, text string) {
	v.alerts.form.part().fields[field].widget.(*entry).SetText(text)
}

func kindNamed(name string) alertKind {
	return alertKinds[slices.IndexFunc(alertKinds, func(k alertKind) bool { return k.name == name })]
}

// filled are fields of each kind as a person fills them.
var filled = map[string]map[string]string{
	"Email": {
		"email.to": "me@example.com, desk@example.com", "email.server": "smtp.example.com",
		"email.user": "me@example.com", "email.password": "top secret", "email.from": "",
		"email.port": "465", "email.encryption": "tls",
	},
	"Slack":    {"slack.webhook_url": "https://hooks.slack.com/services/T0/B0/x"},
	"Telegram": {"token": "123456:AB-c_d", "chats": "-42, @desk"},
	"ntfy":     {"topic": "alerts_7", "server": "https://ntfy.example:8443/", "user": "me", "password": "p:ss/w@rd"},
	"Pushover": {"user": "uQiRzpo4DXghDmr9QzzfQu27cmVRsG", "token": "azGDORePK8gMaC0QOYAMyEEuzJnyUi"},
	"Discord":  {"url": "https://discord.com/api/webhooks/123456/ab-C_d"},
	"Webhook":  {"webhook.url": "http://10.0.0.1/alerts", "webhook.signing_key": "key"},
	"Heartbeat": {
		"heartbeat.url": "https://hc-ping.com/uuid", "heartbeat.every_seconds": "90",
		"heartbeat.only_while_connected": "true",
	},
}

// TestAlertKinds fills in each form, and gives the address of each service to the library that delivers by it.
func TestAlertKinds(t *testing.T) {
	before := settings.Default()
	all := before
	for _, k := range alertKinds {
		c, wrong := k.change(before, alertTarget{}, filled[k.name])
		if len(wrong) > 0 {
			t.Errorf("%s: %v", k.name, wrong)
			continue
		}
		var refs []string
		for _, s := range c.Secrets {
			ref := "keyring:" + s.Name
			if refs = append(refs, ref); !madeName.MatchString(ref) {
				t.Errorf("%s is stored as %s", k.name, ref)
			}
		}
		c.Edit(&all, refs)
		if got := c.Channel(refs); got != k.key && got != refs[0] {
			t.Errorf("%s: channel %q", k.name, got)
		}
		if !k.service() {
			continue
		}
		sender, err := router.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		service, err := sender.Locate(c.Secrets[0].Value)
		if err != nil || service.GetID() != strings.ToLower(k.name) {
			t.Errorf("%s: %q is refused: %v", k.name, c.Secrets[0].Value, err)
		}
	}
	for name, want := range map[string]string{
		"Telegram": "telegram://123456:AB-c_d@telegram?chats=-42%2C%40desk",
		"ntfy":     "ntfy://me:p%3Ass%2Fw%40rd@ntfy.example:8443/alerts_7?scheme=https",
		"Pushover": "pushover://shoutrrr:azGDORePK8gMaC0QOYAMyEEuzJnyUi@uQiRzpo4DXghDmr9QzzfQu27cmVRsG/",
		"Discord":  "discord://ab-C_d@123456",
	} {
		if got := kindNamed(name).address(filled[name]); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	text, err := settings.Marshal(all)
	if err == nil {
		_, err = settings.Parse("settings.json", text)
	}
	if err != nil || len(all.Alerts.Services) != 4 || len(all.References()) != 9 {
		t.Errorf("%v\n%s", err, text)
	}
	if e := all.Email; e.From != "me@example.com" || e.Port != 465 || e.Encryption != "tls" || len(e.To) != 2 {
		t.Errorf("email %+v", e)
	}
	if h := all.Heartbeat; h.EverySeconds != 90 || !h.OnlyWhileConnected {
		t.Errorf("heartbeat %+v", h)
	}
	for _, secret := range []string{"top secret", "hooks.slack", "AB-c_d", "10.0.0.1", "hc-ping"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the settings contain %q:\n%s", secret, text)
		}
	}
	if list := offered(all); len(list) != 4 || !list[0].service() || !list[3].service() {
		t.Errorf("with all set up there are still offered %v", list)
	}
}

// TestAlertKindsRefuse spoils one field after the other.
func TestAlertKindsRefuse(t *testing.T) {
	for _, c := range []struct{ kind, field, text, want string }{
		{"Email", "email.to", "", "Is missing"},
		{"Email", "email.to", "me@example.com nobody", "is not an email address"},
		{"Email", "email.server", "smtp.example.com:587", "without a port"},
		{"Email", "email.password", "", "Is missing"},
		{"Email", "email.password", strings.Repeat("x", api.MaxSecret+1), "longer than 2500"},
		{"Email", "email.from", "me", "is not an email address"},
		{"Email", "email.port", "587a", "number from 1 to 65535"},
		{"Email", "email.port", "", "Is missing"},
		{"Slack", "slack.webhook_url", "", "Is missing"},
		{"Slack", "slack.webhook_url", "hooks.slack.com/services", "begins with https://"},
		{"Telegram", "token", "AB-c", "looks like 123456:ABC-DEF"},
		{"Telegram", "token", "", "Is missing"},
		{"Telegram", "chats", "desk", "is not a chat ID"},
		{"Telegram", "chats", "42@desk", "is not a chat ID"},
		{"ntfy", "topic", "my topic", "is not a topic"},
		{"ntfy", "server", "ntfy.sh", "is not a server"},
		{"ntfy", "user", "", "Is missing"},
		{"Pushover", "token", "short", "is not a key of Pushover"},
		{"Discord", "url", "https://discord.com/channels/1/2", "is not the URL of a webhook"},
		{"Webhook", "webhook.url", "ftp://x/y", "begins with https://"},
		{"Heartbeat", "heartbeat.every_seconds", "5", "from 10 to 86400"},
	} {
		k := kindNamed(c.kind)
		v := maps.Clone(filled[c.kind])
		v[c.field] = c.text
		_, wrong := k.change(settings.Default(), alertTarget{}, v)
		if got := wrong[c.field]; len(wrong) != 1 || !strings.Contains(strings.ToLower(got), strings.ToLower(c.want)) {
			t.Errorf("%s with %s %.40q: %q, want %q", c.kind, c.field, c.text, wrong, c.want)
		}
	}
}

// TestAlertServicesKeepSecrets edits each service as it is stored: what is no secret stands in the form, and without
// typing anything, and with each field typed, the address is what it was with that field changed.
func TestAlertServicesKeepSecrets(t *testing.T) {
	changed := map[string]string{
		"Telegram token": "telegram://7:new@telegram?chats=-42%2C%40desk",
		"Telegram chats": "telegram://123456:AB-c_d@telegram?chats=8",
		"ntfy topic":     "ntfy://me:p%3Ass%2Fw%40rd@ntfy.example:8443/new?scheme=https",
		"ntfy server":    "ntfy://me:p%3Ass%2Fw%40rd@10.0.0.1/alerts_7?scheme=http",
		"ntfy user":      "ntfy://you:p%3Ass%2Fw%40rd@ntfy.example:8443/alerts_7?scheme=https",
		"ntfy password":  "ntfy://me:new@ntfy.example:8443/alerts_7?scheme=https",
		"Pushover user":  "pushover://shoutrrr:azGDORePK8gMaC0QOYAMyEEuzJnyUi@uNewuNewuNewuNewuNew/",
		"Pushover token": "pushover://shoutrrr:aNewaNewaNewaNewaNew@uQiRzpo4DXghDmr9QzzfQu27cmVRsG/",
		"Discord url":    "discord://new@7",
	}
	typed := map[string]string{
		"Telegram token": "7:new", "Telegram chats": "8", "ntfy topic": "new", "ntfy server": "http://10.0.0.1",
		"ntfy user": "you", "ntfy password": "new", "Pushover user": "uNewuNewuNewuNewuNew",
		"Pushover token": "aNewaNewaNewaNewaNew", "Discord url": "https://discord.com/api/webhooks/7/new",
	}
	s := settings.Default()
	for _, k := range alertKinds {
		if !k.service() {
			continue
		}
		stored := k.address(filled[k.name])
		target := alertTarget{"keyring:" + k.name, serviceurl.Hide(stored)}
		v := k.values(s, target)
		for _, f := range k.fields {
			if want := filled[k.name][f.name]; f.secret != "" && v[f.name] != "" ||
				f.secret == "" && v[f.name] != strings.TrimSuffix(want, "/") {
				t.Errorf("%s: %s is filled with %q, want %q", k.name, f.name, v[f.name], want)
			}
			if target.keeps(s, f) != (f.secret != "") {
				t.Errorf("%s: %s is kept: %v", k.name, f.name, target.keeps(s, f))
			}
		}
		for _, f := range append([]alertField{{}}, k.fields...) {
			v := maps.Clone(v)
			want := stored
			if f.name != "" {
				v[f.name], want = typed[k.name+" "+f.name], changed[k.name+" "+f.name]
			}
			c, wrong := k.change(s, target, v)
			got, err := serviceurl.PutBack(c.Secrets[0].Value, stored)
			if got != want || err != nil || len(wrong) > 0 || c.Secrets[0].Before != target.channel {
				t.Errorf("%s with another %q: %q, want %q; %v, %v", k.name, f.name, got, want, wrong, err)
			}
		}
	}
	// With no password stored there is none to keep.
	if k := kindNamed("ntfy"); (alertTarget{"keyring:n", "ntfy://me@ntfy.sh/t"}).keeps(s, k.fields[3]) {
		t.Error("a password is kept that is not there")
	}
}

// TestAlertServiceForm edits a service in the window: the form opens with the answer, also with that there is none.
func TestAlertServiceForm(t *testing.T) {
	v, _, _ := acting(t)
	var asked []string
	var sent []AlertChange
	v.actions.Address = func(channel string) { asked = append(asked, channel) }
	v.actions.ChangeAlerts = func(c AlertChange) { sent = append(sent, c) }
	v.Settings(view(func(s *settings.Settings) { s.Alerts.Services = []string{"keyring:telegram-abcdef"} }))
	v.Status(connected(), noon)
	v.open(pageAlerts)
	v.Alerts(api.Alerts{Channels: []api.Channel{{Name: "keyring:telegram-abcdef", Service: "Telegram"}}}, nil)
	p := v.alerts
	test.Tap(p.rows[0].edit)
	if len(asked) != 1 || p.form != nil || !p.rows[0].edit.Disabled() {
		t.Fatalf("asked %v, form %v", asked, p.form)
	}
	v.Address(asked[0], "telegram://_stored_@telegram?chats=7", nil)
	if got := p.form.part().values(); got["chats"] != "7" || got["token"] != "" || p.dirty() || p.failed != "" {
		t.Fatalf("filled with %v, %q", got, p.failed)
	}
	typeInto(v, "chats", "8")
	test.Tap(p.save)
	if want := (api.Secret{
		Name: "telegram-abcdef", Value: "telegram://_stored_@telegram?chats=8", Before: asked[0],
	}); len(sent) != 1 || sent[0].Secrets[0] != want || len(sent[0].Drop) > 0 {
		t.Fatalf("sent %+v", sent)
	}
	v.AlertsChanged(asked[0], nil, nil)
	if p.rows[0].edit.Disabled() {
		t.Error("it cannot be edited again")
	}
	test.Tap(p.rows[0].edit)
	v.Address(asked[1], "", errors.New("the keyring is locked"))
	if p.form == nil || p.message.Text != "What is stored cannot be read: the keyring is locked" {
		t.Fatalf("said %q", p.message.Text)
	}
	typeInto(v, "chats", "8")
	test.Tap(p.save)
	if len(sent) != 1 || p.form.part().fields["token"].wrong.words.Text != "Is missing" {
		t.Errorf("saved without a token: %+v", sent)
	}
}

// TestAlertForm adds, edits and removes channels: what is wrong stands at its field and loses nothing, secrets are
// hidden and kept, and what is saved is tested.
func TestAlertForm(t *testing.T) {
	v, _, a := acting(t)
	var sent []AlertChange
	v.actions.ChangeAlerts = func(c AlertChange) { sent = append(sent, c) }
	view := inForce()
	v.Settings(view)
	v.Status(connected(), noon)
	v.open(pageAlerts)
	v.Alerts(api.Alerts{}, nil)
	p := v.alerts
	test.Tap(p.add)
	for _, f := range p.form.part().kind.fields {
		e := p.form.part().fields[f.name]
		if n, ok := e.widget.(*entry); ok && n.Password != (f.secret != "") {
			t.Errorf("%s is hidden: %v", f.name, n.Password)
		}
		if e.wrong.content.Visible() {
			t.Errorf("%s is wrong before it was touched", f.name)
		}
	}
	wrong := func(field string) string {
		if m := p.form.part().fields[field].wrong; m.content.Visible() {
			return m.words.Text
		}
		return ""
	}
	typeInto(v, "email.server", "smtp.example.com:25")
	if wrong("email.server") == "" || wrong("email.to") != "" {
		t.Errorf("wrong: server %q, to %q", wrong("email.server"), wrong("email.to"))
	}
	test.Tap(p.save)
	if len(sent) > 0 || wrong("email.to") != "Is missing" || p.message.Text != "Some fields need attention." {
		t.Errorf("sent %v, to %q, %q", sent, wrong("email.to"), p.message.Text)
	}
	for name, text := range filled["Email"] {
		if _, ok := p.form.part().fields[name].widget.(*entry); ok {
			typeInto(v, name, text)
		}
	}
	// Another kind and back, Escape, and a refusal lose nothing.
	p.form.pick.SetSelected("Telegram")
	p.form.pick.SetSelected("Email")
	v.Close()
	if a.closed > 0 || !v.unsaved.open() {
		t.Error("it closes, and what was typed is lost")
	}
	test.Tap(p.save)
	test.Tap(p.save) // once more while it is being saved
	v.AlertsChanged("", nil, settings.Problems{{Key: "email.password", Text: "the keyring has no secret email"}})
	if got := wrong("email.password"); got != "The keyring has no secret email" || len(sent) != 1 ||
		p.form.part().fields["email.password"].get() != "top secret" {
		t.Errorf("refused with %q, sent %d", got, len(sent))
	}
	test.Tap(p.save)
	v.AlertsChanged("", nil, errors.New("PUT /settings: 503: the disk is full"))
	if !strings.Contains(p.message.Text, "the disk is full") || p.form == nil {
		t.Errorf("said %q", p.message.Text)
	}
	test.Tap(p.save)
	refs := []string{"keyring:" + sent[2].Secrets[0].Name}
	sent[2].Edit(&view.Settings, refs)
	v.Settings(view)
	v.AlertsChanged(sent[2].Channel(refs), nil, nil)
	if p.form != nil || p.dirty() || !slices.Equal(a.tests, []string{"email"}) {
		t.Errorf("after saving: form %v, tested %v", p.form, a.tests)
	}
	v.Alerts(api.Alerts{Channels: []api.Channel{{Name: "email", Service: "Email"}}}, nil)
	v.Tested("email", api.AlertTest{Results: []api.AlertResult{{Channel: "email", OK: true}}}, nil)
	if got := p.rows[0].outcome.Text; got != "The test was sent." {
		t.Errorf("of the test %q", got)
	}

	// Edited, the password stays where it is unless another is typed; then it replaces the one before.
	test.Tap(p.rows[0].edit)
	if got := p.form.part().values(); got["email.password"] != "" || got["email.server"] != "smtp.example.com" {
		t.Errorf("filled with %v", got)
	}
	typeInto(v, "email.user", "other@example.com")
	test.Tap(p.save)
	edited := view.Settings
	sent[3].Edit(&edited, nil)
	if len(sent[3].Secrets) > 0 || edited.Email.Password != refs[0] || edited.Email.User != "other@example.com" {
		t.Errorf("edited: %+v, secrets %d", edited.Email, len(sent[3].Secrets))
	}
	v.AlertsChanged("", nil, errors.New("no"))
	typeInto(v, "email.password", "new")
	test.Tap(p.save)
	if got := sent[4].Secrets; len(got) != 1 || "keyring:"+got[0].Name != refs[0] || got[0].Value != "new" {
		t.Errorf("another password is stored as %v", got)
	}
	v.AlertsChanged("", nil, nil)

	// Removing asks, and removes the secret that the form has made.
	test.Tap(p.rows[0].remove)
	test.Tap(p.confirm.yes)
	removed := view.Settings
	sent[5].Edit(&removed, nil)
	if removed.Email.Server != "" || !slices.Equal(sent[5].Drop, refs) {
		t.Errorf("removed: %+v, drops %v", removed.Email, sent[5].Drop)
	}
	v.AlertsChanged("", nil, errors.New("the disk is full"))
	if !p.note.Visible() || !strings.Contains(p.note.Text, "the disk is full") {
		t.Errorf("said %q", p.note.Text)
	}
}

// TestAlertsFollowSaved has the settings be saved by the form and then come as those in effect: the page of alerts
// goes on from them, too.
func TestAlertsFollowSaved(t *testing.T) {
	v, _ := stage(t, theme.VariantLight, fyne.NewSize(520, 680), Actions{})
	v.Settings(view(func(*settings.Settings) {}))
	now := view(func(s *settings.Settings) { s.Alerts.QuietFrom = "22:00" })
	v.Saved(now, nil)
	v.Settings(now)
	if got := v.alerts.now.Alerts.QuietFrom; got != "22:00" {
		t.Errorf("quiet hours begin at %q", got)
	}
}
