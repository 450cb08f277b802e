package resident

import (
	"sync"

	"gatewatch/conn/nudge"
)

// failures are the steps in the background that fail at present. wording.Failing has the words for each.
type failures struct {
	changes *nudge.Subscribers

	mu    sync.Mutex
	texts map[string]string // by step
}

// set notes why a step fails, nil if it does not, and reports whether it did the other before.
func (f *failures) set(step string, err error) (news bool) {
	f.mu.Lock()
	if f.texts == nil {
		f.texts = map[string]string{}
	}
	before, text := f.texts[step], errorText(err)
	f.texts[step] = text
	f.mu.Unlock()
	if text != before {
		f.changes.Nudge()
	}
	return (text == "") != (before == "")
}

// text returns why a step fails; empty if it does not.
func (f *failures) text(step string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.texts[step]
}

// errorText returns the text of an error, empty for nil.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
