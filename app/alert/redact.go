package alert

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// hidden stands where a secret stood.
const hidden = "•••"

// leastPart is the length from which on a part of a secret is looked for: shorter ones stand in words by chance.
const leastPart = 4

// Redactor takes secrets out of texts.
type Redactor struct {
	parts []*regexp.Regexp // the longest first; upper and lower case are one: host names are written in either
	url   bool             // a secret is a URL, so where it leads is secret, too
}

// Redacting returns a Redactor for secrets; a URL's parts are secrets of their own.
func Redacting(secrets ...string) *Redactor {
	r := &Redactor{}
	var parts []string
	add := func(s string) {
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s), strings.Trim(s, "/")} {
			if len(form) >= leastPart {
				parts = append(parts, strings.ToValidUTF8(form, "\uFFFD"))
			}
		}
	}
	for _, s := range secrets {
		if s == "" {
			continue
		}
		add(s)
		if len(s) < leastPart {
			parts = append(parts, strings.ToValidUTF8(s, "\uFFFD"))
		}
		_, rest, isURL := strings.Cut(s, "://")
		if !isURL {
			continue
		}
		r.url = true
		// Whatever is between the marks of a URL, whether or not it is a valid one.
		for _, part := range strings.FieldsFunc(rest, func(c rune) bool {
			return strings.ContainsRune("/?#&=@:,", c) || unicode.IsSpace(c)
		}) {
			add(part)
			if plain, err := url.PathUnescape(part); err == nil {
				add(plain)
			}
			if plain, err := url.QueryUnescape(part); err == nil {
				add(plain)
			}
		}
		if u, err := url.Parse(s); err == nil {
			add(u.Host)
			add(u.Hostname())
			add(u.Path)
			add(u.RequestURI())
			add(u.Opaque)
		}
	}
	slices.Sort(parts)
	parts = slices.Compact(parts)
	slices.SortStableFunc(parts, func(a, b string) int { return len(b) - len(a) })
	for _, part := range parts {
		r.parts = append(r.parts, regexp.MustCompile("(?i)"+regexp.QuoteMeta(part)))
	}
	return r
}

// ports and addresses that a name from a secret stands for.
var addresses = regexp.MustCompile(`\[[0-9A-Fa-f:.%a-z]*:[0-9A-Fa-f:.%a-z]*\](:\d+)?|\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b`)

// Hide returns a text without any secret.
func (r *Redactor) Hide(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	for _, part := range r.parts {
		s = part.ReplaceAllLiteralString(s, hidden)
	}
	return s
}

// text returns a text in one line without any secret, nor where a secret URL leads.
func (r *Redactor) text(s string) string {
	s = r.Hide(s)
	if r.url {
		s = addresses.ReplaceAllString(s, hidden)
	}
	s = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, s)
	if runes := []rune(s); len(runes) > maxError {
		s = string(runes[:maxError-1]) + "…"
	}
	return strings.TrimSpace(s)
}

// maxError bounds an error's text, in characters.
const maxError = 300

// err returns an error without any secret. It wraps nothing: what is wrapped could be printed.
func (r *Redactor) err(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(r.text(err.Error()))
}
