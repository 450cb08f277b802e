package alert

import (
	"testing"
	"time"
)

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		9 * time.Second: "9 s", 15 * time.Minute: "15 min", 252 * time.Second: "4 min 12 s", 10 * time.Minute: "10 min",
		time.Hour: "1 h", 70 * time.Minute: "1 h 10 min", 30 * time.Hour: "30 h",
	} {
		if got := span(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
