package conn

import (
	"bytes"
	"testing"
)

// bytesChooser takes what happens from a fuzzer's bytes.
type bytesChooser struct{ b *[]byte }

func (c bytesChooser) more() bool { return len(*c.b) > 0 }

func (c bytesChooser) pick(n int) int {
	if !c.more() {
		return 0
	}
	v := (*c.b)[0]
	*c.b = (*c.b)[1:]
	return int(v) % n
}

// FuzzNext plays what the bytes say and checks what has to hold always.
func FuzzNext(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz"))
	f.Add(bytes.Repeat([]byte{4, 0, 1, 1, 0, 2}, 40))
	f.Add(bytes.Repeat([]byte{13, 1, 0, 2, 0, 1, 11, 2, 2, 12, 4, 0, 0, 0, 1}, 20))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 2000 {
			b = b[:2000]
		}
		newWorld(t, bytesChooser{&b}).liveThrough(1000)
	})
}
