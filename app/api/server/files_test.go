package server

import (
	"net/http"
	"strings"
	"testing"

	"gatewatch/app/api"
)

// TestFileTags holds the tag that comes with a text to the one that a save carries to the backend.
func TestFileTags(t *testing.T) {
	b := &memory{}
	s := serve(t, b)
	res, _ := ask(t, s, "GET", "/rules/text", "")
	tag := res.Header.Get("ETag")
	if tag != `"r1"` {
		t.Fatalf("ETag %s", tag)
	}
	for header, want := range map[string]string{tag: "r1", "*": "", "r2": "r2"} {
		b.asked = nil
		res, _ = ask(t, s, "PUT", "/rules", "{\n}", "If-Match: "+header)
		if got := strings.Join(b.asked, ""); got != `save all "`+want+"\": {\n}" {
			t.Errorf("If-Match %s: asked %s", header, got)
		}
		if got, want := res.Header.Get("ETag"), `"`+api.TagOf([]byte("{\n}"))+`"`; got != want {
			t.Errorf("after it: ETag %s, want %s", got, want)
		}
	}
	if _, _ = ask(t, s, "PUT", "/settings", "{}", `If-Match: "s1"`); b.tag != "s1" {
		t.Errorf("settings that were to have the tag %q", b.tag)
	}
	b.saved = api.ErrChanged
	res, text := ask(t, s, "PUT", "/settings", "{}", `If-Match: "s1"`)
	if res.StatusCode != http.StatusPreconditionFailed || !strings.Contains(text, "nothing was overwritten") ||
		res.Header.Get("ETag") != "" {
		t.Errorf("%s %s", res.Status, text)
	}
	if api.TagOf([]byte("a")) == api.TagOf([]byte("b")) || api.TagOf(nil) != api.TagOf([]byte{}) {
		t.Error("tags do not name contents")
	}
}
