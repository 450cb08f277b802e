package console

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// held is a writer that takes nothing until it is let go.
type held struct {
	free chan struct{}
	bytes.Buffer
}

func (h *held) Write(p []byte) (int, error) {
	<-h.free
	return h.Buffer.Write(p)
}

func TestAsyncWriterKeepsOrder(t *testing.T) {
	var out, want bytes.Buffer
	o := NewAsyncWriter(&out)
	for i := range 500 {
		fmt.Fprintf(io.MultiWriter(o, &want), "line %d\n", i)
	}
	o.Close()
	if out.String() != want.String() {
		t.Errorf("got %d bytes, want %d", out.Len(), want.Len())
	}
	if n, err := o.Write([]byte("late")); n != 4 || err != nil {
		t.Errorf("write after close: %d, %v", n, err)
	}
}

func TestAsyncWriterLeavesOutWhatDoesNotFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &held{free: make(chan struct{})}
		o := NewAsyncWriter(out)
		fmt.Fprintln(o, "first")
		synctest.Wait() // it hangs in the writer
		for i := range queueLimit + 7 {
			fmt.Fprintln(o, "line", i)
		}
		close(out.free)
		synctest.Wait()
		fmt.Fprintln(o, "last")
		o.Close()
		text := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(text) != queueLimit+3 {
			t.Fatalf("%d lines", len(text))
		}
		for i, want := range map[int]string{
			0: "first", 1: "line 0", queueLimit: fmt.Sprint("line ", queueLimit-1),
			queueLimit + 1: "… 7 lines left out", queueLimit + 2: "last",
		} {
			if text[i] != want {
				t.Errorf("line %d is %q, want %q", i, text[i], want)
			}
		}
	})
}

func TestAsyncWriterClosesThoughHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &held{free: make(chan struct{})}
		o := NewAsyncWriter(out)
		fmt.Fprintln(o, "text")
		begin := time.Now()
		o.Close()
		if took := time.Since(begin); took != flushLimit {
			t.Errorf("took %v, want %v", took, flushLimit)
		}
		close(out.free)
	})
}
