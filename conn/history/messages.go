package history

import (
	"regexp"
	"slices"
	"sync"
	"time"

	"gatewatch/conn/wire"
)

// Message is what Gateway has said with a code, as often as it has said it. Texts that differ in numbers alone are one
// message.
type Message struct {
	Code        int
	Text        string // as it came last, at most 400 bytes; from outside, in Gateway's language
	First, Last time.Time
	Count       uint64
}

const (
	maxMessage  = 400 // bytes of a text
	maxMessages = 50  // messages that are kept, those that came last
	// maxTexts is how many messages one code has: a flood of it must not push out all others. The rest of its texts
	// count as the last one.
	maxTexts = 10
)

// Messages are the last messages from Gateway, of all sessions. Its methods may be called from any goroutine.
type Messages struct {
	mu   sync.Mutex
	list []entry // the oldest first
}

type entry struct {
	Message
	shape string // the text without its numbers
}

// Add takes in a message that came at a time of the wall clock.
func (m *Messages) Add(code int, text string, at time.Time) {
	text = wire.Cut(text, maxMessage)
	shape := numbers.ReplaceAllString(text, "0")
	m.mu.Lock()
	defer m.mu.Unlock()
	i, texts, last := -1, 0, -1
	for n := range m.list {
		if e := &m.list[n]; e.Code == code {
			if texts, last = texts+1, n; e.shape == shape {
				i = n
			}
		}
	}
	if i < 0 && texts >= maxTexts {
		i = last
	}
	e := entry{Message{Code: code, First: at}, shape}
	switch {
	case i >= 0:
		e.Message = m.list[i].Message
		m.list = slices.Delete(m.list, i, i+1)
	case len(m.list) >= maxMessages:
		m.list = slices.Delete(m.list, 0, 1)
	}
	e.Text, e.Last = text, at
	e.Count++
	m.list = append(m.list, e)
}

// All returns the messages, that which came last first.
func (m *Messages) All() []Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []Message
	for _, e := range slices.Backward(m.list) {
		list = append(list, e.Message)
	}
	return list
}

// numbers are what differs from one message to the next, such as ids and prices.
var numbers = regexp.MustCompile(`\p{Nd}+`)
