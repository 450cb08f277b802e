package api

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestPageKeepsItsPolicy(t *testing.T) {
	s, _ := answering(t, &player{})
	res, err := http.Get(s.URL() + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	policy := res.Header.Get("Content-Security-Policy")
	for _, tag := range []string{"style", "script"} {
		if n := strings.Count(string(body), "<"+tag); n != 1 {
			t.Errorf("%d elements %s, want one", n, tag)
		}
		if !strings.Contains(policy, tag+"-src '"+inlineHash(tag)+"'") {
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
		if found := regexp.MustCompile(bad).FindString(string(body)); found != "" {
			t.Errorf("the page contains %q", found)
		}
	}
}
