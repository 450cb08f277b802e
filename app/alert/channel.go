package alert

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/telegram"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/email/smtp"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/pushover"
)

// entry is an alert on its way by one channel.
type entry struct {
	ID    string   `json:"id"`
	Alert Alert    `json:"alert"`
	Tried bool     `json:"tried"`          // a delivery has failed
	Stuck bool     `json:"stuck"`          // others waited when it came
	Done  []string `json:"done,omitempty"` // receivers that have it, where a channel has several
}

// message is an entry at the moment it is sent.
type message struct {
	entry
	late time.Duration // 0 if it is on time
	done func(receiver string)
}

// text returns the title and the body, with a word about being late.
func (m *message) text() (title, body string) {
	title, body = line(m.Alert.Title), strings.TrimSpace(m.Alert.Body)
	if m.late > 0 {
		body = fmt.Sprintf("%s\n\nSent late: this is of %s, %s ago.", body,
			m.Alert.At.Local().Format("Mon 2 Jan 15:04:05 MST"), span(m.late))
	}
	return title, strings.TrimSpace(body)
}

// line returns a text from outside as one line.
func line(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s))
}

func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return strings.TrimSuffix(fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60), " 0 s")
	}
	return strings.TrimSuffix(fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60), " 0 min")
}

// channel is one way out, as the settings have it.
type channel struct {
	name, service string
	send          func(ctx context.Context, m *message) error // the error is free of secrets
}

// channels returns the ways out that a configuration has.
func (o *Outbox) channels(c Config) []channel {
	var list []channel
	if c.Email != nil {
		list = append(list, channel{"email", "Email", func(ctx context.Context, m *message) error {
			return o.sendEmail(ctx, *c.Email, m)
		}})
	}
	if c.Slack != "" {
		list = append(list, channel{"slack", "Slack", func(ctx context.Context, m *message) error {
			return o.sendSlack(ctx, c.Slack, m)
		}})
	}
	if c.Webhook != nil {
		list = append(list, channel{"webhook", "Webhook", func(ctx context.Context, m *message) error {
			return o.sendWebhook(ctx, *c.Webhook, m)
		}})
	}
	for _, ref := range c.Services {
		list = append(list, channel{ref, "Service", func(ctx context.Context, m *message) error {
			return o.sendService(ctx, ref, m)
		}})
	}
	return list
}

// lookup returns the secrets that references name, and a redactor for them.
func (o *Outbox) lookup(refs ...string) ([]string, *Redactor, error) {
	values := make([]string, len(refs))
	for i, ref := range refs {
		if ref == "" {
			continue
		}
		value, err := o.secret(ref)
		if err != nil {
			return nil, nil, err
		}
		values[i] = strings.TrimSpace(value)
	}
	return values, Redacting(values...), nil
}

// refusedError says that some receivers have an alert and the others will not take it, now or later.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }

// contentError says that the server refuses an alert for what is in it: it takes others.
type contentError struct{ err error }

func (e *contentError) Error() string { return e.err.Error() }

// pauseError says that the server wants to be left alone for some time.
type pauseError struct {
	err   error
	pause time.Duration
}

func (e *pauseError) Error() string { return e.err.Error() }

// pauseOf returns for how long the server wants to be left alone that an error is about.
func pauseOf(err error) time.Duration {
	var e *pauseError
	if !errors.As(err, &e) {
		return 0
	}
	return e.pause
}

// aboutContent reports whether a status of HTTP is about what was sent, not about its address, the login, the rate or
// the server.
func aboutContent(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge ||
		status == http.StatusUnprocessableEntity
}

// sendEmail mails to each receiver.
func (o *Outbox) sendEmail(ctx context.Context, e Email, m *message) error {
	values, _, err := o.lookup(e.Password)
	if err != nil {
		return err
	}
	u := url.URL{Scheme: "smtp", Host: net.JoinHostPort(e.Server, strconv.Itoa(e.Port)), Path: "/"}
	q := url.Values{"from": {e.From}, "fromname": {"Gatewatch"}, "timeout": {"20s"}}
	if e.User != "" {
		u.User = url.UserPassword(e.User, values[0])
	}
	switch e.Encryption {
	case "none":
		q.Set("encryption", "None")
		q.Set("usestarttls", "No")
	case "starttls":
		q.Set("encryption", "ExplicitTLS")
		q.Set("requirestarttls", "Yes")
	case "tls":
		q.Set("encryption", "ImplicitTLS")
	}
	title, body := m.text()
	subject := mime.QEncoding.Encode("utf-8", "Gatewatch: "+title)
	return m.toEach(e.To, func(to string) result {
		q.Set("to", to)
		u.RawQuery = q.Encode()
		return o.shout(ctx, job{Target: u.String(), Text: body, Subject: subject, Mail: true, Secrets: values})
	})
}

