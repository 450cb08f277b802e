package ui

import (
	"crypto/rand"
	"errors"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"gatewatch/app/alert/serviceurl"
	"gatewatch/app/api"
	"gatewatch/app/settings"
)

// AlertChange adds, changes or removes a channel for alerts.
type AlertChange struct {
	Secrets []api.Secret // to store first
	// Edit changes settings; refs are the references to the stored secrets, in their order.
	Edit func(s *settings.Settings, refs []string)
	// Channel returns the name of the channel, which is tested afterwards; empty: none is.
	Channel func(refs []string) string
	Drop    []string // references that are of no use afterwards
}

// madeName is how names of secrets look that the form has made. Others may also be in use elsewhere.
var madeName = regexp.MustCompile(`^(keyring|file):[a-z]+(-key)?-[a-z2-7]{6}$`)

// secretFor returns the name under which a new value of a secret is stored: that of the reference before, or a new one
// that no other home of this computer has either.
func secretFor(before, prefix string) string {
	if kind, name, ok := strings.Cut(before, ":"); ok && kind != "env" {
		return name
	}
	return prefix + "-" + strings.ToLower(rand.Text()[:6])
}

// referenceAt returns the reference that a key of settings has, empty if it has none.
func referenceAt(s settings.Settings, key string) string {
	for _, r := range s.References() {
		if r.Key == key {
			return r.Ref
		}
	}
	return ""
}

// alertTarget is the channel that is edited, the zero value for a new one.
type alertTarget struct {
	channel string
	address string // of a service, as [serviceurl.Hide] leaves it; empty if it is not known
}

// keeps reports whether a field that is left empty keeps a secret that is stored.
func (t alertTarget) keeps(s settings.Settings, f alertField) bool {
	return f.secret != "" && (strings.Contains(t.address, serviceurl.Kept) || referenceAt(s, f.name) != "")
}

// change returns what saving the fields does to settings, or what is wrong with them, by field; what belongs to no
// field is under "".
func (k alertKind) change(s settings.Settings, t alertTarget, v map[string]string) (
	AlertChange, map[string]string,
) {
	wrong := map[string]string{}
	kept := maps.Clone(v)
	for _, f := range k.fields {
		text := v[f.name]
		keeps := text == "" && t.keeps(s, f)
		switch {
		case keeps:
			kept[f.name] = serviceurl.Kept
		case text == "" && f.needed(v):
			wrong[f.name] = "Is missing"
		case text != "" && f.check != nil && f.check(text) != "":
			wrong[f.name] = f.check(text)
		}
	}
	c := AlertChange{}
	if k.service() {
		secret := api.Secret{Name: secretFor(t.channel, strings.ToLower(k.name)), Value: k.address(kept)}
		if t.address != "" {
			secret.Before = t.channel
		}
		c.Secrets = []api.Secret{secret}
		c.Edit = func(s *settings.Settings, refs []string) { replaceService(s, t.channel, refs[0]) }
		c.Channel = func(refs []string) string { return refs[0] }
	} else {
		var stored []string // fields, in the order of the secrets
		for _, f := range k.fields {
			if f.secret != "" && v[f.name] != "" {
				stored = append(stored, f.name)
				c.Secrets = append(c.Secrets, api.Secret{
					Name: secretFor(referenceAt(s, f.name), f.secret), Value: v[f.name],
				})
			}
		}
		c.Edit = func(s *settings.Settings, refs []string) {
			before := *s
			k.apply(s, v, func(field string) string {
				if i := slices.Index(stored, field); i >= 0 {
					return refs[i]
				}
				return referenceAt(before, field)
			})
		}
		c.Channel = func([]string) string { return k.key }
	}
	for name, text := range k.check(s, &c) {
		if wrong[name] == "" {
			wrong[name] = text
		}
	}
	return c, wrong
}

// needed reports whether a field may not be empty.
func (f alertField) needed(v map[string]string) bool {
	switch f.name {
	case "email.password":
		return v["email.user"] != ""
	case "email.from":
		return v["email.user"] == ""
	case "user":
		return !f.optional || v["password"] != ""
	}
	return !f.optional
}

