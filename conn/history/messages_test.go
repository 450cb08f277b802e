package history

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestMessages fills the list of messages in the ways in which Gateway does.
func TestMessages(t *testing.T) {
	var m Messages
	at := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	for i := range 10_000 { // a flood of one code, whose numbers and words differ
		m.Add(322, fmt.Sprintf("request %d: %s", i, strings.Repeat("x", i%100)), at)
	}
	m.Add(2104, "Market data farm connection is OK:usfarm", at)
	m.Add(2104, "Market data farm connection is OK:usfarm", at.Add(time.Second))
	m.Add(110, "The price 230.501 does not conform", at)
	m.Add(110, "The price 9.5001 does not conform", at.Add(time.Minute))
	m.Add(399, "Ордер 12 \xff"+strings.Repeat("ж", 1000), at)
	list := m.All()
	if len(list) != maxTexts+3 {
		t.Fatalf("%d messages", len(list))
	}
	if got := list[0]; got.Code != 399 || len(got.Text) > maxMessage+3 ||
		!strings.HasPrefix(got.Text, "Ордер 12 \uFFFDж") {
		t.Errorf("%+v", got)
	}
	if got, want := list[1], (Message{
		110, "The price 9.5001 does not conform", at, at.Add(time.Minute),
		2,
	}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := list[2]; got.Code != 2104 || got.Count != 2 || !got.First.Equal(at) ||
		!got.Last.Equal(at.Add(time.Second)) {
		t.Errorf("%+v", got)
	}
	var count uint64
	for _, one := range list[3:] {
		count += one.Count
	}
	if count != 10_000 {
		t.Errorf("%d of the flood are counted", count)
	}
	for code := range 200 {
		m.Add(code, "text", at)
	}
	if list = m.All(); len(list) != maxMessages || list[0].Code != 199 || list[maxMessages-1].Code != 150 {
		t.Errorf("%d messages, from %+v to %+v", len(list), list[0], list[len(list)-1])
	}
}
