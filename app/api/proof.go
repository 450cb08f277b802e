package api

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
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// LockFile is the file beside api.json that the running program holds locked.
const LockFile = "gatewatch.lock"

const (
	// proofLimit is how long a server may take to prove that it knows the token.
	proofLimit = 3 * time.Second
	// closedPause is the time between two attempts to get a proof, while the server closes connections unanswered.
	closedPause = 50 * time.Millisecond
	// minNonce and maxNonce bound what a proof is asked for.
	minNonce, maxNonce = 16, 128
)

// errStranger means that another program has the port, and cannot prove that it knows the token.
var errStranger = errors.New("another program answers at the address in api.json")

// FindCard reads api.json as [ReadCard] does, and returns [ErrNotRunning] if the lock beside it is there and no program
// holds it: a program that was killed has left both behind.
func FindCard(path string) (Card, error) {
	if held, known := lockOf(path); known && !held {
		return Card{}, ErrNotRunning
	}
	return ReadCard(path)
}

// Claimed reports whether a program holds the lock beside api.json.
func Claimed(path string) bool {
	held, _ := lockOf(path)
	return held
}

// lockOf reports whether the lock beside api.json is held, if that can be known.
func lockOf(path string) (held, known bool) {
	lock := filepath.Join(filepath.Dir(path), LockFile)
	if _, err := os.Stat(lock); err != nil {
		return false, false
	}
	l := flock.New(lock)
	free, err := l.TryRLock()
	if free {
		_ = l.Unlock()
	}
	return !free, err == nil
}

// Proof is the answer to GET /proof: that the server knows the token of api.json, without telling it.
type Proof struct {
	// HMAC-SHA256 of the nonce, a space and the server's URL, with the token as its key, in hex
	Proof string `json:"proof"`
}

// proof answers what only who has the token can answer.
func (s *Server) proof(w http.ResponseWriter, r *http.Request) {
	q, err := parameters(r, "nonce")
	nonce := q.Get("nonce")
	if err == nil && (len(nonce) < minNonce || len(nonce) > maxNonce) {
		err = fmt.Errorf("nonce is not a random text of %d to %d characters", minNonce, maxNonce)
	}
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	answer(w, http.StatusOK, Proof{proofOf(Card{URL: s.URL(), Token: s.token}, nonce)})
}

func proofOf(c Card, nonce string) string {
	sum := hmac.New(sha256.New, []byte(c.Token))
	sum.Write([]byte(nonce + " " + c.URL))
	return hex.EncodeToString(sum.Sum(nil))
}

// errClosed means that the server closed a connection without an answer. One that has too many makes room so.
var errClosed = errors.New("the connection was closed without an answer")

// dial connects to the server and has it prove that it knows the token, before anything else is sent. Where connections
// are closed, it tries again for a while.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	for end := time.Now().Add(proofLimit); ; {
		nc, err := c.dialOnce(ctx, network, address)
		if !errors.Is(err, errClosed) || time.Now().After(end) {
			return nc, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(closedPause):
		}
	}
}

func (c *Client) dialOnce(ctx context.Context, network, address string) (net.Conn, error) {
	nc, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	_ = nc.SetDeadline(time.Now().Add(proofLimit))
	if err = c.prove(nc); err == nil && stop() {
		err = nc.SetDeadline(time.Time{})
	}
	if err = errors.Join(err, ctx.Err()); err != nil {
		nc.Close()
		return nil, err
	}
	return nc, nil
}

// prove asks the server at the other end for a proof, and returns errStranger if it gives a wrong one or none.
func (c *Client) prove(nc net.Conn) error {
	nonce := rand.Text()
	req, err := http.NewRequest(http.MethodGet, c.card.URL+"/proof?nonce="+nonce, nil)
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
		return errClosed
	}
	res, err := http.ReadResponse(in, req)
	var network net.Error
	switch {
	case errors.As(err, &network):
		return err
	case err != nil || res.StatusCode != http.StatusOK || res.ContentLength < 0 || res.ContentLength > maxBody:
		return errStranger
	}
	var got Proof
	err = json.NewDecoder(res.Body).Decode(&got)
	res.Body.Close() // reads the rest
	if err != nil || c.card.Token == "" || !hmac.Equal([]byte(got.Proof), []byte(proofOf(c.card, nonce))) ||
		in.Buffered() > 0 {
		return errStranger
	}
	return nil
}
