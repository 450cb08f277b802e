package nudge

import "testing"

// woken counts the nudges that a subscriber has not taken yet.
func woken(c <-chan struct{}) (n int) {
	for {
		select {
		case <-c:
			n++
		default:
			return n
		}
	}
}

func TestSubscribers(t *testing.T) {
	var s Subscribers
	s.Nudge() // no one
	slow, _ := s.Subscribe()
	ended, end := s.Subscribe()
	if n := woken(ended); n != 1 {
		t.Errorf("a new subscriber is woken %d times, want once", n)
	}
	end()
	for range 3 {
		s.Nudge() // waits for no one
	}
	if n, m := woken(slow), woken(ended); n != 1 || m != 0 {
		t.Errorf("a slow one is woken %d times, one that has ended %d times; want 1 and 0", n, m)
	}
	s.Nudge()
	if n := woken(slow); n != 1 {
		t.Errorf("woken again %d times, want once", n)
	}
}

func TestOffer(t *testing.T) {
	c := make(chan int, 1)
	Offer(c, 1)
	Offer(c, 2) // dropped
	if v := <-c; v != 1 {
		t.Errorf("got %d, want 1", v)
	}
	Offer(nil, 3)
}
