package alert

import (
	"strings"
	"testing"
	"time"
)

// at is a time of the present that JSON keeps as it is.
func at(ago time.Duration) time.Time { return time.Now().Add(-ago).Round(0).UTC() }

// three alerts, as an outage makes them.
func three() []Alert {
	return []Alert{
		{
			Kind: "lost", Incident: 1, At: at(10 * time.Minute), Title: "Connection to Gateway lost",
			Body: "Since 09:31:02.\nStart Gateway.", Urgent: true,
		},
		{Kind: "back", Incident: 1, At: at(6 * time.Minute), Title: "Reconnected after 4 min 12 s", Body: "Stable."},
		{Kind: "unstable", Incident: 2, At: at(time.Minute), Title: "The connection is unstable", Body: "4 drops."},
	}
}

// everything is a configuration with every kind of channel, and the servers behind it, none of which stands yet.
func everything(t *testing.T) (*post, *mailServer, *webServer) {
	mail, web := newMailServer(t), newWebServer(t)
	p := newPost(t, map[string]string{
		"env:PW": "mailsecret", "env:SLACK": "http://" + web.addr + "/services/T0/slacksecret",
		"env:HOOK": "http://" + web.addr + "/hook?key=hooksecret",
		"env:SIGN": "signsecret", "env:NTFY": "ntfy://:ntfysecret@" + web.addr + "/topic?scheme=http",
	})
	p.box.Configure(Config{
		Email:   mailTo(mail, "me", "you@example.com"),
		Slack:   "env:SLACK",
		Webhook: &Webhook{URL: "env:HOOK", SigningKey: "env:SIGN"}, Services: []string{"env:NTFY"},
	})
	return p, mail, web
}

var channelNames = []string{"email", "slack", "webhook", "env:NTFY"}

// arrived checks that each channel got the three alerts once and in order, and which of them say that they are
// late.
func arrived(t *testing.T, s *mailServer, web *webServer, late ...bool) {
	t.Helper()
	texts := map[string][]string{}
	for _, m := range s.mails() {
		texts["email"] = append(texts["email"], m.text)
	}
	for _, r := range web.requests() {
		switch {
		case strings.HasPrefix(r.path, "/services/"):
			texts["slack"] = append(texts["slack"], string(r.body))
		case strings.HasPrefix(r.path, "/hook"):
			texts["webhook"] = append(texts["webhook"], string(r.body))
		case r.path == "/topic":
			texts["env:NTFY"] = append(texts["env:NTFY"], string(r.body))
		default:
			t.Errorf("a request for %s", r.path)
		}
	}
	for _, name := range channelNames {
		got := texts[name]
		if len(got) != len(late) {
			t.Errorf("%s got %d, want %d: %q", name, len(got), len(late), got)
			continue
		}
		for i, a := range three() {
			if !strings.Contains(got[i], a.Title) {
				t.Errorf("%s got as alert %d: %s", name, i, got[i])
			}
			if says := strings.Contains(got[i], "Sent late") ||
				strings.Contains(got[i], `"late":true`); says != late[i] {
				t.Errorf("%s, alert %d: late %v, want %v: %s", name, i, says, late[i], got[i])
			}
		}
	}
}

// TestServersAreAway has no server stand while alerts come, and again after a restart of the program in between.
func TestServersAreAway(t *testing.T) {
	p, mail, web := everything(t)
	p.run()
	list := three()
	p.put(list[:2]...)
	for _, name := range channelNames {
		if got := p.failing(name); !strings.Contains(got, "refused") || len(got) > 150 ||
			strings.Contains(got, web.addr) {
			t.Errorf("%s says %q", name, got)
		}
		if c := p.channel(name); c.Queued != 2 || !c.Oldest.Equal(list[0].At) || c.Sent != 0 || !c.LastSent.IsZero() ||
			c.LastErrorAt.IsZero() {
			t.Errorf("%+v", c)
		}
	}
	config := p.box.config
	p.stop()
	p.open()
	p.box.Configure(config)
	if c := p.channel("slack"); c.Queued != 2 || !c.Oldest.Equal(list[0].At) {
		t.Errorf("after a restart: %+v", c)
	}
	p.put(list[2])
	mail.open()
	web.open()
	p.run()
	p.delivered()
	arrived(t, mail, web, true, true, true)
	for _, name := range channelNames {
		if c := p.channel(name); c.Sent != 3 || c.LastSent.IsZero() || c.LastError != "" || !c.Oldest.IsZero() {
			t.Errorf("%+v", c)
		}
	}
}

