package serviceurl

import (
	"strings"
	"testing"
)

// TestAddresses changes addresses in part: what is secret is hidden and kept, and with it the parameters that
// no field of the window is for.
func TestAddresses(t *testing.T) {
	for _, c := range []struct{ stored, shown, changed, want string }{
		{
			"telegram://123:top@telegram?chats=7&parsemode=HTML", "telegram://_stored_@telegram?chats=7",
			"telegram://_stored_@telegram?chats=8%2C%40desk",
			"telegram://123:top@telegram?chats=8%2C%40desk&parsemode=HTML",
		},
		{
			"telegram://123:top@telegram?channels=7", "telegram://_stored_@telegram?channels=7",
			"telegram://5:new@telegram?chats=8", "telegram://5:new@telegram?chats=8",
		},
		{
			"ntfy://me:top@ntfy.sh/desk?priority=5&scheme=https", "ntfy://me:_stored_@ntfy.sh/desk?scheme=https",
			"ntfy://you:_stored_@ntfy.example/new?scheme=http",
			"ntfy://you:top@ntfy.example/new?priority=5&scheme=http",
		},
		{"ntfy://ntfy.sh/desk", "ntfy://ntfy.sh/desk", "ntfy://me:_stored_@ntfy.sh/desk", "ntfy://me@ntfy.sh/desk"},
		{"ntfy://me:top@ntfy.sh/desk", "ntfy://me:_stored_@ntfy.sh/desk", "ntfy://ntfy.sh/desk", "ntfy://ntfy.sh/desk"},
		{
			"pushover://shoutrrr:top@Secret/?devices=phone", "pushover://shoutrrr:_stored_@_stored_",
			"pushover://shoutrrr:New@_stored_/", "pushover://shoutrrr:New@Secret/?devices=phone",
		},
		{
			"pushover://shoutrrr:top@Secret/", "pushover://shoutrrr:_stored_@_stored_",
			"pushover://shoutrrr:_stored_@New/", "pushover://shoutrrr:top@New/",
		},
		{
			" discord://top@123?thread_id=4 ", "discord://_stored_@_stored_", "discord://_stored_@_stored_",
			"discord://top@123?thread_id=4",
		},
		{"discord://top@123", "discord://_stored_@_stored_", "discord://new@5", "discord://new@5"},
		{"slack://top@secret", "", "slack://_stored_@secret", ""},
		{"top secret", "", "ntfy://_stored_@ntfy.sh/desk", ""},
		{"telegram://123:top@telegram", "telegram://_stored_@telegram", "ntfy://me:_stored_@ntfy.sh/desk", ""},
	} {
		if got := Hide(c.stored); got != c.shown {
			t.Errorf("%s is shown as %q, want %q", c.stored, got, c.shown)
		}
		got, err := PutBack(c.changed, c.stored)
		if got != c.want || (err != nil) != (c.want == "") || err != nil && strings.Contains(err.Error(), "top") {
			t.Errorf("%s changed to %s is %q (%v), want %q", c.stored, c.changed, got, err, c.want)
		}
	}
}
