package codes

import (
	"crypto/sha256"
	"testing"
	"time"
)

var now = time.Date(2026, 3, 9, 9, 31, 0, 0, time.UTC)

func hashOf(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

func TestCodeAges(t *testing.T) {
	var c Codes
	old, young := c.New(now), c.New(now)
	if _, ok := c.Exchange(young, now.Add(Life)); !ok {
		t.Error("too old too early")
	}
	for range 2 {
		if _, ok := c.Exchange(old, now.Add(Life+time.Millisecond)); ok {
			t.Error("it never ages")
		}
	}
}

// TestTwice exchanges a code twice: the token of the first exchange is void.
func TestTwice(t *testing.T) {
	var c Codes
	code, other := c.New(now), c.New(now)
	token, ok := c.Exchange(code, now)
	kept, okOther := c.Exchange(other, now)
	if !ok || !okOther || !c.Knows(hashOf(token)) || !c.Knows(hashOf(kept)) || token == kept {
		t.Fatalf("tokens %q and %q", token, kept)
	}
	if again, ok := c.Exchange(code, now); ok || again != "" || c.Knows(hashOf(token)) {
		t.Error("a code that came twice is valid, or its token")
	}
	if !c.Knows(hashOf(kept)) {
		t.Error("the other token is void, too")
	}
}

// TestGuessing sends wrong codes until those that wait are void. A code that is made after that is valid, and so is a
// token of before.
func TestGuessing(t *testing.T) {
	var c Codes
	token, _ := c.Exchange(c.New(now), now)
	waits := c.New(now)
	for range maxWrong {
		c.Exchange("guess", now)
	}
	if _, ok := c.Exchange(waits, now); ok {
		t.Error("one may guess on and on")
	}
	if _, ok := c.Exchange(c.New(now), now); !ok || !c.Knows(hashOf(token)) {
		t.Error("no one gets in any more")
	}
	for range 2 * MaxPages {
		c.New(now)
	}
	if len(c.list) != MaxPages || c.Knows(hashOf(token)) {
		t.Errorf("%d are kept", len(c.list))
	}
}
