package ledger

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"sync"

	"gatewatch/engine/store"
)

// journal is what the database does not have yet, in the order in which it happened: a file whose space is there
// already, so that what must be on disk costs one write and one sync, where a transaction of the database costs two of
// each, and all else costs a write, which outlives the program, if not the computer. The database takes it over in
// quiet moments, and at the next start.
//
// It has two halves: one is written while the database takes over what is in the other. Its methods may be called
// from any goroutine.
type journal struct {
	file *os.File

	mu      sync.Mutex
	last    uint64 // number of the last record; they are numbered for as long as there is a ledger
	half    int    // that is written
	used    [2]int64
	holding [2]uint64 // number of the last record in each half
	full    bool      // the last record did not fit
}

// entry is what a record holds: what is known of orders, and notes, which replaces what was known before.
type entry struct {
	Number  uint64            `json:"number"`
	Intents []*Intent         `json:"intents,omitempty"`
	Notes   map[string][]byte `json:"notes,omitempty"` // a nil value removes one
	flipped bool              // one bit of the record was another one
}

const (
	halfSize   = 512 << 10
	recordHead = 8 // length and checksum
)

// errRecord means that a record of a journal cannot be read, although it was written to its end: records behind it are
// there, or it lacks no more than a bit. Without it an order might be sent twice.
var errRecord = fmt.Errorf("%w: a record cannot be read", store.ErrDamaged)

// openJournal opens or makes a journal, and returns what is in it, in order.
func openJournal(path string) (*journal, []entry, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, 2*halfSize+1))
	if err == nil && (len(data) > 2*halfSize || !begins(data) || !begins(data[min(halfSize, len(data)):])) {
		err = fmt.Errorf("%w: it is not a journal", store.ErrDamaged)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return &journal{file: f}, readJournal(data), nil
}

// begins reports whether a half begins as one does that was written, if not to its end: with a length, of which a bit
// may have been flipped.
func begins(half []byte) bool {
	if len(half) < recordHead || binary.BigEndian.Uint32(half) <= halfSize-recordHead {
		return true
	}
	_, size := mendRecord(half)
	return size > 0
}

// readJournal returns what is in the two halves of a journal, in order.
func readJournal(data []byte) []entry {
	middle := min(halfSize, len(data))
	list := append(readHalf(data[:middle]), readHalf(data[middle:])...)
	slices.SortStableFunc(list, func(a, b entry) int { return cmp.Compare(a.Number, b.Number) })
	return list
}

// readHalf reads records until the first that is left over from before the others. What cannot be read is left out.
func readHalf(data []byte) (list []entry) {
	data = bytes.TrimRight(data, "\x00")
	for due := true; len(data) > 0; {
		e, size := readRecord(data)
		if size == 0 && due {
			e, size = mendRecord(data)
		}
		if due = size > 0; !due {
			data = data[1:]
			continue
		}
		if n := len(list); n > 0 && e.Number <= list[n-1].Number {
			break
		}
		list = append(list, e)
		data = data[size:]
	}
	return list
}

// readRecord reads the record with which data begins. Its size is 0 if that is none, or was not written to its end.
func readRecord(data []byte) (e entry, size int) {
	if len(data) <= recordHead {
		return entry{}, 0
	}
	length, sum, body := binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:]), data[recordHead:]
	if length == 0 || uint64(length) > uint64(len(body)) || crc32.ChecksumIEEE(body[:length]) != sum ||
		json.Unmarshal(body[:length], &e) != nil || e.Number == 0 || slices.Contains(e.Intents, nil) {
		return entry{}, 0
	}
	return e, recordHead + int(length)
}

// mendRecord is readRecord for a record of which one bit was flipped. A record that was not written to its end lacks
// more than that.
func mendRecord(data []byte) (e entry, size int) {
	data = bytes.Clone(data)
	flip := func(bit int) { data[bit/8] ^= 1 << (bit % 8) }
	for bit := range 8 * min(recordHead, len(data)) {
		flip(bit)
		if e, size = readRecord(data); size > 0 {
			e.flipped = true
			return e, size
		}
		flip(bit)
	}
	if len(data) < recordHead {
		return entry{}, 0
	}
	end := recordHead + uint64(binary.BigEndian.Uint32(data))
	if end > uint64(len(data)) {
		return entry{}, 0
	}
	wrong := crc32.ChecksumIEEE(data[recordHead:end]) ^ binary.BigEndian.Uint32(data[4:])
	// What each bit changes in the checksum, from the last bit on.
	change := uint32(crc32.IEEE)
	for bit := 8*int(end) - 1; bit >= 8*recordHead; bit-- {
		if change == wrong {
			flip(bit)
			break
		}
		change = change>>1 ^ crc32.IEEE*(change&1)
	}
	e, size = readRecord(data)
	e.flipped = true
	return e, size
}

// turn makes the journal write what comes to the other half, if that is free, and returns the number of the last record
// so far.
func (j *journal) turn() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	if other := 1 - j.half; j.used[other] == 0 {
		j.half, j.full = other, false
	}
	return j.last
}

// taken says that the database has all records up to a number. A half of which it has all is free.
func (j *journal) taken(number uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for half, last := range j.holding {
		if last <= number {
			j.used[half] = 0
			j.full = j.full && half != j.half
		}
	}
}

// presses reports whether the half that is written is about to be full.
func (j *journal) presses() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.used[j.half] > halfSize*3/4
}

// isFull reports whether the last record did not fit, and there is no more space since.
func (j *journal) isFull() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.full
}

// leave empties the journal, all of which the database has: no other database may find anything in it either.
func (j *journal) leave() error { return j.file.Truncate(0) }

// clear empties the journal and makes room for records, which are numbered from behind the given number on.
func (j *journal) clear(number uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last, j.used, j.holding = number, [2]int64{}, [2]uint64{}
	_, err := j.file.WriteAt(make([]byte, 2*halfSize), 0)
	if err = errors.Join(err, j.file.Truncate(2*halfSize), j.file.Sync()); err != nil {
		return fmt.Errorf("make room for orders: %w; is the disk full?", err)
	}
	return nil
}
