package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Script is a list of timed faults; see [ParseScript].
type Script struct {
	steps  []scriptStep // in order of time
	every  []scriptStep // repeated; at is the period
	period time.Duration
	loops  bool
}

type scriptStep struct {
	at     time.Duration
	name   string
	values map[string]string
}

// maxScript is the longest script text, in bytes.
const maxScript = 1 << 20

// ParseScript reads a script of timed faults, one per line:
//
//	at 5s drop              5 s after the start
//	after 3s 1100           3 s after the line before it
//	every 30s 2104 farm=usfarm
//	loop                    the at and after lines start over once the last has run
//	loop 60s                ... 60 s after they started
//
// A fault is named and takes parameters as on the control port (restart for=10s, notice code=354 text="no data").
// # starts a comment. Errors name the line.
func ParseScript(text string) (*Script, error) {
	if len(text) > maxScript {
		return nil, fmt.Errorf("script longer than %d bytes", maxScript)
	}
	s := &Script{}
	var last time.Duration
	for i, line := range strings.Split(text, "\n") {
		words, err := splitWords(line)
		if err == nil && len(words) > 0 {
			last, err = s.addLine(words, last)
		}
		if err != nil {
			return nil, fmt.Errorf("script line %d: %w", i+1, err)
		}
	}
	slices.SortStableFunc(s.steps, func(a, b scriptStep) int { return int(a.at - b.at) })
	if s.loops {
		if len(s.steps) == 0 {
			return nil, errors.New("script: loop without at or after lines")
		}
		end := s.steps[len(s.steps)-1].at
		if s.period == 0 {
			s.period = end
		}
		if s.period < end || s.period < 10*time.Millisecond {
			return nil, fmt.Errorf("script: loop of %v is shorter than its lines, or than 10ms", s.period)
		}
	}
	return s, nil
}

func (s *Script) addLine(words []string, last time.Duration) (time.Duration, error) {
	if s.loops {
		return 0, errors.New("loop must be the last line")
	}
	if words[0] == "loop" {
		s.loops = true
		if len(words) > 2 {
			return 0, errors.New("loop takes at most a duration")
		}
		if len(words) == 2 {
			d, err := scriptDuration(words[1])
			s.period = d
			if err == nil && d == 0 {
				err = errors.New("loop of 0s")
			}
			return last, err
		}
		return last, nil
	}
	if !slices.Contains([]string{"at", "after", "every"}, words[0]) {
		return 0, fmt.Errorf("unknown word %q: a line starts with at, after, every or loop", words[0])
	}
	if len(words) < 3 {
		return 0, fmt.Errorf("%s needs a duration and a fault", words[0])
	}
	d, err := scriptDuration(words[1])
	if err != nil {
		return 0, err
	}
	step := scriptStep{at: d, name: words[2], values: map[string]string{}}
	for _, w := range words[3:] {
		key, value, ok := strings.Cut(w, "=")
		if !ok {
			return 0, fmt.Errorf("%q is not key=value", w)
		}
		if _, twice := step.values[key]; twice {
			return 0, fmt.Errorf("%s is given twice", key)
		}
		step.values[key] = value
	}
	if err := checkStep(step); err != nil {
		return 0, err
	}
	switch words[0] {
	case "every":
		if d < 10*time.Millisecond {
			return 0, errors.New("every needs at least 10ms")
		}
		s.every = append(s.every, step)
		return last, nil
	case "after":
		step.at += last
	}
	s.steps = append(s.steps, step)
	return step.at, nil
}

// checkStep tries a step's parameters on no gateway at all.
func checkStep(step scriptStep) error {
	v, err := checkVerb(step.name, step.values)
	if err != nil {
		return err
	}
	a := v.args(step.values)
	a.dry = true
	return v.run(nil, a)
}

func scriptDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 500ms, 5s or 1m30s", s)
	}
	return d, nil
}

// splitWords splits a line at blanks; "..." quotes, with Go's escapes, also in the value of key="...". # ends it.
func splitWords(line string) ([]string, error) {
	var words []string
	rest := strings.TrimSpace(line)
	for rest != "" && rest[0] != '#' {
		end := strings.IndexAny(rest, " \t\"")
		switch {
		case end < 0:
			return append(words, rest), nil
		case rest[end] == '"':
			quoted, err := strconv.QuotedPrefix(rest[end:])
			if err != nil {
				return nil, errors.New("quote without end")
			}
			value, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, fmt.Errorf("quoted text: %w", err)
			}
			words = append(words, rest[:end]+value)
			rest = rest[end+len(quoted):]
			if rest != "" && rest[0] != ' ' && rest[0] != '\t' {
				return nil, fmt.Errorf("text right after a quote: %.20q", rest)
			}
		default:
			words = append(words, rest[:end])
			rest = rest[end:]
		}
		rest = strings.TrimLeft(rest, " \t")
	}
	return words, nil
}

// RunScript starts a parsed script beside those that already run. It ends with its last line, or with StopScripts.
func (g *Gateway) RunScript(s *Script) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errors.New("gateway is closed")
	}
	if g.scriptCtx == nil {
		g.scriptCtx, g.stopScripts = context.WithCancel(g.ctx)
	}
	ctx := g.scriptCtx
	for _, step := range s.every {
		g.goScript(func() {
			tick := time.Tick(g.clock.real(step.at))
			for wait(ctx, tick) {
				g.play(step)
			}
		})
	}
	if len(s.steps) > 0 {
		g.goScript(func() { g.playSteps(ctx, s) })
	}
	return nil
}

// goScript runs a part of a script; Gateway.mu is held.
func (g *Gateway) goScript(run func()) {
	g.scripts++
	g.wg.Go(func() {
		run()
		g.mu.Lock()
		g.scripts--
		g.mu.Unlock()
	})
}

func (g *Gateway) playSteps(ctx context.Context, s *Script) {
	start := g.clock.now()
	for {
		for _, step := range s.steps {
			if !wait(ctx, g.clock.after(start.Add(step.at).Sub(g.clock.now()))) {
				return
			}
			g.play(step)
		}
		if !s.loops {
			return
		}
		start = start.Add(s.period)
		if !wait(ctx, g.clock.after(start.Sub(g.clock.now()))) {
			return
		}
	}
}

// wait returns false if ctx ended first.
func wait(ctx context.Context, c <-chan time.Time) bool {
	select {
	case <-ctx.Done():
		return false
	case <-c:
		return ctx.Err() == nil
	}
}

func (g *Gateway) play(step scriptStep) {
	if _, err := g.Do(step.name, step.values); err != nil {
		g.log.Error("script step failed", "name", step.name, "err", err)
	}
}

// StopScripts ends all running scripts. Faults they caused stay; see Clear.
func (g *Gateway) StopScripts() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopScripts != nil {
		g.stopScripts()
		g.scriptCtx, g.stopScripts = nil, nil
	}
}
