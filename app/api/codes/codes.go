// Package codes has the one-time codes by which the page gets a token.
//
// A code is in the address with which a browser is started, so in a list of processes, where other users may read it.
// It is valid for one exchange. If it comes twice, two have read it: the token that the first got is void from then on.
package codes

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"sync"
	"time"
)

const (
	// Life is how long a code can be exchanged for a token: as long as a browser may take to start.
	Life = 30 * time.Second
	// MaxPages bounds the pages that are known at once; the oldest is forgotten first.
	MaxPages = 64
	// maxWrong is how many wrong codes make all those void that have not been used.
	maxWrong = 100
)

// Codes are the codes that were made, and the tokens that they were exchanged for. The zero value is ready to use.
type Codes struct {
	mu    sync.Mutex
	list  []grant
	wrong int // codes in a row
}

type grant struct {
	code, token [sha256.Size]byte // hashes
	made        time.Time
	used        bool
}

// New returns a new code.
func (c *Codes) New(now time.Time) (code string) {
	code = rand.Text()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.list) == MaxPages {
		c.list = c.list[1:]
	}
	c.list = append(c.list, grant{code: sha256.Sum256([]byte(code)), made: now})
	c.wrong = 0
	return code
}

// Exchange returns a token for a code, once.
func (c *Codes) Exchange(code string, now time.Time) (token string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := sha256.Sum256([]byte(code))
	var found *grant
	for i := range c.list {
		if subtle.ConstantTimeCompare(sum[:], c.list[i].code[:]) == 1 {
			found = &c.list[i]
		}
	}
	switch {
	case found == nil:
		if c.wrong++; c.wrong == maxWrong {
			c.list = slices.DeleteFunc(c.list, func(g grant) bool { return !g.used })
		}
		return "", false
	case found.used || now.Sub(found.made) > Life:
		found.used, found.token = true, [sha256.Size]byte{} // of no token
		return "", false
	}
	token = rand.Text() + rand.Text()
	found.used, found.token = true, sha256.Sum256([]byte(token))
	return token, true
}

// Knows reports whether the SHA-256 hash is that of a token that a code was exchanged for.
func (c *Codes) Knows(sum [sha256.Size]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := 0
	for _, g := range c.list {
		known |= subtle.ConstantTimeCompare(sum[:], g.token[:])
	}
	return known == 1
}
