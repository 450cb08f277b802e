// Package proof shows a client that the server at an address knows a token, before the client sends it: another
// program may have the port by now.
package proof

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"gatewatch/app/api/jsonhttp"
)

const (
	// limit is how long a server may take to prove that it knows the token.
	limit = 3 * time.Second
	// pause is the time between two attempts to get a proof, while the server closes connections unanswered.
	pause = 50 * time.Millisecond
	// maxAnswer bounds an answer, in bytes.
	maxAnswer = 4 << 10
	// minNonce and MaxNonce bound what a proof is asked for, in characters.
	minNonce, MaxNonce = 16, 128
)

// ErrStranger means that another program has the port, and cannot prove that it knows the token.
var ErrStranger = errors.New("another program answers at the address in api.json")

// ErrClosed means that the server closed a connection without an answer. One that has too many makes room so.
var ErrClosed = errors.New("the connection was closed without an answer")

// Proof is the answer to GET /proof: that the server knows the token of api.json, without telling it.
type Proof struct {
	// HMAC-SHA256 of the nonce, a space and the server's URL, with the token as its key, in hex
	Proof string `json:"proof"`
}

// Secret is a server's URL, and the token that it must know.
type Secret struct{ URL, Token string }

// Of returns the proof for a nonce.
func (s Secret) Of(nonce string) Proof {
	sum := hmac.New(sha256.New, []byte(s.Token))
	sum.Write([]byte(nonce + " " + s.URL))
	return Proof{hex.EncodeToString(sum.Sum(nil))}
}

// Serve answers with what only who has the token can answer.
func (s Secret) Serve(w http.ResponseWriter, r *http.Request) {
	q, err := jsonhttp.Query(r, "nonce")
	nonce := q.Get("nonce")
	if err == nil && (len(nonce) < minNonce || len(nonce) > MaxNonce) {
		err = fmt.Errorf("nonce is not a random text of %d to %d characters", minNonce, MaxNonce)
	}
	if err != nil {
		jsonhttp.Fail(w, http.StatusBadRequest, err.Error())
		return
	}
	jsonhttp.Answer(w, http.StatusOK, s.Of(nonce))
}

// Dial connects to the server, which must prove that it knows the token before anything else is sent. Where connections
// are closed, it tries again for three seconds. The error is [ErrStranger] for a wrong proof or none, [ErrClosed] if
// all connections were closed.
func (s Secret) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	for end := time.Now().Add(limit); ; {
		nc, err := s.dialOnce(ctx, network, address)
		if !errors.Is(err, ErrClosed) || time.Now().After(end) {
			return nc, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (s Secret) dialOnce(ctx context.Context, network, address string) (net.Conn, error) {
	nc, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	_ = nc.SetDeadline(time.Now().Add(limit))
	if err = s.demand(nc); err == nil && stop() {
		err = nc.SetDeadline(time.Time{})
	}
	if err = errors.Join(err, ctx.Err()); err != nil {
		nc.Close()
		return nil, err
	}
	return nc, nil
}

// demand asks the server at the other end for a proof.
func (s Secret) demand(nc net.Conn) error {
	nonce := rand.Text()
	req, err := http.NewRequest(http.MethodGet, s.URL+"/proof?nonce="+nonce, nil)
	if err != nil {
		return err
	}
	in := bufio.NewReader(nc)
	if err = req.Write(nc); err == nil {
		_, err = in.Peek(1)
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case err != nil:
		return ErrClosed
	}
	res, err := http.ReadResponse(in, req)
	var network net.Error
	switch {
	case errors.As(err, &network):
		return err
	case err != nil || res.StatusCode != http.StatusOK || res.ContentLength < 0 || res.ContentLength > maxAnswer:
		return ErrStranger
	}
	var got Proof
	err = json.NewDecoder(res.Body).Decode(&got)
	res.Body.Close() // reads the rest
	if err != nil || s.Token == "" || !hmac.Equal([]byte(got.Proof), []byte(s.Of(nonce).Proof)) || in.Buffered() > 0 {
		return ErrStranger
	}
	return nil
}