// check says what is wrong with what a change makes of settings, by field, and completes the change.
func (k alertKind) check(s settings.Settings, c *AlertChange) map[string]string {
	wrong := map[string]string{}
	var refs []string
	for _, secret := range c.Secrets {
		refs = append(refs, "keyring:"+secret.Name)
		if err := api.CheckSecret(secret.Name, secret.Value); err != nil && secret.Value != "" {
			wrong[k.secretField()] = upper(plain(err.Error()))
		}
	}
	after := s
	c.Edit(&after, refs)
	var problems settings.Problems
	text, err := settings.Marshal(after)
	if err == nil {
		_, err = settings.Parse("settings.json", text)
	}
	if err != nil && !errors.As(err, &problems) {
		wrong[""] = upper(plain(err.Error()))
	}
	for _, p := range problems {
		wrong[k.fieldOf(p.Key)] = upper(plain(p.Text))
	}
	c.Drop = unused(s, after)
	return wrong
}

// fieldOf returns the name of the field that a key belongs to, empty if it is none.
func (k alertKind) fieldOf(key string) string {
	for _, f := range k.fields {
		if rest, ok := strings.CutPrefix(key, f.name); ok && (rest == "" || rest[0] == '[') {
			return f.name
		}
	}
	return ""
}

func (k alertKind) secretField() string {
	i := slices.IndexFunc(k.fields, func(f alertField) bool { return f.secret != "" })
	return k.fields[i].name
}

// unused returns the references of settings that are no longer there after a change, of those that the form has made.
func unused(before, after settings.Settings) (list []string) {
	for _, r := range before.References() {
		if madeName.MatchString(r.Ref) && !slices.ContainsFunc(after.References(), func(o settings.Reference) bool {
			return o.Ref == r.Ref
		}) {
			list = append(list, r.Ref)
		}
	}
	return list
}

// replaceService puts a reference into the place of another in the list of services, or at its end.
func replaceService(s *settings.Settings, before, ref string) {
	list := slices.Clone(s.Alerts.Services)
	if i := slices.Index(list, before); i >= 0 {
		list[i] = ref
	} else if !slices.Contains(list, ref) {
		list = append(list, ref)
	}
	s.Alerts.Services = list
}

// removal returns the change that removes a channel.
func removal(s settings.Settings, channel string) AlertChange {
	c := AlertChange{
		Channel: func([]string) string { return "" },
		Edit: func(s *settings.Settings, _ []string) {
			switch d := settings.Default(); channel {
			case "email":
				s.Email = d.Email
			case "slack":
				s.Slack = d.Slack
			case "webhook":
				s.Webhook = d.Webhook
			case "heartbeat":
				s.Heartbeat = d.Heartbeat
			default:
				s.Alerts.Services = slices.DeleteFunc(slices.Clone(s.Alerts.Services), func(ref string) bool {
					return ref == channel
				})
			}
		},
	}
	after := s
	c.Edit(&after, nil)
	c.Drop = unused(s, after)
	return c
}

// alertKindOf returns the kind of a channel in GET /alerts; ok is false for a service that the form does not know.
func alertKindOf(c *api.Channel) (k alertKind, ok bool) {
	i := slices.IndexFunc(alertKinds, func(k alertKind) bool {
		return k.name == c.Service && (k.service() || k.key == c.Name)
	})
	if i < 0 {
		return k, false
	}
	return alertKinds[i], true
}

// offered returns the kinds that can be added to settings.
func offered(s settings.Settings) (list []alertKind) {
	set := map[string]bool{
		"email": s.Email.Server != "", "slack": s.Slack.WebhookURL != "", "webhook": s.Webhook.URL != "",
		"heartbeat": s.Heartbeat.URL != "",
	}
	for _, k := range alertKinds {
		if !set[k.key] {
			list = append(list, k)
		}
	}
	return list
}

// values returns what is in the fields of a kind for a channel; secrets are never shown.
func (k alertKind) values(s settings.Settings, t alertTarget) map[string]string {
	v := map[string]string{}
	form := draftOf(s)
	for _, f := range k.fields {
		v[f.name] = f.preset
		if text, ok := form[f.name]; ok && f.secret == "" {
			v[f.name] = text
		}
	}
	if u, err := url.Parse(t.address); err == nil && t.address != "" && k.known != nil {
		maps.Copy(v, k.known(u))
	}
	return v
}
