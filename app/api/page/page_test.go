package page

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestPageKeepsItsPolicy(t *testing.T) {
	res := httptest.NewRecorder()
	Serve(res, nil)
	body, policy := res.Body.String(), res.Header().Get("Content-Security-Policy")
	for _, tag := range []string{"style", "script"} {
		if n := strings.Count(body, "<"+tag); n != 1 {
			t.Errorf("%d elements %s, want one", n, tag)
		}
		_, rest, _ := strings.Cut(body, "<"+tag+">")
		text, _, ended := strings.Cut(rest, "</"+tag+">")
		if text == "" || !ended || !strings.Contains(policy, tag+"-src '"+hash(text)+"'") {
			t.Errorf("the policy does not allow its %s: %s", tag, policy)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("policy %s", policy)
	}
	// What the policy would refuse, or what could be made into markup.
	for _, bad := range []string{
		` style="`, ` on[a-z]+="`, `innerHTML`, `outerHTML`, `insertAdjacent`,
		`document\.write`, `eval\(`, `https?://[^w]`, `src=`,
	} {
		if found := regexp.MustCompile(bad).FindString(body); found != "" {
			t.Errorf("the page contains %q", found)
		}
	}
}
