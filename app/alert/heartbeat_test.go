package alert

import (
	"testing"
	"time"
)

func TestHeartbeat(t *testing.T) {
	web := newWebServer(t)
	p := newPost(t, map[string]string{"env:BEAT": "http://" + web.addr + "/beatsecret"})
	p.away = true
	h := Heartbeat{URL: "env:BEAT", Every: time.Second, OnlyWhileConnected: true}
	p.box.Configure(Config{Heartbeat: &h})
	p.run()
	web.open()
	until(t, "it would have beaten twice", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.asked >= 3
	})
	if web.tries() != 0 {
		t.Errorf("%d while there was no connection", web.tries())
	}
	always := h
	always.OnlyWhileConnected = false
	p.box.Configure(Config{Heartbeat: &always})
	until(t, "it beats", func() bool { return len(web.requests()) >= 2 })
	if r := web.requests()[0]; r.method != "GET" || r.path != "/beatsecret" {
		t.Errorf("%+v", r)
	}
	web.answers(500)
	if got := p.failing("heartbeat"); got != "the server answered 500" {
		t.Errorf("says %q", got)
	}
	web.answers(0)
	until(t, "it is well again", func() bool { c := p.channel("heartbeat"); return c.LastError == "" && c.Sent >= 3 })
	p.box.Configure(Config{})
	if len(p.box.Status()) != 0 {
		t.Errorf("%+v", p.box.Status())
	}
}
