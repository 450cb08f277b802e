package ui

import (
	"cmp"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"gatewatch/app/alert/serviceurl"
	"gatewatch/app/settings"
)

// alertKind is one way for alerts to leave this computer, as a person sets it up.
type alertKind struct {
	name   string // as GET /alerts has it
	key    string // the key of the settings that it is in; "alerts" for a service, which is a secret address
	intro  string // where a person finds what the form asks for
	fields []alertField
	// address makes the address of a service, which is stored as a secret; nil for others.
	address func(v map[string]string) string
	// known returns what is in the fields for an address, but for secret ones; nil if all are.
	known func(u *url.URL) map[string]string
	// apply writes the fields into settings; ref returns the reference to the secret of a field. Nil for a service.
	apply func(s *settings.Settings, v map[string]string, ref func(field string) string)
}

// alertField is one field of the form of an alertKind.
type alertField struct {
	name     string // of the key of the settings, or for a service of what its address is made of
	label    string
	hint     string
	preset   string
	options  [][2]string // what it can be: the value of the key, and the word for it
	secret   string      // for one that is secret: how the name begins under which it is stored; also for a service
	optional bool
	yesNo    bool
	check    func(text string) (wrong string) // nil: the settings say what is wrong
}

// service reports whether the whole kind is one address, stored as a secret.
func (k alertKind) service() bool { return k.address != nil }

const wholeAddress = "Is not a web address; copy it as a whole, it begins with https://"

// webAddress says what is wrong with an address of HTTP.
func webAddress(text string) string {
	if u, err := url.Parse(text); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return wholeAddress
	}
	return ""
}

var alertKinds = []alertKind{
	{
		name: "Email", key: "email",
		intro: "With two-factor login your provider gives you an app password for this.",
		fields: []alertField{
			{name: "email.to", label: "Send to", hint: "One address, or several with commas"},
			{
				name: "email.server", label: "Mail server", check: hostName,
				hint: "The outgoing server (SMTP), such as smtp.example.com",
			},
			{name: "email.user", label: "User name", hint: "Often your address; empty: no login", optional: true},
			{name: "email.password", label: "Password", secret: "email"},
			{name: "email.from", label: "Sender", hint: "Empty: the user name", optional: true},
			{name: "email.port", label: "Port", preset: "587", check: portNumber},
			{name: "email.encryption", label: "Encryption", preset: "auto", options: [][2]string{
				{"auto", "Automatic"}, {"starttls", "STARTTLS"}, {"tls", "TLS"}, {"none", "None"},
			}},
		},
		apply: func(s *settings.Settings, v map[string]string, ref func(string) string) {
			e := settings.Email{
				Server: v["email.server"], Encryption: v["email.encryption"], User: v["email.user"],
				Password: ref("email.password"), From: v["email.from"], To: split(v["email.to"]),
			}
			e.Port, _ = strconv.Atoi(v["email.port"])
			if e.From == "" {
				e.From = e.User
			}
			if e.User == "" {
				e.Password = ""
			}
			s.Email = e
		},
	},
	{
		name: "Slack", key: "slack", intro: "In Slack: Apps, Incoming WebHooks, Add to Slack, choose a channel.",
		fields: []alertField{{name: "slack.webhook_url", label: "Webhook URL", secret: "slack", check: webAddress}},
		apply: func(s *settings.Settings, _ map[string]string, ref func(string) string) {
			s.Slack.WebhookURL = ref("slack.webhook_url")
		},
	},
	{
		name: "Telegram", key: "alerts",
		intro: "Message @BotFather in Telegram: /newbot gives you a token. Then send your bot any message; " +
			"@userinfobot tells you your chat ID.",
		fields: []alertField{
			{name: "token", label: "Bot token", secret: "telegram", check: like(`[0-9]+:[A-Za-z0-9_-]+`,
				"Is not a bot token; it looks like 123456:ABC-DEF")},
			{
				name: "chats", label: "Chat ID", hint: "A number, or @name of a channel; several with commas",
				check: like(`(?:(?:-?[0-9]+|@[A-Za-z0-9_]+)(?:[,;\s]+|$))+`,
					"Is not a chat ID; write a number, or @name of a channel"),
			},
		},
		address: func(v map[string]string) string {
			return "telegram://" + v["token"] + "@telegram?chats=" +
				url.QueryEscape(strings.Join(split(v["chats"]), ","))
		},
		known: func(u *url.URL) map[string]string {
			q := u.Query()
			return map[string]string{"chats": strings.Join(split(cmp.Or(q.Get("chats"), q.Get("channels"))), ", ")}
		},
	},
	{
		name: "ntfy", key: "alerts",
		intro: "Subscribe to a topic in the ntfy app. On ntfy.sh everyone who knows its name can read it.",
		fields: []alertField{
			{name: "topic", label: "Topic", check: like(`[A-Za-z0-9_-]{1,64}`,
				"Is not a topic; use up to 64 letters, digits, hyphens and underscores")},
			{name: "server", label: "Server", preset: "https://ntfy.sh", check: ntfyServer},
			{name: "user", label: "User name", hint: "Only where the server asks for one", optional: true},
			{name: "password", label: "Password", secret: "ntfy", optional: true},
		},
		address: ntfyAddress,
		known: func(u *url.URL) map[string]string {
			server := url.URL{Scheme: cmp.Or(u.Query().Get("scheme"), "https"), Host: u.Host}
			return map[string]string{
				"topic": strings.Trim(u.Path, "/"), "server": server.String(), "user": u.User.Username(),
			}
		},
	},
	{
		name: "Pushover", key: "alerts",
		intro: "The user key is on your page at pushover.net. Create an application there for the token.",
		fields: []alertField{
			{name: "user", label: "User key", secret: "pushover", check: pushoverKey},
			{name: "token", label: "Application token", secret: "pushover", check: pushoverKey},
		},
		address: func(v map[string]string) string {
			return "pushover://shoutrrr:" + v["token"] + "@" + v["user"] + "/"
		},
	},
	{
		name: "Discord", key: "alerts",
		intro: "In Discord: Server settings, Integrations, Webhooks, New webhook, Copy webhook URL.",
		fields: []alertField{{name: "url", label: "Webhook URL", secret: "discord", check: func(text string) string {
			if discordAddress(text) == "" {
				return "Is not the URL of a webhook of Discord; it begins with https://discord.com/api/webhooks/"
			}
			return ""
		}}},
		address: func(v map[string]string) string { return discordAddress(v["url"]) },
	},
	{
		name: "Webhook", key: "webhook", intro: "Alerts as JSON to a program of yours. With a key each is signed.",
		fields: []alertField{
			{name: "webhook.url", label: "URL", secret: "webhook", check: webAddress},
			{name: "webhook.signing_key", label: "Signing key", secret: "webhook-key", optional: true},
		},
		apply: func(s *settings.Settings, _ map[string]string, ref func(string) string) {
			s.Webhook = settings.Webhook{URL: ref("webhook.url"), SigningKey: ref("webhook.signing_key")}
		},
	},
	{
		name: "Heartbeat", key: "heartbeat",
		intro: "A computer that is off sends no alert. A service such as Healthchecks expects regular calls and " +
			"alerts you when they are missing.",
		fields: []alertField{
			{name: "heartbeat.url", label: "URL to call", secret: "heartbeat", check: webAddress},
			{name: "heartbeat.every_seconds", label: "Every (seconds)", preset: "60", check: seconds},
			{
				name: "heartbeat.only_while_connected", label: "Only while connected to IBKR", preset: "false",
				yesNo: true,
			},
		},
		apply: func(s *settings.Settings, v map[string]string, ref func(string) string) {
			h := settings.Heartbeat{URL: ref("heartbeat.url")}
			h.EverySeconds, _ = strconv.ParseFloat(v["heartbeat.every_seconds"], 64)
			h.OnlyWhileConnected = v["heartbeat.only_while_connected"] == "true"
			s.Heartbeat = h
		},
	},
}

