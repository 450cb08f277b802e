package home

import "testing"

func TestNewer(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"v1.2.4", "v1.2.3", true},
		{"v1.10.0", "v1.9.9", true},
		{"1.2.4", "v1.2.3", true},
		{"v1.2.3", "v1.2.3", false},
		{"v1.2.3", "v1.2.4", false},
		{"v1.2.3", "v1.2.3-rc.1", true},
		{"v1.2.3-rc.10", "v1.2.3-rc.9", true},
		{"v1.2.3-rc.1", "v1.2.3", false},
		{"v1.2.3+7", "v1.2.3+6", false},
		{"dev", "v1.2.3", false},
		{"v1.2.3", "dev", false},
		{"dev", "dev", false},
		{"v1.2.3-5-gabc1234", "v1.2.2", false},
		{"v1.2.3", "v1.2.2-5-gabc1234", false},
		{"v1.2.3-dirty", "v1.2.2", false},
		{"abc1234", "v1.2.2", false},
		{"v1.2.3", "", false},
		{"v1.2.3", "v1.2.2\n", false},
	} {
		if got := newer(c.a, c.b); got != c.want {
			t.Errorf("%q takes the place of %q: %v, want %v", c.a, c.b, got, c.want)
		}
	}
}
