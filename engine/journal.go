package engine

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"slices"
)

// journal is where an order is written down before it is sent: a file whose space is there already, so that a record costs one
// write and one sync, where a transaction of the database costs two of each. What stands in it is taken over into the database
// right after the order has left, and at the next start if that did not happen.
type journal struct {
	file *os.File
	at   int64 // where the next record goes
	open int   // records that the database does not have yet
}

// entry is what a record holds.
type entry struct {
	Intents []*Intent         `json:"intents"`
	Notes   map[string][]byte `json:"notes,omitempty"`
}

const (
	journalSize = 256 << 10
	recordHead  = 8 // length and checksum
)

// openJournal opens or makes a journal, and returns what stands in it.
func openJournal(path string) (*journal, []entry, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return &journal{file: f}, readJournal(data), nil
}

// readJournal reads records until the first that was not written to its end, or is left over from before the others.
func readJournal(data []byte) (list []entry) {
	last := int64(0)
	for len(data) > recordHead {
		size, sum := binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])
		data = data[recordHead:]
		if size == 0 || uint64(size) > uint64(len(data)) || crc32.ChecksumIEEE(data[:size]) != sum {
			break
		}
		var e entry
		if json.Unmarshal(data[:size], &e) != nil || len(e.Intents) == 0 || slices.Contains(e.Intents, nil) || e.Intents[0].ID <= last {
			break // ids only grow
		}
		last = e.Intents[0].ID
		list = append(list, e)
		data = data[size:]
	}
	return list
}

// append writes a record, which is on disk when it returns without an error.
func (j *journal) append(e entry) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	record := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	record = binary.BigEndian.AppendUint32(record, crc32.ChecksumIEEE(body))
	record = append(record, body...)
	if _, err := j.file.WriteAt(record, j.at); err != nil {
		return err
	}
	if err := syncData(j.file); err != nil {
		return err
	}
	j.at += int64(len(record))
	j.open++
	return nil
}

// taken says that the database has so many more of the records. When it has all, their space is used again.
func (j *journal) taken(records int) {
	if j.open -= records; j.open == 0 {
		j.at = 0
	}
}

// clear empties the journal and makes room for records.
func (j *journal) clear() error {
	j.at, j.open = 0, 0
	_, err := j.file.WriteAt(make([]byte, journalSize), 0)
	if err = errors.Join(err, j.file.Truncate(journalSize), j.file.Sync()); err != nil {
		return fmt.Errorf("make room for orders: %w; is the disk full?", err)
	}
	return nil
}