func hostName(text string) string {
	if strings.Count(text, ":") == 1 {
		return "Is not the name of a server; write it without a port, which has its own field"
	}
	return ""
}

func portNumber(text string) string {
	if n, err := strconv.Atoi(text); err != nil || n < 1 || n > 65535 {
		return "Is not a port; write a number from 1 to 65535"
	}
	return ""
}

func seconds(text string) string {
	if n, err := strconv.Atoi(text); err != nil || n < 10 || n > 86400 {
		return "Write a whole number of seconds from 10 to 86400"
	}
	return ""
}

// like returns a check that a text matches a pattern as a whole.
func like(pattern, wrong string) func(text string) string {
	whole := regexp.MustCompile("^" + pattern + "$")
	return func(text string) string {
		if whole.MatchString(text) {
			return ""
		}
		return wrong
	}
}

var (
	pushoverKey = like(`[A-Za-z0-9]{20,40}`, "Is not a key of Pushover; it has 30 letters and digits")
	discordPath = regexp.MustCompile(`^/api/(?:v[0-9]+/)?webhooks/([0-9]+)/([A-Za-z0-9_-]+)/?$`)
)

func ntfyServer(text string) string {
	if u, err := url.Parse(text); err != nil || webAddress(text) != "" || strings.Trim(u.Path, "/") != "" {
		return "Is not a server; write its address such as https://ntfy.sh"
	}
	return ""
}

func ntfyAddress(v map[string]string) string {
	server, err := url.Parse(v["server"])
	if err != nil {
		return "" // [ntfyServer] says so
	}
	u := url.URL{Scheme: "ntfy", Host: server.Host, Path: "/" + v["topic"], RawQuery: "scheme=" + server.Scheme}
	if v["user"] != "" {
		u.User = url.UserPassword(v["user"], v["password"])
	}
	return u.String()
}

// discordAddress returns the address for the URL of a webhook, empty if it is none.
func discordAddress(webhook string) string {
	if webhook == serviceurl.Kept {
		return "discord://" + serviceurl.Kept + "@" + serviceurl.Kept
	}
	u, err := url.Parse(webhook)
	if err != nil || u.Scheme != "https" {
		return ""
	}
	if m := discordPath.FindStringSubmatch(u.Path); m != nil {
		return "discord://" + m[2] + "@" + m[1]
	}
	return ""
}
