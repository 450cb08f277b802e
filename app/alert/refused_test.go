package alert

import (
	"errors"
	"fmt"
	"net/textproto"
	"strings"
	"testing"
	"time"

	server "github.com/emersion/go-smtp"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/email/smtp"
)

// TestRefusedAlertHoldsUpNoOther has every server refuse one alert for what is in it: those behind it arrive, and
// status and log say what was given up.
func TestRefusedAlertHoldsUpNoOther(t *testing.T) {
	for _, status := range []int{400, 413, 422} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			p, mail, web := everything(t)
			list := three()
			web.only, mail.denyOnly = list[0].Title, list[0].Title
			web.answers(status)
			spam := server.EnhancedCode{5, 7, 1}
			mail.deny = &server.SMTPError{Code: 550, EnhancedCode: spam, Message: "looks like spam"}
			if status == 400 {
				web.says = `{"code":40001,"http":400,"error":"invalid request"}` // as ntfy does
			}
			mail.open()
			web.open()
			p.run()
			p.put(list...)
			p.delivered()
			if n, m := len(web.requests()), len(mail.mails()); n != 6 || m != 2 {
				t.Errorf("%d requests and %d mails have arrived", n, m)
			}
			if n := web.tries(); n != 6+3*(maxRefusals+1) {
				t.Errorf("%d tries", n)
			}
			for _, name := range channelNames {
				c := p.channel(name)
				if !strings.HasPrefix(c.LastError, givenUpRefused+": ") || c.Sent != 2 ||
					time.Since(c.LastErrorAt) > 2*patience {
					t.Errorf("%+v", c)
				}
				want := fmt.Sprintf("msg=%q channel=%s kind=lost", givenUpRefused, name)
				if !strings.Contains(p.log(), want) {
					t.Errorf("no %s in\n%s", want, p.log())
				}
			}
		})
	}
}

// TestRefusedChannelKeeps has servers refuse whatever comes: it waits, also where the refusal is like one for what is
// in an alert.
func TestRefusedChannelKeeps(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 410, 413, 422, 429, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			web := newWebServer(t)
			p := newPost(t, map[string]string{
				"env:HOOK": "http://" + web.addr + "/hook?key=hooksecret",
				"env:NTFY": "ntfy://:ntfysecret@" + web.addr + "/topic?scheme=http",
			})
			p.box.Configure(Config{Webhook: &Webhook{URL: "env:HOOK"}, Services: []string{"env:NTFY"}})
			web.answers(status)
			web.open()
			p.run()
			p.put(three()...)
			until(t, "they are tried often", func() bool { return web.tries() > 4*maxRefusals })
			for _, c := range p.box.Status() {
				if c.Queued != 3 || strings.Contains(c.LastError, "given up") {
					t.Errorf("%+v", c)
				}
			}
			web.answers(0)
			p.delivered()
			if n := len(web.requests()); n != 6 {
				t.Errorf("%d requests have arrived", n)
			}
		})
	}
}

// failed is an error of a step of shoutrrr's. Its own type has no name here.
type failed[Step comparable] struct {
	error
	step Step
}

func (f failed[Step]) ID() Step      { return f.step }
func (f failed[Step]) Unwrap() error { return f.error }

func failedIn[Step comparable](step Step, err error) error { return failed[Step]{err, step} }

// TestGotifyRefuses has Gotify refuse an alert, which has a transport of its own, for what is in it and for its token.
func TestGotifyRefuses(t *testing.T) {
	for status, want := range map[int]bool{400: true, 401: false} {
		web := newWebServer(t)
		web.answers(status)
		web.says = fmt.Sprintf(`{"error":"x","errorCode":%d,"errorDescription":"y"}`, status)
		web.open()
		p := newPost(t, map[string]string{"env:GOTIFY": "gotify://" + web.addr + "/Aabcdefghijklmn?disabletls=yes"})
		p.box.Configure(Config{Services: []string{"env:GOTIFY"}})
		results, err := p.box.Test(t.Context(), "")
		if err != nil || len(results) != 1 || results[0].Err == nil {
			t.Fatalf("%v, %v", results, err)
		}
		if got := errors.As(results[0].Err, new(*contentError)); got != want {
			t.Errorf("%d: %v, %v", status, got, results[0].Err)
		}
	}
}

// TestMailRefused says which answers to a mail are about what is in it.
func TestMailRefused(t *testing.T) {
	for _, c := range []struct {
		code int
		text string
		want bool
	}{
		{550, "looks like spam", true},
		{550, "5.7.1 looks like spam", true},
		{554, "5.6.0 malformed", true},
		{552, "5.3.4 too big", true},
		{552, "5.2.3 too long", true},
		{554, "5.0.0 transaction failed", true},
		{552, "5.2.2 mailbox full", false},
		{554, "5.3.0 system is closed", false},
		{550, "5.1.1 no such user", false},
		{550, "5.4.5 daily sending limit reached", false},
		{550, "5.7.26 the sender is not authenticated", false},
		{452, "4.3.1 disk full", false},
		{451, "try later", false},
	} {
		answer := &textproto.Error{Code: c.code, Msg: c.text}
		if got := mailRefused(failedIn(smtp.FailCloseDataStream, answer)); got != c.want {
			t.Errorf("%v: %v, want %v", answer, got, c.want)
		}
		if mailRefused(failedIn(smtp.FailSetRecipient, answer)) || mailRefused(failedIn(smtp.FailSetSender, answer)) ||
			mailRefused(answer) {
			t.Errorf("%v, before the mail was sent, is about what is in it", answer)
		}
	}
}
