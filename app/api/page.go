package api

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"net/http"
	"strings"
)

//go:embed page
var pageFiles embed.FS

// pageScripts are the parts of the page's script, in their order.
var pageScripts = []string{"base.js", "status.js", "history.js", "trading.js", "files.js", "follow.js"}

// pageHTML is the whole page in one document, so that no part of it can be of another version: markup, style and
// script.
var pageHTML = func() string {
	script := ""
	for _, name := range pageScripts {
		script += pageFile(name)
	}
	return strings.NewReplacer(
		"<style></style>", "<style>"+pageFile("page.css")+"</style>", "<script></script>",
		"<script>"+script+"</script>",
	).Replace(pageFile("page.html"))
}()

func pageFile(name string) string {
	text, err := pageFiles.ReadFile("page/" + name)
	if err != nil {
		panic(err) // it is part of the program
	}
	return string(text)
}

// pagePolicy allows the page its own inline style and script, by their hashes, and requests to this server.
var pagePolicy = "default-src 'none'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'none'; style-src '" + inlineHash("style") + "'; script-src '" + inlineHash("script") + "'"

func inlineHash(tag string) string {
	_, rest, _ := strings.Cut(pageHTML, "<"+tag+">")
	body, _, _ := strings.Cut(rest, "</"+tag+">")
	sum := sha256.Sum256([]byte(body))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// page answers with the page that shows the same as the window, where no window can be opened. A one-time code reaches
// it behind the # of its address, which browsers do not send; the page exchanges it for a token by POST /session.
func page(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write([]byte(pageHTML)) // the client went away
}
