package diagnostics

import (
	"cmp"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gatewatch/app/alert"
)

// Hidden stands where something personal stood.
const Hidden = "•••"

// Hider takes out of a text what is no one else's business: secrets, account numbers, addresses of mail, hosts and
// users, and the parts of a URL that may be secret.
type Hider struct {
	secrets *alert.Redactor
	homes   []string       // folders that are shown as ~, the longest first
	folders *regexp.Regexp // that are called as the user; nil if that says nothing
}

// NewHider returns a Hider that also knows some secrets and names by their text.
func NewHider(known ...string) *Hider {
	if name, err := os.Hostname(); err == nil && name != "localhost" {
		known = append(known, name)
	}
	h := &Hider{secrets: alert.Redacting(known...)}
	if home, err := os.UserHomeDir(); err == nil && len(filepath.Clean(home)) > 1 {
		homes := []string{filepath.Clean(home)}
		if real, err := filepath.EvalSymlinks(home); err == nil && real != homes[0] {
			homes = append(homes, real)
		}
		for _, dir := range homes {
			h.homes = append(h.homes, dir)
			if quoted := strings.ReplaceAll(dir, `\`, `\\`); quoted != dir { // as it stands in a log
				h.homes = append(h.homes, quoted)
			}
		}
		slices.SortFunc(h.homes, func(a, b string) int { return len(b) - len(a) })
	}
	if name := cmp.Or(os.Getenv("USER"), os.Getenv("USERNAME")); name != "" && name != "root" {
		h.folders = regexp.MustCompile(`(?i)([/\\])` + regexp.QuoteMeta(name) + `\b`)
	}
	return h
}

var (
	addressed = regexp.MustCompile(`(?i)\b([a-z][a-z0-9+.-]*)://([^\s"'<>` + "`" + `)]*)`)
	mail      = regexp.MustCompile(`[\pL\pN._%+'-]+@[\pL\pN-]+(?:\.[\pL\pN-]+)*\.\pL{2,}`)
	// Accounts are such as U1234567, DU1234567, DUK123456, F123456 and I1234567, alone or in longer words.
	account = regexp.MustCompile(`(?i)(^|[^a-z0-9])[dufi][a-z]{0,2}\d{5,}`)
	user    = regexp.MustCompile(`(?i)(?:/home/|/users/|\b[a-z]:\\{1,2}users\\{1,2})[^/\\\s"':]+`)
	number4 = regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}\b`)
	number6 = regexp.MustCompile(`\[[0-9A-Fa-f:.%a-z]*:[0-9A-Fa-f:.%a-z]*\]`)
	lookup  = regexp.MustCompile(`\blookup [^\s:"]+`)
)

// Hide returns a text without all that.
func (h *Hider) Hide(s string) string {
	s = addressed.ReplaceAllStringFunc(s, hideURL)
	s = h.secrets.Hide(s)
	for _, dir := range h.homes {
		s = strings.ReplaceAll(s, dir, "~")
	}
	if h.folders != nil {
		s = h.folders.ReplaceAllString(s, "${1}"+Hidden)
	}
	s = user.ReplaceAllLiteralString(s, "~")
	s = mail.ReplaceAllLiteralString(s, Hidden)
	s = account.ReplaceAllString(s, "${1}"+Hidden)
	s = lookup.ReplaceAllLiteralString(s, "lookup "+Hidden)
	s = number4.ReplaceAllStringFunc(s, hideIP)
	return number6.ReplaceAllStringFunc(s, hideIP)
}

// hideURL leaves of a URL where on this computer it leads, or no more than its scheme.
func hideURL(text string) string {
	scheme, rest, _ := strings.Cut(text, "://")
	host := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		host = rest[:end]
	}
	name := host
	if n, _, err := net.SplitHostPort(host); err == nil {
		name = n
	}
	if ip := net.ParseIP(name); ip != nil && ip.IsLoopback() {
		return scheme + "://" + host
	}
	return scheme + "://" + Hidden
}

func hideIP(text string) string {
	ip := net.ParseIP(strings.Trim(text, "[]"))
	if ip != nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		return text
	}
	return Hidden
}
