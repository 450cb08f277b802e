package history

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// beatName is a file of two slots that are written in turn, so that a write that a power cut has torn leaves the other.
const (
	beatName = "connection_log.heartbeat"
	slotSize = 48
)

// beatFile writes the heartbeat. The zero value is ready.
type beatFile struct {
	file *os.File
	slot int64
}

func (b *beatFile) put(dir string, now time.Time) error {
	if b.file == nil {
		f, err := os.OpenFile(filepath.Join(dir, beatName), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return fmt.Errorf("heartbeat: %w", err)
		}
		b.file = f
		// The slot with the newer time stays until the other is written.
		if slots, err := readSlots(f); err == nil && slots[0].After(slots[1]) {
			b.slot = 1
		}
	}
	_, err := b.file.WriteAt(slotText(now), b.slot*slotSize)
	if err == nil {
		err = b.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	b.slot = 1 - b.slot
	return nil
}

func (b *beatFile) close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}

// slotText is a time to the millisecond and a checksum, in slotSize bytes.
func slotText(t time.Time) []byte {
	at := t.UTC().Format("2006-01-02T15:04:05.000Z")
	text := fmt.Sprintf("%s %08x", at, crc32.ChecksumIEEE([]byte(at)))
	return fmt.Appendf(nil, "%-*s\n", slotSize-1, text)
}

// readSlots returns the times in both slots, zero for one that is damaged or empty.
func readSlots(r io.ReaderAt) (slots [2]time.Time, err error) {
	for i := range slots {
		buf := make([]byte, slotSize)
		if _, err := r.ReadAt(buf, int64(i)*slotSize); err != nil && !errors.Is(err, io.EOF) {
			return slots, err
		}
		at, _, _ := strings.Cut(string(buf), " ")
		t, err := time.Parse("2006-01-02T15:04:05.000Z", at)
		if err == nil && string(buf) == string(slotText(t)) {
			slots[i] = t
		}
	}
	return slots, nil
}

// LastBeat returns when the program was last known to run, in UTC; the zero time if nothing is known of that.
func LastBeat(dir string) (time.Time, error) {
	f, err := openFile(filepath.Join(dir, beatName))
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("heartbeat: %w", err)
	}
	defer f.Close()
	slots, err := readSlots(f)
	if err != nil {
		return time.Time{}, fmt.Errorf("heartbeat: %w", err)
	}
	return later(slots[0], slots[1]), nil
}