// TestServersFail has servers that answer, but refuse, and that go away in between.
func TestServersFail(t *testing.T) {
	p, mail, web := everything(t)
	p.run()
	mail.set(func() { mail.deny = smtpError(452, "disk full") })
	web.answers(500)
	mail.open()
	web.open()
	p.put(three()...)
	p.failing(channelNames...)
	if got := p.channel("webhook").LastError; got != "the server answered 500" {
		t.Errorf("webhook says %q", got)
	}
	if got := p.channel("email").LastError; !strings.Contains(got, "the mail server answered 452") {
		t.Errorf("email says %q", got)
	}
	mail.close()
	web.close()
	until(t, "they are away", func() bool { return strings.Contains(p.channel("slack").LastError, "refused") })
	mail.set(func() { mail.deny = nil })
	web.answers(0)
	mail.open()
	web.open()
	p.delivered()
	arrived(t, mail, web, true, true, true)
}

// TestNoName has names that cannot be resolved, until there is a network again.
func TestNoName(t *testing.T) {
	p, mail, web := everything(t)
	config := p.box.config
	right := map[string]string{}
	for ref, secret := range p.secrets {
		right[ref] = secret
		p.set(ref, strings.Replace(secret, web.addr, "gateway.invalid", 1))
	}
	nowhere := *config.Email
	nowhere.Server = "mail.invalid"
	config.Email = &nowhere
	p.box.Configure(config)
	p.run()
	p.put(three()...)
	for _, name := range channelNames {
		if got := p.failing(name); !strings.Contains(got, "name cannot be resolved") &&
			!strings.Contains(got, "no such host") || strings.Contains(got, "gateway.invalid") {
			t.Errorf("%s says %q", name, got)
		}
	}
	mail.open()
	web.open()
	for ref, secret := range right {
		p.set(ref, secret)
	}
	config.Email = mailTo(mail, "me", "you@example.com")
	p.box.Configure(config)
	p.delivered()
	arrived(t, mail, web, true, true, true)
}

// TestOnTime has everything stand: what is new is not late, what is minutes old is.
func TestOnTime(t *testing.T) {
	p, mail, web := everything(t)
	mail.open()
	web.open()
	p.run()
	list := three()
	list[0].At, list[1].At = at(0), at(20*time.Second)
	for _, a := range list {
		p.put(a)
		p.delivered()
	}
	arrived(t, mail, web, false, false, true)
}

// TestADeadChannelHoldsUpNoOther has one channel fail while the other delivers.
func TestADeadChannelHoldsUpNoOther(t *testing.T) {
	p, mail, web := everything(t)
	web.open() // and no mail server
	p.run()
	p.put(three()...)
	until(t, "the others have delivered", func() bool { return len(web.requests()) == 9 })
	if c := p.channel("email"); c.Queued != 3 || c.LastError == "" {
		t.Errorf("%+v", c)
	}
	mail.open()
	p.delivered()
	arrived(t, mail, web, true, true, true)
}

func TestGivenUpAfterADay(t *testing.T) {
	web := newWebServer(t)
	p := newPost(t, map[string]string{"env:HOOK": "http://" + web.addr + "/hooksecret"})
	p.box.Configure(Config{Webhook: &Webhook{URL: "env:HOOK"}})
	list := three()
	list[0].At = at(keepFor + time.Minute)
	p.put(list[:2]...)
	p.run()
	until(t, "the first one is given up, and the log says so", func() bool {
		return p.channel("webhook").Queued == 1 && strings.Contains(p.log(), "given up after 24 hours")
	})
	web.open()
	p.delivered()
	if got := web.requests(); len(got) != 1 || !strings.Contains(string(got[0].body), list[1].Title) {
		t.Errorf("%+v", got)
	}
}

// TestOldAlertIsDelivered has an alert wait while the clock leaves it two days behind, as after a sleep of the
// computer, with a network that comes back a moment later.
func TestOldAlertIsDelivered(t *testing.T) {
	web := newWebServer(t)
	p := newPost(t, map[string]string{"env:HOOK": "http://" + web.addr + "/hooksecret"})
	p.box.delays = [2]time.Duration{time.Hour, time.Hour}
	p.box.Configure(Config{Webhook: &Webhook{URL: "env:HOOK"}})
	p.put(Alert{Kind: "order_unknown", At: at(2 * keepFor), Title: "An order is unknown"})
	p.run()
	p.failing("webhook")
	for range 2 * triesAfter { // the program notices the network, and other alerts come
		p.box.Retry()
	}
	web.open()
	p.box.Retry()
	p.delivered()
	if got := web.requests(); len(got) != 1 || !strings.Contains(string(got[0].body), `"late":true,"late_seconds":1728`) {
		t.Errorf("%+v", got)
	}
}

