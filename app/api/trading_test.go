package api

import (
	"encoding/json"
	"reflect"
	"testing"
)

// TestStatusOfAnOlderServer reads what a server without rules and orders answers.
func TestStatusOfAnOlderServer(t *testing.T) {
	var st Status
	if err := json.Unmarshal([]byte(`{"state": "connected", "guard": {"open": true}}`), &st); err != nil ||
		!reflect.DeepEqual(st.Trading, Trading{}) || !st.Guard.Open {
		t.Errorf("%+v, %v", st, err)
	}
	var r Rules
	if err := json.Unmarshal([]byte(`{"rules": [{"rule": {"name": "x", "colour": 1}, "state": "asleep"}], "new": {}}`),
		&r); err != nil || r.Rules[0].Rule.Name != "x" {
		t.Errorf("%+v, %v", r, err)
	}
}
