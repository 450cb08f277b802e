package crash

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestRunStartsAgain has a part panic again and again: the delays double up to a minute, begin again after it has run
// for a while, and the part ends when it returns.
func TestRunStartsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		changed := 0
		p := &Parts{Log: slog.New(slog.NewTextHandler(&log, nil)), Hide: strings.ToUpper, Changed: func() { changed++ }}
		begin, last := time.Now(), time.Now()
		var gaps []time.Duration
		p.Run(t.Context(), "alerts", func() {
			gaps = append(gaps, time.Since(last))
			switch n := len(gaps); {
			case n == 9:
				time.Sleep(soundFor)
			case n == 10:
				return
			}
			last = time.Now()
			panic(fmt.Sprint("injected ", len(gaps), "\nmore"))
		})
		want := []time.Duration{0, 1, 2, 4, 8, 16, 32, 60, 60, 1}
		for i := range want {
			want[i] *= time.Second
		}
		if !reflect.DeepEqual(gaps, want) {
			t.Errorf("it ran after %v, want %v", gaps, want)
		}
		f := p.Faults()
		if len(f) != 1 || f[0].Part != "alerts" || f[0].Count != 9 || f[0].What != "INJECTED 9" ||
			!f[0].At.After(begin) || f[0].Gone || changed != 9 {
			t.Errorf("%+v, changed %d times", f, changed)
		}
		if text := log.String(); !strings.Contains(text, "TestRunStartsAgain") ||
			!strings.Contains(text, "part=alerts") {
			t.Errorf("no stack in the log: %s", text)
		}
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Parts{Log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begin, ran := time.Now(), 0
		p.Run(ctx, "history", func() { ran++; panic("injected") })
		if took := time.Since(begin); ran != 4 || took != 10*time.Second { // after 0, 1, 3 and 7 s
			t.Errorf("it ran %d times in %v", ran, took)
		}
	})
}

func TestFaults(t *testing.T) {
	var log bytes.Buffer
	p := &Parts{Log: slog.New(slog.NewTextHandler(&log, nil))}
	if !p.Do("sound", func() {}) || len(p.Faults()) != 0 {
		t.Errorf("%+v", p.Faults())
	}
	if p.Do("tray", func() { panic("no desktop") }) {
		t.Error("a panic is no success")
	}
	p.Gone("tray")
	func() {
		defer func() { p.Failed("engine", recover(), debug.Stack()) }()
		panic("passed on\n\ngoroutine 7 [running]:\nthe.strategy(...)")
	}()
	if f := p.Faults(); len(f) != 2 || f[0].What != "passed on" || f[1].What != "no desktop" || !f[1].Gone {
		t.Errorf("%+v", f)
	}
	if want := map[string]uint64{"sound": 0, "tray": 1, "engine": 1}; !reflect.DeepEqual(p.Counts(), want) {
		t.Errorf("%v", p.Counts())
	}
	last := log.String()[strings.LastIndex(log.String(), "passed on"):]
	if !strings.Contains(last, "the.strategy") || strings.Contains(last, "TestFaults") {
		t.Errorf("not the stack of the goroutine that panicked: %s", last)
	}
}
