package alert

import (
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
)

// theirs names the environment variable with the address at which tests have the servers of all services.
const theirs = "GATEWATCH_TEST_SERVICES"

// shortly names the one with the limit of a child, where that is not the usual one.
const shortly = "GATEWATCH_TEST_LIMIT"

// testBodyLimit is the limit for the end of an answer in tests.
const testBodyLimit = 3 * time.Second

// elsewhere sends all requests to one address.
type elsewhere string

func (e elsewhere) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host = "http", string(e)
	return new(http.Transport).RoundTrip(req)
}

// chatServer answers as services do.
type chatServer struct {
	place
	mu     sync.Mutex
	answer func(body string) (status int, text string)
	got    []string
}

// newChatServer returns one that all services of children of this test reach.
func newChatServer(t *testing.T) *chatServer {
	s := &chatServer{place: newPlace(t)}
	t.Setenv(theirs, s.addr)
	return s
}

func (s *chatServer) open() {
	srv := &http.Server{Handler: s}
	s.serve(func(ln net.Listener) { _ = srv.Serve(ln) }, func() { srv.Close() })
}

func (s *chatServer) answers(answer func(string) (int, string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer, s.got = answer, nil
}

func (s *chatServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, string(body))
	status, text := s.answer(string(body))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

func (s *chatServer) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// TestNoServiceSendsToNowhere tries every service that there is while there is no network, and with a server that
// refuses all: nothing is called sent.
func TestNoServiceSendsToNowhere(t *testing.T) {
	s := newChatServer(t)
	services := map[string]string{
		"bark": "bark://:devicekey@hostname", "discord": "discord://token@123456",
		"generic":    "generic+http://" + s.addr + "/hook",
		"gotify":     "gotify://" + s.addr + "/Aabcdefghijklmn?disabletls=yes",
		"googlechat": "googlechat://chat.googleapis.com/v1/spaces/FOO/messages?key=bar&token=baz",
		"hangouts":   "hangouts://chat.googleapis.com/v1/spaces/FOO/messages?key=bar&token=baz",
		"ifttt":      "ifttt://dummyID/?events=event1", "join": "join://Token:apikey@join?devices=dev1",
		"lark":       "lark://open.larksuite.com/token",
		"matrix":     "matrix://:token@matrix.example?rooms=!room1:matrix.example",
		"mattermost": "mattermost://" + s.addr + "/thisshouldbeanapitoken?disabletls=yes",
		"notifiarr":  "notifiarr://apikey123?channel=123456789", "ntfy": "ntfy://" + s.addr + "/topic?scheme=http",
		"opsgenie":   "opsgenie://api.opsgenie.com/eb243592-faa2-4ba2-a551q-1afdf565c889",
		"pagerduty":  "pagerduty://events.pagerduty.com/eb243592faa24ba2a5511afdf565c889",
		"pushbullet": "pushbullet://tokentokentokentokentokentokentoke", "pushover": "pushover://:apptoken@usertoken",
		"rocketchat": "rocketchat://rocketchat.my-domain.com/tokenA/tokenB",
		"signal":     "signal://localhost:8080/+1234567890/+1234567891",
		"slack":      "slack://hook:AAAAAAAAA-BBBBBBBBB-123456789123456789123456@webhook",
		"smtp":       "smtp://" + s.addr + "/?from=a@example.com&to=b@example.com",
		"teams": "teams://11111111-4444-4444-8444-cccccccccccc@22222222-4444-4444-8444-cccccccccccc/" +
			"33333333012222222222333333333344/44444444-4444-4444-8444-cccccccccccc/" +
			"V2ESyij_gAljSoUQHvZoZYzlpAoAXExyOl26dlf1xHEx05?host=test.webhook.office.com",
		"telegram": "telegram://12345:mock-token@telegram?chats=-7",
		"wecom":    "wecom://693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa",
		"zulip":    "zulip://bot-name%40zulipchat.com:horse@example.zulipchat.com?stream=foo&topic=bar",
	}
	r, err := router.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	known := r.ListServices()
	known = slices.DeleteFunc(known, func(name string) bool { return name == "logger" }) // which asks no server
	slices.Sort(known)
	if names := slices.Sorted(maps.Keys(services)); !slices.Equal(names, known) {
		t.Fatalf("tried are %q, there are %q", names, known)
	}
	secrets := map[string]string{}
	var refs []string
	for name, target := range services {
		secrets["env:"+name] = target
		refs = append(refs, "env:"+name)
	}
	p := newPost(t, secrets)
	p.box.Configure(Config{Services: refs})
	for _, c := range []struct {
		what, want string
	}{{"without a network", "cannot be reached"}, {"a server that refuses", "the server answered 403"}} {
		results, err := p.box.Test(t.Context(), "")
		if err != nil || len(results) != len(services) {
			t.Fatal(results, err)
		}
		for _, result := range results {
			switch {
			case result.Err == nil:
				t.Errorf("%s: %s has sent", c.what, result.Channel)
			case !strings.Contains(result.Err.Error(), c.want) && result.Channel != "env:smtp":
				t.Errorf("%s: %s says %q", c.what, result.Channel, result.Err)
			}
		}
		if s.end == nil {
			s.answers(func(string) (int, string) { return http.StatusForbidden, "<html>Forbidden</html>" })
			s.open()
		}
	}
}

const (
	taken    = `{"ok":true,"result":{"message_id":7}}`
	unknown  = `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`
	unshowed = `{"user":"invalid","errors":["user identifier is not a valid user"],"status":0}`
)

// TestTelegramIsGarbled has a proxy answer for Telegram: the alert waits until Telegram has it.
func TestTelegramIsGarbled(t *testing.T) {
	s := newChatServer(t)
	s.answers(func(string) (int, string) { return http.StatusOK, "<html>Please log in</html>" })
	s.open()
	p := newPost(t, map[string]string{"env:TG": "telegram://12345:mock-token@telegram?chats=-7"})
	p.box.Configure(Config{Services: []string{"env:TG"}})
	p.run()
	p.put(three()[0])
	if got := p.failing("env:TG"); got != errGarbled.Error() || p.channel("env:TG").Queued != 1 {
		t.Errorf("says %q", got)
	}
	s.answers(func(string) (int, string) { return http.StatusOK, taken })
	p.delivered()
	if c := p.channel("env:TG"); c.Sent != 1 || c.LastError != "" || len(s.requests()) != 1 {
		t.Errorf("%+v, %q", c, s.requests())
	}
}

// TestChatsOfTelegram has one of two chats be unknown: the other gets each alert once. When none is known, alerts wait,
// and it is said why.
func TestChatsOfTelegram(t *testing.T) {
	s := newChatServer(t)
	s.answers(func(body string) (int, string) {
		if strings.Contains(body, "@gone") {
			return http.StatusBadRequest, unknown
		}
		return http.StatusOK, taken
	})
	s.open()
	p := newPost(t, map[string]string{
		"env:TG":   "telegram://12345:mock-token@telegram?chats=@gone,-7",
		"env:GONE": "telegram://12345:mock-token@telegram?channels=@gone",
	})
	p.box.Configure(Config{Services: []string{"env:TG"}})
	p.run()
	p.put(three()...)
	p.delivered()
	const why = "the server answered 400: Bad Request: chat not found"
	if c := p.channel("env:TG"); c.Sent != 3 || c.LastError != why {
		t.Errorf("%+v", c)
	}
	to := strings.Join(s.requests(), "\n")
	if good, bad := strings.Count(to, `"-7"`), strings.Count(to, "@gone"); good != 3 || bad != 3 {
		t.Errorf("%d messages to the chat, %d to the unknown one", good, bad)
	}

	p.box.Configure(Config{Services: []string{"env:GONE"}})
	s.answers(func(string) (int, string) { return http.StatusBadRequest, unknown })
	p.put(three()...)
	until(t, "they are tried often", func() bool { return len(s.requests()) > 4*maxRefusals })
	if c := p.channel("env:GONE"); c.Queued != 3 || c.LastError != why {
		t.Errorf("%+v", c)
	}
	s.answers(func(string) (int, string) { return http.StatusOK, taken })
	p.delivered()
	if c := p.channel("env:GONE"); c.Sent != 3 || c.LastError != "" {
		t.Errorf("%+v", c)
	}
}

// TestPushoverSaysWhy has Pushover refuse the key of a user: its words say so.
func TestPushoverSaysWhy(t *testing.T) {
	s := newChatServer(t)
	s.answers(func(string) (int, string) { return http.StatusBadRequest, unshowed })
	s.open()
	p := newPost(t, map[string]string{"env:PO": "pushover://:apptoken@usertoken"})
	p.box.Configure(Config{Services: []string{"env:PO"}})
	results, err := p.box.Test(t.Context(), "")
	if err != nil || len(results) != 1 || results[0].Err == nil ||
		results[0].Err.Error() != "the server answered 400: user identifier is not a valid user" {
		t.Errorf("%v, %v", results, err)
	}
}

// TestConnectionEndsEarly has a server that closes connections, and speaks no TLS: each channel says so in words.
func TestConnectionEndsEarly(t *testing.T) {
	s := newPlace(t)
	srv := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	})}
	s.serve(func(ln net.Listener) { _ = srv.Serve(ln) }, func() { srv.Close() })
	p := newPost(t, map[string]string{
		"env:HOOK": "http://" + s.addr + "/hook", "env:GEN": "generic+http://" + s.addr + "/hook",
		"env:SLACK": "https://" + s.addr + "/hook", "env:TLS": "generic+https://" + s.addr + "/hook",
	})
	services := []string{"env:GEN", "env:TLS"}
	p.box.Configure(Config{Webhook: &Webhook{URL: "env:HOOK"}, Slack: "env:SLACK", Services: services})
	results, err := p.box.Test(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		want := "the server closed the connection before it had answered"
		if r.Channel == "slack" || r.Channel == "env:TLS" {
			want = "the server does not speak TLS there: is the port right, and https?"
		}
		if r.Err == nil || r.Err.Error() != want {
			t.Errorf("%s says %v, want %q", r.Channel, r.Err, want)
		}
	}
}

// canceled answers as a transport does whose client does not wait any longer.
type canceled struct{}

func (canceled) RoundTrip(req *http.Request) (*http.Response, error) {
	//lint:ignore SA1019 this is how clients with a limit end a request
	<-req.Cancel
	return nil, errors.New("net/http: request canceled")
}

// TestClientWaitsNoLonger has a service whose client has a limit of its own: that is no answer in time.
func TestClientWaitsNoLonger(t *testing.T) {
	w := &watched{RoundTripper: canceled{}}
	client := &http.Client{Transport: w, Timeout: time.Millisecond}
	if _, err := client.Get("http://127.0.0.1:1"); err == nil || !errors.Is(w.last.Load().err, errSlow) {
		t.Errorf("%v, %+v", err, w.last.Load())
	}
}

// prepareChild has a child of a test with a [chatServer] ask that alone. Some services try again for minutes.
func prepareChild() {
	bodyLimit = testBodyLimit
	if addr := os.Getenv(theirs); addr != "" {
		http.DefaultTransport, childLimit = elsewhere(addr), 10*time.Second
	}
	if limit, err := time.ParseDuration(os.Getenv(shortly)); err == nil {
		childLimit = limit
	}
}
