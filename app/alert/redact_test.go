package alert

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRedact(t *testing.T) {
	for _, c := range []struct{ secret, text, want string }{
		{"hunter22", `535 hunter22 is wrong`, "535 ••• is wrong"},
		{"hunter22", `535 HUNTER22 is wrong`, "535 ••• is wrong"},
		{"pw/with space", "tried pw%2Fwith+space and pw%2Fwith%20space", "tried ••• and •••"},
		{
			"https://hooks.slack.com/services/T01234/B05678/x1y2z3",
			`Post "https://hooks.slack.com/services/T01234/B05678/x1y2z3": EOF`, `Post "•••": EOF`,
		},
		{
			"https://hooks.slack.com/services/T01234/B05678/x1y2z3", "lookup Hooks.Slack.Com: B05678 gone",
			"lookup •••: ••• gone",
		},
		{
			"https://hook.example/a?key=abcd1234", "dial tcp 203.0.113.7:443: refused for abcd1234",
			"dial tcp •••: refused for •••",
		},
		{"https://hook.example/a?key=abcd1234", "dial tcp [2001:db8::1]:443: refused", "dial tcp •••: refused"},
		{
			"telegram://110201543:AAHdqTcvCH1@telegram?chats=@me", "bot 110201543: AAHdqTcvCH1 unknown",
			"bot •••: ••• unknown",
		},
		{"abcd", "line one\r\nline two\x00", "line one  line two"},
		{"", "nothing is secret at 127.0.0.1:25", "nothing is secret at 127.0.0.1:25"},
	} {
		if got := Redacting(c.secret).text(c.text); got != c.want {
			t.Errorf("%q without %q: %q, want %q", c.text, c.secret, got, c.want)
		}
	}
	if got := Redacting("abcd").text(strings.Repeat("ä", 1000)); len([]rune(got)) != maxError {
		t.Errorf("%d characters", len([]rune(got)))
	}
	inner := errors.New("abcd")
	if err := Redacting("abcd").err(inner); errors.Is(err, inner) || err.Error() != hidden {
		t.Errorf("%v wraps what it hides", err)
	}
}

// TestRedactAnything puts any secret, in any of the forms that it takes on its way, into any text.
func TestRedactAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[ -~]{4,40}`).Filter(func(s string) bool {
			return strings.TrimSpace(s) == s
		}).Draw(t, "secret")
		form := rapid.SampledFrom([]func(string) string{
			func(s string) string { return s }, url.QueryEscape, url.PathEscape, strings.ToUpper, strings.ToLower,
		}).Draw(t, "form")
		text := rapid.StringN(0, 40, -1).Draw(t, "before") + form(secret) + rapid.StringN(0, 40, -1).Draw(t, "after")
		got := Redacting(secret).text(text)
		if strings.Contains(strings.ToLower(got), strings.ToLower(secret)) && !strings.Contains(hidden, secret) {
			t.Fatalf("%q without %q: %q", text, secret, got)
		}
	})
}

// TestRedactURL looks for each part of a URL in what is left of it.
func TestRedactURL(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringMatching(`[A-Za-z0-9]{8,16}`)
		parts := []string{
			part.Draw(t, "user"), part.Draw(t, "password"), part.Draw(t, "host") + ".example",
			part.Draw(t, "path"), part.Draw(t, "value"),
		}
		secret := "https://" + parts[0] + ":" + parts[1] + "@" + parts[2] + "/" + parts[3] + "?k=" + parts[4]
		text := strings.Join(rapid.Permutation(append(parts, secret)).Draw(t, "said"), " and ")
		got := strings.ToLower(Redacting(secret).text(text))
		for _, p := range parts {
			if strings.Contains(got, strings.ToLower(p)) {
				t.Fatalf("%q is left of %q: %q", p, text, got)
			}
		}
	})
}
