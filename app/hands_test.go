package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gatewatch/app/api"
	"gatewatch/app/home"
	"gatewatch/engine/rules"
)

// post sends a request with the token, and returns the code of the answer.
func (r *rig) post(path, body string) int {
	r.t.Helper()
	card, err := home.ReadCard(home.At(r.dir).Card())
	if err != nil {
		r.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, card.URL+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+card.Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil { // a body that is too long need not be read to its end
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

// TestManyHands has many change rules at once, and some send what makes no sense: no change is lost, and the file is in
// order.
func TestManyHands(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DU1234567", "", rulesOf(ruleText("first", tell)))
	r.awaitOpen()
	r.activate("first")
	senseless := []string{
		"", "null", "[]", "{", `"first"`, `{"name": 1}`, `{"name": ["first"]}`, `{"name": "first", "more": 1}`,
		`{"id": "7"}`, `{"id": 1e99}`, `{"id": -1}`,
		`{"name": "first", "rule": {"name": "x"}}`, `{"name": "first", "rule": 5}`, `{"name": "no such"}`,
		strings.Repeat("[", 100000),
		`{"name": "` + strings.Repeat("x", 3<<20) + `"}`, `{"rule": {"name": "` + strings.Repeat("y", 100) + `"}}`,
	}
	paths := []string{
		"/rules/save", "/rules/activate", "/rules/deactivate", "/rules/delete", "/orders/cancel",
		"/orders/change", "/orders/cancel_all", "/instruments/resolve",
	}
	var hands sync.WaitGroup
	const workers, each = 4, 6
	for w := range workers {
		hands.Go(func() {
			ctx := context.Background()
			for i := range each {
				name := fmt.Sprintf("rule %d %d", w, i)
				var rule rules.Rule
				if err := json.Unmarshal([]byte(ruleText(name, tell)), &rule); err != nil {
					t.Error(err)
					return
				}
				_, err := r.client.SaveRule(ctx, "", rule)
				if err == nil && i%3 != 0 {
					_, err = r.client.ChangeRule(ctx, api.ActivateRule, name)
				}
				if err == nil && i%3 == 2 {
					_, err = r.client.ChangeRule(ctx, api.DeleteRule, name)
				}
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	for _, path := range paths {
		hands.Go(func() {
			for _, body := range senseless {
				if path == "/orders/cancel_all" && body == "null" { // as good as {}
					continue
				}
				if code := r.post(path, body); code >= 200 && code < 300 || code >= 500 {
					t.Errorf("%s with %.40q: %d", path, body, code)
				}
			}
		})
	}
	hands.Wait()
	want := map[string]rules.State{"first": rules.Active}
	for w := range workers {
		for i := range each {
			if name := fmt.Sprintf("rule %d %d", w, i); i%3 == 0 {
				want[name] = rules.Draft
			} else if i%3 == 1 {
				want[name] = rules.Active
			}
		}
	}
	check := func() {
		t.Helper()
		list, err := r.client.Rules(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]rules.State{}
		for _, v := range list.Rules {
			got[v.Rule.Name] = v.State
		}
		if !maps.Equal(got, want) {
			t.Errorf("rules are %v, want %v", got, want)
		}
	}
	check()
	r.says(0, "The file is in order", "rules", "check", filepath.Join(r.dir, "rules.json"))
	// Neither a crash nor a file that is gone loses any.
	r.end(os.Kill)
	r.start()
	r.awaitOpen()
	check()
	if err := os.Remove(filepath.Join(r.dir, "rules.json")); err != nil {
		t.Fatal(err)
	}
	r.await("the file is missed", func(st api.Status) bool {
		return strings.Contains(st.Trading.RulesProblem, "is missing")
	})
	check()
	if _, err := r.client.ChangeRule(t.Context(), api.DeleteRule, "first"); err != nil {
		t.Fatal(err)
	}
	delete(want, "first")
	check()
	r.says(0, "(?s)rule 0 0.*The file is in order", "rules", "check", filepath.Join(r.dir, "rules.json"))
}