// toEach sends a message to each receiver that does not have it yet. One that the server refuses for good holds up
// nothing once another has the message.
func (m *message) toEach(receivers []string, send func(to string) result) error {
	var failed, refused, content error
	for _, to := range receivers {
		if slices.Contains(m.Done, to) {
			continue
		}
		switch r := send(to); {
		case r.Sent:
			m.Done = append(m.Done, to)
			m.done(to)
		case r.Refused:
			refused = r.err()
		case r.Content:
			content = r.err()
		default:
			failed = r.err()
		}
	}
	switch {
	case failed != nil:
		return failed
	case len(m.Done) > 0 && cmp.Or(refused, content) != nil:
		return &refusedError{cmp.Or(refused, content)}
	}
	return cmp.Or(content, refused)
}

// receiverRefused reports whether the server has refused the address of the receiver for good.
func receiverRefused(err error) bool {
	var answer *textproto.Error
	return failedAt(err, smtp.FailSetRecipient) && errors.As(err, &answer) && answer.Code/100 == 5
}

// mailRefused reports whether the server has refused a mail for good when it had read it, and not for its quota, its
// route or who sends it, as far as its enhanced status code (RFC 3463) says.
func mailRefused(err error) bool {
	var answer *textproto.Error
	if !failedAt(err, smtp.FailCloseDataStream) || !errors.As(err, &answer) || answer.Code/100 != 5 {
		return false
	}
	var subject, detail int
	if n, _ := fmt.Sscanf(answer.Msg, "5.%d.%d", &subject, &detail); n < 2 {
		return true
	}
	switch subject {
	case 0, 6: // other, and what a mail consists of
		return true
	case 2:
		return detail == 3 // too long
	case 3:
		return detail == 4 // too big
	case 7: // policy: other, and not authorized, which is what spam is called
		return detail <= 1
	}
	return false
}

// failedAt reports whether a step of shoutrrr's has failed. Its type for the steps has no name here.
func failedAt[Step comparable](err error, step Step) bool {
	for err != nil {
		var failure interface {
			error
			ID() Step
		}
		if !errors.As(err, &failure) {
			return false
		}
		if failure.ID() == step {
			return true
		}
		err = errors.Unwrap(failure)
	}
	return false
}

// mailError says what went wrong with a mail, and what to do.
func mailError(err error, red *Redactor) error {
	var answer *textproto.Error
	if !errors.As(err, &answer) {
		return plainError(err, red)
	}
	said := red.text(fmt.Sprintf("%d %s", answer.Code, answer.Msg))
	switch answer.Code {
	case 530, 534, 535, 538:
		return fmt.Errorf("the mail server refused the login (%s): check user name, password and encryption",
			said)
	case 550, 551, 553, 554:
		return fmt.Errorf("the mail server refused the message (%s): check the sender and the receivers", said)
	}
	return fmt.Errorf("the mail server answered %s", said)
}

// sendSlack posts to an incoming webhook of Slack, or of what speaks like it.
func (o *Outbox) sendSlack(ctx context.Context, ref string, m *message) error {
	values, _, err := o.lookup(ref)
	if err != nil {
		return err
	}
	u, err := url.Parse(values[0])
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return errors.New("the secret is not the URL of an incoming webhook; it starts with https://")
	}
	u.Scheme = "generic+" + u.Scheme
	q := u.Query()
	q.Set("template", "json")
	q.Set("messagekey", "text")
	u.RawQuery = q.Encode()
	title, body := m.text()
	// Slack's own marks: text from outside calls no one and links to nothing.
	text := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(title + "\n" + body)
	return o.shout(ctx, job{Target: u.String(), Text: text, Secrets: values}).err()
}

