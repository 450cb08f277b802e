package alert

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime/metrics"
	"sync/atomic"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/push/ntfy"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// shoutrrr knows no context, and reads what a server sends to the end, however much that is. So each of its deliveries
// is a process of its own, which has a limit of time and of memory and can be killed.

// ChildCommand is the command of the program that runs [Child].
const ChildCommand = "deliver-alert"

const (
	// childMemory bounds what a delivery may keep in memory.
	childMemory = 64 << 20
	// childLook is the time between two looks at that.
	childLook = 10 * time.Millisecond
	// maxResult bounds what is read of a child's answer.
	maxResult = 64 << 10
)

// job is one delivery by shoutrrr. It goes to the child by its standard input: arguments and environment can be seen by
// others.
type job struct {
	Target  string   `json:"target"` // URL of shoutrrr
	Text    string   `json:"text"`
	Subject string   `json:"subject,omitempty"`
	Mail    bool     `json:"mail,omitempty"`
	Secrets []string `json:"secrets,omitempty"` // that must not stand in an error
}

// result is what became of a job.
type result struct {
	Sent    bool   `json:"sent"`
	Refused bool   `json:"refused,omitempty"` // the server will not take it for this receiver, now or later
	Content bool   `json:"content,omitempty"` // the server will not take it for what is in it, now or later
	Error   string `json:"error,omitempty"`   // free of secrets
}

func (r result) err() error {
	switch err := errors.New(r.Error); {
	case r.Sent:
		return nil
	case r.Content:
		return &contentError{err}
	default:
		return err
	}
}

// shout delivers in a child process and waits for its end, or that of ctx.
func (o *Outbox) shout(ctx context.Context, j job) result {
	input, err := json.Marshal(j)
	if err != nil {
		return result{Error: "the alert cannot be encoded"}
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, o.child[0], o.child[1:]...)
	cmd.Stdout, cmd.WaitDelay = &limitedWriter{&out, maxResult}, time.Second
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.SysProcAttr = childAttr()
	// The pipe stays open as long as this process lives: a child whose parent was killed must not deliver what the next
	// start delivers again.
	stdin, err := cmd.StdinPipe()
	if err == nil {
		if err = cmd.Start(); err == nil {
			_, _ = stdin.Write(input) // a child that is gone already says so below
			err = cmd.Wait()
		}
	}
	var r result
	switch {
	case ctx.Err() != nil:
		return result{Error: plainError(errSlow, nil).Error()}
	case json.Unmarshal(out.Bytes(), &r) == nil && (r.Sent || r.Error != ""):
		return r
	case err != nil && cmd.Process == nil:
		return result{Error: "the delivery could not be started: " + err.Error()}
	}
	return result{Error: errUnexpected.Error()}
}

// limitedWriter takes so many bytes and drops the rest.
type limitedWriter struct {
	to   io.Writer
	left int
}

func (w *limitedWriter) Write(p []byte) (int, error) {
	keep := p[:min(len(p), w.left)]
	w.left -= len(keep)
	if _, err := w.to.Write(keep); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Child does one job that in holds, writes what became of it to out and returns. It ends the process when the job takes
// too long or too much memory.
func Child(in io.Reader, out io.Writer) {
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		answer(out, result{Error: "the alert cannot be decoded"})
		return
	}
	go watchChild(out)
	go func() {
		_, _ = io.Copy(io.Discard, in) // ends with the parent
		os.Exit(1)
	}()
	web := &sameHost{RoundTripper: http.DefaultTransport}
	http.DefaultTransport = web
	r := j.do()
	r.Content = r.Content || !r.Sent && aboutContent(int(web.status.Load()))
	answer(out, r)
}

func answer(out io.Writer, r result) { _ = json.NewEncoder(out).Encode(r) }

// watchChild ends the process when it exceeds its limits.
func watchChild(out io.Writer) {
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	for end := time.Now().Add(sendLimit); ; time.Sleep(childLook) {
		metrics.Read(heap)
		switch {
		case heap[0].Value.Uint64() > childMemory:
			answer(out, result{Error: "the server's answer is too long"})
			os.Exit(1)
		case time.Now().After(end):
			answer(out, result{Error: plainError(errSlow, nil).Error()})
			os.Exit(1)
		}
	}
}

// sameHost follows no redirect to another host: an alert is for the one that the settings name.
type sameHost struct {
	http.RoundTripper
	status atomic.Int32 // of the last answer, which most services put into a text
}

var (
	errOtherHost  = errors.New("the server points to another host; store the address it points to")
	errUnexpected = errors.New("the service failed in a way that was not expected")
)

func (t *sameHost) RoundTrip(req *http.Request) (*http.Response, error) {
	first := req
	for first.Response != nil && first.Response.Request != nil {
		first = first.Response.Request
	}
	if first != req && (first.URL.Host != req.URL.Host || first.URL.Scheme == "https" && req.URL.Scheme != "https") {
		return nil, errOtherHost
	}
	res, err := t.RoundTripper.RoundTrip(req)
	t.status.Store(0)
	if err == nil {
		t.status.Store(int32(res.StatusCode))
	}
	return res, err
}

// confine has a service that does not use the default transport follow no redirect to another host either.
func confine(service types.Service) {
	switch s := service.(type) {
	case *ntfy.Service: // which does not show its client
		own := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: s.Config.DisableTLSVerification}}
		s.SetHTTPClient(&http.Client{Transport: &sameHost{RoundTripper: own}})
	case interface{ GetHTTPClient() *http.Client }: // Gotify, Mattermost
		if c := s.GetHTTPClient(); c != nil && c.Transport != nil {
			c.Transport = &sameHost{RoundTripper: c.Transport}
		}
	}
}

// do sends a job by shoutrrr.
func (j *job) do() result {
	red := Redacting(j.Secrets...)
	err := j.send()
	switch {
	case err == nil || j.Mail && unparted(err):
		return result{Sent: true}
	case j.Mail:
		return result{Error: mailError(err, red).Error(), Refused: receiverRefused(err), Content: mailRefused(err)}
	}
	return result{Error: plainError(err, red).Error(), Content: aboutContent(statusIn(err))}
}

// statusIn returns the status of HTTP that an error of a service with a transport of its own holds, 0 if there is none.
// The types of these errors have no names here; as JSON all of them have it in a field.
func statusIn(err error) int {
	for ; err != nil; err = errors.Unwrap(err) {
		var said struct {
			StatusCode int
			Gotify     int `json:"errorCode"`
			Ntfy       int `json:"code"` // the status and two digits
		}
		text, _ := json.Marshal(err)
		_ = json.Unmarshal(text, &said)
		if status := cmp.Or(said.StatusCode, said.Gotify, said.Ntfy/100); status > 0 {
			return status
		}
	}
	return 0
}

func (j *job) send() (err error) {
	defer func() {
		if recover() != nil { // what it panicked with may hold the address
			err = errUnexpected
		}
	}()
	r, err := router.New(nil)
	if err != nil {
		return err
	}
	service, err := r.Locate(j.Target)
	if err != nil {
		return err
	}
	confine(service)
	params := types.Params{}
	if j.Subject != "" {
		params["subject"] = j.Subject
	}
	return service.Send(j.Text, &params)
}
