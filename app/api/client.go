package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"gatewatch/app/api/proof"
)

var (
	// ErrNotRunning means that no resident program is there.
	ErrNotRunning = errors.New("gatewatch is not running")
	// ErrNotResponding means that there is one, and that it hangs: it did not answer, or sent no heartbeat.
	ErrNotResponding = errors.New("gatewatch is not responding")
)

// requestLimit bounds the wait for what may have to ask Gateway, a keyring or another server.
const requestLimit = time.Minute

// maxReport bounds an answer, in bytes; it may be about ten years.
const maxReport = 8 << 20

// Card is the content of api.json, by which other programs of the user find the server.
type Card struct {
	URL   string `json:"url"`
	Token string `json:"token"`
	PID   int    `json:"pid"` // of the process that answers there; 0 if an older version wrote it
}

// Secret returns what the server and its clients know, and no other program.
func (c Card) Secret() proof.Secret { return proof.Secret{URL: c.URL, Token: c.Token} }

// Client talks to a running server.
type Client struct {
	card Card
	http *http.Client
}

// NewClient returns a client for the server that card names. Each connection has to prove that it leads there before
// the token is sent.
func NewClient(card Card) *Client {
	// without a proxy, whatever the environment says
	return ClientOver(&http.Transport{DialContext: card.Secret().Dial}, card)
}

// ClientOver returns a client whose requests a transport carries that leads to the server for certain.
func ClientOver(transport http.RoundTripper, card Card) *Client {
	c := &Client{card: card}
	c.http = &http.Client{
		Timeout:       5 * time.Second,
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// waiting returns a client that waits so long for an answer; 0: without end.
func (c *Client) waiting(limit time.Duration) *http.Client {
	longer := *c.http
	longer.Timeout = limit
	return &longer
}

// Close ends the connections that are kept for further requests.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status asks for the status and returns it with the JSON as it came.
func (c *Client) Status(ctx context.Context) (st Status, raw []byte, err error) {
	raw, err = c.exchange(ctx, c.http, http.MethodGet, "/status", nil)
	if hung, ok := errors.AsType[*failure](err); ok && hung.code == http.StatusGatewayTimeout {
		err = c.notResponding()
	}
	if err == nil {
		err = json.Unmarshal(raw, &st)
	}
	return st, raw, err
}

// Connect asks for an attempt now.
func (c *Client) Connect(ctx context.Context) (Answer, error) {
	return askFor[Answer](ctx, c, c.http, http.MethodPost, "/connect_ib")
}

// Disconnect asks to disconnect and pause.
func (c *Client) Disconnect(ctx context.Context) (Answer, error) {
	return askFor[Answer](ctx, c, c.http, http.MethodPost, "/disconnect_ib")
}

// Show asks the resident program to bring its window before the user.
func (c *Client) Show(ctx context.Context) (Answer, error) {
	return askFor[Answer](ctx, c, c.http, http.MethodPost, "/show")
}

// Quit asks the resident program to end. It has only begun to when this returns.
func (c *Client) Quit(ctx context.Context) (Answer, error) {
	return askFor[Answer](ctx, c, c.http, http.MethodPost, "/quit")
}

// get asks for what path answers.
func get[T any](ctx context.Context, c *Client, path string) (T, error) {
	return askFor[T](ctx, c, c.http, http.MethodGet, path)
}

// askFor sends a request without a body, and returns the answer.
func askFor[T any](ctx context.Context, c *Client, via *http.Client, method, path string) (v T, err error) {
	raw, err := c.exchange(ctx, via, method, path, nil)
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	return v, err
}

func (c *Client) exchange(ctx context.Context, via *http.Client, method, path string, content []byte, tag ...string) (
	[]byte, error,
) {
	res, err := c.open(ctx, via, method, path, content, tag...)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxReport))
	if err != nil {
		return nil, c.inTime(ctx, err)
	}
	if res.StatusCode/100 != 2 {
		f := &failure{request: method + " " + path, code: res.StatusCode, status: res.Status}
		if json.Unmarshal(body, &f.said) != nil || f.said.Error == "" {
			f.said = Refusal{Error: string(bytes.TrimSpace(body))}
		}
		return nil, f
	}
	return body, nil
}

func (c *Client) notResponding() error {
	if c.card.PID == 0 {
		return ErrNotResponding
	}
	return fmt.Errorf("%w (process %d)", ErrNotResponding, c.card.PID)
}

// inTime returns [ErrNotResponding] in the place of an error that means that there was no answer in time.
func (c *Client) inTime(ctx context.Context, err error) error {
	late := errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, proof.ErrClosed)
	if late && ctx.Err() == nil { // else the caller has waited long enough
		return c.notResponding()
	}
	return err
}

// open sends one request with the token, and with If-Match if there is a tag. The error is [ErrNotRunning] if no
// server, or another one, has the address, and [ErrNotResponding] if it does not answer in time.
func (c *Client) open(ctx context.Context, via *http.Client, method, path string, body []byte, tag ...string) (
	*http.Response, error,
) {
	req, err := http.NewRequestWithContext(ctx, method, c.card.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.card.Token)
	for _, t := range tag {
		req.Header.Set("If-Match", ETag(t))
	}
	res, err := via.Do(req)
	err = c.inTime(ctx, err)
	var dial *net.OpError
	switch {
	case errors.As(err, &dial) && dial.Op == "dial", errors.Is(err, proof.ErrStranger):
		return nil, ErrNotRunning // the file was left behind by a crash
	case err != nil:
		return nil, err
	case res.StatusCode == http.StatusUnauthorized:
		res.Body.Close()
		return nil, ErrNotRunning // the file was left behind, and another home's server has the port now
	}
	return res, nil
}

// request posts a request, with a body unless in is nil, and returns the answer. Where what it means is not there, it
// returns the error missing.
func request[T any](ctx context.Context, c *Client, path string, in any, missing error) (out T, err error) {
	var body []byte
	if in != nil {
		if body, err = json.Marshal(in); err != nil {
			return out, err
		}
	}
	return send[T](ctx, c, http.MethodPost, path, body, "rule", missing)
}

// send sends a request and returns the answer, or the error of the backend that the answer stands for: problems are
// those of a file.
func send[T any](ctx context.Context, c *Client, method, path string, body []byte, file string, missing error,
	tag ...string,
) (out T, err error) {
	raw, err := c.exchange(ctx, c.waiting(requestLimit), method, path, body, tag...)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if refused, ok := errors.AsType[*failure](err); ok {
		err = refused.meaning(file, missing)
	}
	return out, err
}
