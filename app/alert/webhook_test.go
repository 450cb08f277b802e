package alert

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestWebhook(t *testing.T) {
	web := newWebServer(t)
	web.answers(503)
	web.open()
	p := newPost(t, map[string]string{"env:HOOK": "http://" + web.addr + "/hooksecret", "env:SIGN": "signsecret"})
	p.box.Configure(Config{Webhook: &Webhook{URL: "env:HOOK", SigningKey: "env:SIGN"}})
	p.run()
	a := three()[0]
	p.put(a)
	p.failing("webhook")
	web.answers(0)
	p.delivered()
	got := web.requests()
	if len(got) != 1 || got[0].method != "POST" || got[0].path != "/hooksecret" {
		t.Fatalf("%+v", got)
	}
	r := got[0]
	mac := hmac.New(sha256.New, []byte("signsecret"))
	fmt.Fprintf(mac, "%s.%s", r.header.Get("X-Gatewatch-Timestamp"), r.body)
	if want := "sha256=" + hex.EncodeToString(mac.Sum(nil)); r.header.Get("X-Gatewatch-Signature") != want {
		t.Errorf("signature %s, want %s", r.header.Get("X-Gatewatch-Signature"), want)
	}
	var sent map[string]any
	if err := json.Unmarshal(r.body, &sent); err != nil {
		t.Fatal(err)
	}
	if late, _ := sent["late_seconds"].(float64); late < 600 || late > 700 {
		t.Errorf("late_seconds %v", sent["late_seconds"])
	}
	id, _ := sent["id"].(string)
	delete(sent, "late_seconds")
	delete(sent, "id")
	want := map[string]any{
		"kind": "lost", "incident": 1., "at": a.At.Format(time.RFC3339Nano), "title": a.Title, "body": a.Body,
		"urgent": true,
		"late":   true, "version": "v1",
	}
	if fmt.Sprint(sent) != fmt.Sprint(want) {
		t.Errorf("sent %v, want %v", sent, want)
	}
	if id == "" || r.header.Get("Idempotency-Key") != id || r.header.Get("Content-Type") != "application/json" ||
		r.header.Get("User-Agent") != "Gatewatch/v1" {
		t.Errorf("id %q, header %v", id, r.header)
	}
}

func TestWebhookAnswers(t *testing.T) {
	for code, want := range map[int]string{
		204: "", 301: "points elsewhere", 308: "points elsewhere", 404: "no longer valid", 410: "no longer valid",
		401: "answered 401", 502: "answered 502",
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			web := newWebServer(t)
			web.answers(code)
			web.open()
			p := newPost(t, map[string]string{"env:HOOK": "http://" + web.addr + "/hooksecret"})
			p.box.Configure(Config{Webhook: &Webhook{URL: "env:HOOK"}})
			results, err := p.box.Test(t.Context(), "")
			if err != nil || len(results) != 1 {
				t.Fatalf("%v, %v", results, err)
			}
			switch err := results[0].Err; {
			case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("says %v, want %q", err, want)
			}
			if web.tries() != 1 {
				t.Errorf("%d requests", web.tries())
			}
		})
	}
}

// TestSlackCallsNobody has text from outside in a message that would call everybody.
func TestSlackCallsNobody(t *testing.T) {
	web := newWebServer(t)
	web.open()
	p := newPost(t, map[string]string{"env:SLACK": "http://" + web.addr + "/slacksecret"})
	p.box.Configure(Config{Slack: "env:SLACK"})
	p.run()
	p.put(Alert{Kind: "lost", At: at(0), Title: "<!channel> & \"quoted\"", Body: "<http://x|click>\\"})
	p.delivered()
	var sent struct{ Text string }
	if err := json.Unmarshal(web.requests()[0].body, &sent); err != nil {
		t.Fatalf("%v: %s", err, web.requests()[0].body)
	}
	if want := "&lt;!channel&gt; &amp; \"quoted\"\n&lt;http://x|click&gt;\\"; sent.Text != want {
		t.Errorf("sent %q, want %q", sent.Text, want)
	}
}