// What services take of a text at most, in bytes. Those that are not named take as much as Telegram, or more.
const (
	telegramLimit = 4096
	pushoverLimit = 1024
)

// shorten returns as much of a text as a limit of bytes allows.
func shorten(s string, limit int) string {
	const rest = "…"
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit-len(rest)], "") + rest
}

// sendService sends by any service that shoutrrr speaks.
func (o *Outbox) sendService(ctx context.Context, ref string, m *message) error {
	values, _, err := o.lookup(ref)
	if err != nil {
		return err
	}
	u, err := url.Parse(values[0])
	title, body := m.text()
	limit := telegramLimit
	if err == nil && u.Scheme == pushover.Scheme {
		limit = pushoverLimit
	}
	text := shorten("Gatewatch: "+title+"\n"+body, limit)
	send := func(target string) result {
		return o.shout(ctx, job{Target: target, Text: text, Secrets: values})
	}
	if err != nil || u.Scheme != telegram.Scheme {
		return send(values[0]).err()
	}
	// To one chat after the other: the others do not get it again because one does not take it.
	q := u.Query()
	chats := strings.Split(cmp.Or(q.Get("chats"), q.Get("channels")), ",")
	q.Del("channels")
	return m.toEach(chats, func(chat string) result {
		q.Set("chats", chat)
		u.RawQuery = q.Encode()
		return send(u.String())
	})
}

// errSlow means that a service has not answered in time. It may still deliver.
var errSlow = errors.New("no answer in time")

// webhookBody is what a webhook is sent.
type webhookBody struct {
	ID string `json:"id"`
	Alert
	Late        bool    `json:"late"`
	LateSeconds float64 `json:"late_seconds"`
	Version     string  `json:"version"`
}

func (o *Outbox) sendWebhook(ctx context.Context, w Webhook, m *message) error {
	values, red, err := o.lookup(w.URL, w.SigningKey)
	if err != nil {
		return err
	}
	body, err := json.Marshal(webhookBody{m.ID, m.Alert, m.late > 0, float64(m.late.Milliseconds()) / 1000, o.version})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, values[0], bytes.NewReader(body))
	if err != nil {
		return errNoURL
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", m.ID)
	if w.SigningKey != "" {
		stamp := strconv.FormatInt(time.Now().Unix(), 10)
		mac := hmac.New(sha256.New, []byte(values[1]))
		mac.Write([]byte(stamp + "."))
		mac.Write(body)
		req.Header.Set("X-Gatewatch-Timestamp", stamp)
		req.Header.Set("X-Gatewatch-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	return o.request(req, red)
}

// request sends an HTTP request whose address is secret; any 2xx is success.
func (o *Outbox) request(req *http.Request, red *Redactor) error {
	req.Header.Set("User-Agent", "Gatewatch/"+o.version)
	res, err := o.client.Do(req)
	if err != nil {
		return plainError(err, red)
	}
	x := exchanged(res)
	if x.status/100 == 2 {
		return nil
	}
	return result{
		Error: answered(x.status, red.text(x.words())), Content: aboutContent(x.status), Pause: x.pause,
	}.err()
}

// plainError says what went wrong with the network, without any secret.
func plainError(err error, red *Redactor) error {
	var (
		dns   *net.DNSError
		op    *net.OpError
		plain tls.RecordHeaderError
		wrap  *url.Error
	)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errSlow), errors.Is(err, context.DeadlineExceeded), errors.As(err, &wrap) && wrap.Timeout():
		return errors.New("the server did not answer in time")
	case errors.As(err, &dns):
		return errors.New("the server's name cannot be resolved: there is no network, or the name is wrong")
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Errorf("the server cannot be reached: %s", red.text(op.Err.Error()))
	case errors.Is(err, errOtherHost):
		return errOtherHost
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return errors.New("the server closed the connection before it had answered")
	case errors.As(err, &plain):
		return errors.New("the server does not speak TLS there: is the port right, and https?")
	case errors.As(err, &wrap):
		return red.err(wrap.Err)
	}
	// Some services make one text of all that they wrap. What is behind the last address is what went wrong.
	said := red.text(err.Error())
	if i := strings.LastIndex(said, hidden+": "); i >= 0 {
		said = said[i+len(hidden+": "):]
	}
	return errors.New("not delivered: " + said)
}
