package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime/metrics"
	"strings"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/services/chat/telegram"
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

// childLimit bounds a delivery, so that its process can still say what came of it.
var childLimit = sendLimit - 2*time.Second

// job is one delivery by shoutrrr. It goes to the child by its standard input: arguments and environment can be seen by
// others.
type job struct {
	Target  string   `json:"target"` // URL of shoutrrr
	Text    string   `json:"text"`
	Subject string   `json:"subject,omitempty"`
	Mail    bool     `json:"mail,omitempty"`
	Secrets []string `json:"secrets,omitempty"` // that must not stand in an error

	web *watched // in the child
}

// result is what became of a job.
type result struct {
	Sent    bool   `json:"sent"`
	Refused bool   `json:"refused,omitempty"` // the server will not take it for this receiver, now or later
	Content bool   `json:"content,omitempty"` // the server will not take it for what is in it, now or later
	Error   string `json:"error,omitempty"`   // free of secrets

	Pause time.Duration `json:"pause,omitempty"` // for which the server wants to be left alone
}

func (r result) err() error {
	switch err := errors.New(r.Error); {
	case r.Sent:
		return nil
	case r.Content:
		return &contentError{err}
	case r.Pause > 0:
		return &pauseError{err, r.Pause}
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
	j.web = &watched{RoundTripper: http.DefaultTransport}
	http.DefaultTransport = j.web
	go j.watch(out)
	go func() {
		_, _ = io.Copy(io.Discard, in) // ends with the parent
		os.Exit(1)
	}()
	answer(out, j.outcome(j.send()))
}

func answer(out io.Writer, r result) { _ = json.NewEncoder(out).Encode(r) }

// watch ends the process when it exceeds its limits.
func (j *job) watch(out io.Writer) {
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	for end := time.Now().Add(childLimit); ; time.Sleep(childLook) {
		metrics.Read(heap)
		switch {
		case heap[0].Value.Uint64() > childMemory:
			answer(out, result{Error: "the server's answer is too long"})
			os.Exit(1)
		case time.Now().After(end):
			answer(out, j.outcome(errSlow))
			os.Exit(1)
		}
	}
}

var errUnexpected = errors.New("the service failed in a way that was not expected")

// outcome says what came of a job that ended with err.
func (j *job) outcome(err error) result {
	red := Redacting(j.Secrets...)
	x, chat := j.web.last.Load(), strings.HasPrefix(j.Target, telegram.Scheme+":")
	switch {
	case j.Mail && (err == nil || j.web.mailed.Load()):
		return result{Sent: true}
	case j.Mail:
		return result{Error: mailError(err, red).Error(), Refused: receiverRefused(err), Content: mailRefused(err)}
	case x == nil && err == nil: // it asks no server
		return result{Sent: true}
	case x == nil:
		return result{Error: plainError(err, red).Error()}
	case x.err != nil:
		return result{Error: plainError(x.err, red).Error()}
	case x.status/100 != 2:
		return result{
			Error: answered(x.status, red.text(x.words())), Content: aboutContent(x.status), Pause: x.pause,
			Refused: chat && (x.status == http.StatusBadRequest || x.status == http.StatusForbidden),
		}
	case err != nil && !x.cut:
		return result{Error: plainError(err, red).Error()}
	case chat && !x.confirmed():
		return result{Error: errGarbled.Error()}
	}
	return result{Sent: true}
}

// send sends a job by shoutrrr.
func (j *job) send() (err error) {
	defer func() {
		if recover() != nil { // what it panicked with may hold the address
			err = errUnexpected
		}
	}()
	r, err := router.New(j.web)
	if err != nil {
		return err
	}
	service, err := r.Locate(j.Target)
	if err != nil {
		return err
	}
	j.web.confine(service)
	params := types.Params{}
	if j.Subject != "" {
		params["subject"] = j.Subject
	}
	return service.Send(j.Text, &params)
}
