package api

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"sync"
	"time"

	"gatewatch/app/api/loopback"
)

const (
	// codeLife is how long a one-time code can be exchanged for a token: as long as a browser may take to start.
	codeLife = 30 * time.Second
	// maxGrants bounds the pages that are known at once; the oldest is forgotten first.
	maxGrants = 64
	// maxWrong is how many wrong codes make all those void that have not been used.
	maxWrong = 100
)

// grants are the one-time codes that were made, and the tokens that they were exchanged for.
//
// The code stands in the address with which a browser is started, so in a list of processes, where other users may read it.
// It is good for one exchange, and only for a process of this user where the system tells ([loopback.SameUser]). If a code comes
// twice, two have read it: the token that the first got is void from then on.
type grants struct {
	mu    sync.Mutex
	list  []grant
	wrong int // codes in a row
}

type grant struct {
	code, token [sha256.Size]byte // hashes
	made        time.Time
	used        bool
}

// PageCode is the body of POST /session: what stands behind the # of the page's address.
type PageCode struct {
	Code string `json:"code"`
}

// PageToken is the answer to POST /session: a token that is good until Gatewatch ends.
type PageToken struct {
	Token string `json:"token"`
}

// PageURL returns the address of the page with a code that is good once, for some seconds.
func (s *Server) PageURL() string {
	code := rand.Text()
	s.grants.mu.Lock()
	defer s.grants.mu.Unlock()
	if len(s.grants.list) == maxGrants {
		s.grants.list = s.grants.list[1:]
	}
	s.grants.list = append(s.grants.list, grant{code: sha256.Sum256([]byte(code)), made: time.Now()})
	s.grants.wrong = 0
	return s.URL() + "/#code=" + code
}

// exchange returns a token for a code, once.
func (g *grants) exchange(code string, now time.Time) (token string, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	sum := sha256.Sum256([]byte(code))
	var found *grant
	for i := range g.list {
		if subtle.ConstantTimeCompare(sum[:], g.list[i].code[:]) == 1 {
			found = &g.list[i]
		}
	}
	switch {
	case found == nil:
		if g.wrong++; g.wrong == maxWrong {
			g.list = keep(g.list, func(one grant) bool { return one.used })
		}
		return "", false
	case found.used || now.Sub(found.made) > codeLife:
		found.used, found.token = true, [sha256.Size]byte{} // of no token
		return "", false
	}
	token = rand.Text() + rand.Text()
	found.used, found.token = true, sha256.Sum256([]byte(token))
	return token, true
}

func keep(list []grant, good func(grant) bool) (kept []grant) {
	for _, one := range list {
		if good(one) {
			kept = append(kept, one)
		}
	}
	return kept
}

// know reports whether the hash is that of a page's token.
func (g *grants) know(sum [sha256.Size]byte) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	known := 0
	for _, one := range g.list {
		known |= subtle.ConstantTimeCompare(sum[:], one.token[:])
	}
	return known == 1
}

// session exchanges a code for a token.
func (s *Server) session(w http.ResponseWriter, r *http.Request) {
	var asked PageCode
	if !decode(w, r, &asked, func() bool { return asked.Code != "" }, `{"code": "CODE"}`) {
		return
	}
	if !loopback.SameUser(r) {
		s.log.Warn("another user of this computer tried to open the page")
		fail(w, http.StatusForbidden, "this is another user's Gatewatch")
		return
	}
	token, ok := s.grants.exchange(asked.Code, time.Now())
	if !ok {
		s.log.Warn("a code for the page was refused: unknown, too old, or used before")
		fail(w, http.StatusForbidden, "the code is unknown, older than 30 s, or was used before; open the page again, from the tray or with `gatewatch open`")
		return
	}
	answer(w, http.StatusOK, PageToken{token})
}
