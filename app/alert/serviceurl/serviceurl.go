// Package serviceurl shows the address of a service that alerts go to without its secrets, and puts them back when the
// rest has been changed.
package serviceurl

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// Kept stands in an address for what is secret in it, and stored.
const Kept = "_stored_"

// addressParts says which parts of an address of a service are secret, and which parameters are shown; others are kept.
type addressParts struct {
	login, password, host, path bool // secret, only the path is shown if true
	query                       []string
}

// editable are the services whose addresses can be changed in part, by their scheme.
var editable = map[string]addressParts{
	"discord":  {login: true, host: true},
	"ntfy":     {password: true, path: true, query: []string{"scheme"}},
	"pushover": {password: true, host: true},
	"telegram": {login: true, query: []string{"chats", "channels"}},
}

// Hide returns the address of a service with Kept for each secret in it, and without parameters that the
// window has no field for. It is empty if the service is none of those that the window can edit.
func Hide(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return ""
	}
	parts, ok := editable[u.Scheme]
	if !ok {
		return ""
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, User: u.User}
	_, password := u.User.Password()
	switch {
	case parts.login:
		shown.User = url.User(Kept)
	case parts.password && password:
		shown.User = url.UserPassword(u.User.Username(), Kept)
	}
	if parts.host {
		shown.Host = Kept
	}
	if parts.path {
		shown.Path = u.Path
	}
	query := u.Query()
	for name := range query {
		if !slices.Contains(parts.query, name) {
			query.Del(name)
		}
	}
	shown.RawQuery = query.Encode()
	return shown.String()
}

// PutBack returns a changed address with the secrets of the one before for each Kept, and with those of its
// parameters that Hide does not show. The error contains no part of either.
func PutBack(changed, before string) (string, error) {
	u, err := url.Parse(changed)
	old, oldErr := url.Parse(strings.TrimSpace(before))
	if err != nil || oldErr != nil || u.Scheme != old.Scheme || Hide(before) == "" {
		return "", errors.New("what is stored is not an address of the same service; fill in everything again")
	}
	password, _ := u.User.Password()
	stored, set := old.User.Password()
	switch {
	case u.User.Username() == Kept:
		u.User = old.User
	case password == Kept && set:
		u.User = url.UserPassword(u.User.Username(), stored)
	case password == Kept:
		u.User = url.User(u.User.Username())
	}
	if u.Host == Kept {
		u.Host = old.Host
	}
	query := u.Query()
	for name, values := range old.Query() {
		if !slices.Contains(editable[u.Scheme].query, name) {
			query[name] = values
		}
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}