// TestQueueIsBounded puts more than may wait: the oldest goes.
func TestQueueIsBounded(t *testing.T) {
	web := newWebServer(t)
	p := newPost(t, map[string]string{"env:HOOK": "http://" + web.addr + "/hooksecret"})
	p.box.db.NoSync = true
	p.box.Configure(Config{Webhook: &Webhook{URL: "env:HOOK"}})
	for i := range maxQueue + 3 {
		p.put(Alert{Kind: "lost", Incident: i, At: at(0), Title: "t"})
	}
	if c := p.channel("webhook"); c.Queued != maxQueue {
		t.Errorf("%d wait", c.Queued)
	}
	if n, _ := p.box.count("webhook"); n != maxQueue {
		t.Errorf("%d on disk", n)
	}
	if _, e := p.box.next(p.box.boxes[0], nil); e.Alert.Incident != 3 {
		t.Errorf("the first is %d", e.Alert.Incident)
	}
}

// TestConfigure changes channels while alerts wait.
func TestConfigure(t *testing.T) {
	web := newWebServer(t)
	p := newPost(t, map[string]string{
		"env:HOOK":  "http://" + web.addr + "/hooksecret",
		"env:SLACK": "http://" + web.addr + "/slacksecret",
	})
	both := Config{Webhook: &Webhook{URL: "env:HOOK"}, Slack: "env:SLACK"}
	p.put(three()[0]) // to no one
	p.box.Configure(both)
	p.run()
	p.put(three()[1:]...)
	p.failing("webhook", "slack")
	p.box.Configure(Config{Webhook: &Webhook{URL: "env:HOOK"}})
	if n, _ := p.box.count("slack"); n != 0 || len(p.box.Status()) != 1 {
		t.Errorf("%d wait for a channel that is gone; %+v", n, p.box.Status())
	}
	p.box.Configure(both)
	if c := p.channel("slack"); c.Queued != 0 || c.LastError != "" {
		t.Errorf("a channel that is new: %+v", c)
	}
	if c := p.channel("webhook"); c.Queued != 2 || c.LastError == "" {
		t.Errorf("the one that stayed: %+v", c)
	}
	web.open()
	p.put(three()[0])
	p.delivered()
	count := map[string]int{}
	for _, r := range web.requests() {
		if r.path == "/slacksecret" && !strings.Contains(string(r.body), three()[0].Title) {
			continue // an attempt that was under way when the channel went
		}
		count[r.path]++
	}
	if count["/hooksecret"] != 3 || count["/slacksecret"] != 1 || len(count) != 2 {
		t.Errorf("%v", count)
	}
}

func TestTest(t *testing.T) {
	web := newWebServer(t)
	web.open()
	p := newPost(t, map[string]string{
		"env:HOOK": "http://" + web.addr + "/hooksecret",
		"env:BEAT": "http://" + web.addr + "/beatsecret", "env:SLACK": "nothing",
	})
	p.box.Configure(Config{Webhook: &Webhook{URL: "env:HOOK"}, Slack: "env:SLACK", Heartbeat: &Heartbeat{
		URL: "env:BEAT", Every: time.Hour,
	}})
	results, err := p.box.Test(t.Context(), "")
	if err != nil || len(results) != 3 {
		t.Fatalf("%v, %v", results, err)
	}
	for i, want := range []struct{ channel, err string }{
		{"slack", "not the URL of an incoming webhook"},
		{"webhook", ""},
		{"heartbeat", ""},
	} {
		got := results[i]
		if got.Channel != want.channel || (got.Err == nil) != (want.err == "") || got.Err != nil &&
			!strings.Contains(got.Err.Error(), want.err) {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if results, err := p.box.Test(t.Context(), "webhook"); err != nil || len(results) != 1 || results[0].Err != nil {
		t.Errorf("%v, %v", results, err)
	}
	if _, err := p.box.Test(t.Context(), "pigeon"); err == nil || !strings.Contains(err.Error(), `"webhook"`) {
		t.Errorf("says %v", err)
	}
	if got := web.requests(); len(got) != 3 || p.channel("webhook").Sent != 0 {
		t.Errorf("%d requests, %+v", len(got), p.channel("webhook"))
	}
}

// TestEndsWhileAServerHangs ends the program in the middle of a delivery; the alert waits for the next start.
func TestEndsWhileAServerHangs(t *testing.T) {
	hang := newPlace(t)
	accepted := hang.hold()
	web := newWebServer(t)
	p := newPost(t, map[string]string{"env:HOOK": "http://" + hang.addr + "/hooksecret"})
	p.box.Configure(Config{Webhook: &Webhook{URL: "env:HOOK"}})
	p.run()
	p.put(three()[0])
	<-accepted
	began := time.Now()
	p.stop()
	if took := time.Since(began); took > 10*stopLimit {
		t.Errorf("took %v", took)
	}
	hang.close()
	p.set("env:HOOK", "http://"+web.addr+"/hooksecret")
	p.open()
	p.box.Configure(Config{Webhook: &Webhook{URL: "env:HOOK"}})
	web.open()
	p.run()
	p.delivered()
	if got := web.requests(); len(got) != 1 {
		t.Errorf("%d requests", len(got))
	}
}
