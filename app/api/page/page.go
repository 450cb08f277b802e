// Package page serves the page at /, which shows the same as the window where no window can be opened.
package page

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"net/http"
	"strings"
)

//go:embed *.html *.css *.js
var files embed.FS

// scripts are the parts of the page's script, in their order.
var scripts = []string{"base.js", "status.js", "history.js", "trading.js", "files.js", "follow.js"}

// html is the whole page in one document, so that no part of it can be of another version: markup, style and
// script.
var html = func() string {
	script := ""
	for _, name := range scripts {
		script += file(name)
	}
	return strings.NewReplacer(
		"<style></style>", "<style>"+file("page.css")+"</style>", "<script></script>",
		"<script>"+script+"</script>",
	).Replace(file("page.html"))
}()

func file(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is part of the program
	}
	return string(text)
}

// policy allows the page its own inline style and script, by their hashes, and requests to this server.
var policy = "default-src 'none'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'none'; style-src '" + hash("style") + "'; script-src '" + hash("script") + "'"

func hash(tag string) string {
	_, rest, _ := strings.Cut(html, "<"+tag+">")
	body, _, _ := strings.Cut(rest, "</"+tag+">")
	sum := sha256.Sum256([]byte(body))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Serve answers with the page. A one-time code reaches it behind the # of its address, which browsers do not send; the
// page exchanges it for a token by POST /session.
func Serve(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write([]byte(html)) // the client went away
}
