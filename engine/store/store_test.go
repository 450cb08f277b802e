package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

// database makes one with branches, pages that flow over, inline buckets, buckets in buckets and free pages.
func database(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "good.db")
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for round := range 4 {
		err = errors.Join(err, db.Update(func(tx *bbolt.Tx) error {
			for _, name := range []string{"a", "b", "c"} {
				b, err := tx.CreateBucketIfNotExists([]byte(name))
				if err != nil {
					return err
				}
				for k := range 15 {
					key := binary.BigEndian.AppendUint64(nil, uint64(round*15+k))
					if err := b.Put(key, bytes.Repeat([]byte("x"), 300)); err != nil {
						return err
					}
				}
				inner, err := b.CreateBucketIfNotExists([]byte("inner"))
				if err != nil {
					return err
				}
				if err := inner.Put([]byte{byte(round)}, []byte("small")); err != nil {
					return err
				}
			}
			b, _ := tx.CreateBucketIfNotExists([]byte("big"))
			return b.Put([]byte("big"), bytes.Repeat([]byte("y"), 20_000+round))
		}))
	}
	err = errors.Join(err, db.Update(func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("b")) }), db.Close())
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func checkBytes(content []byte) error { return check(bytes.NewReader(content), int64(len(content))) }

// TestGoodFile checks what bbolt itself calls good.
func TestGoodFile(t *testing.T) {
	if err := checkBytes(database(t)); err != nil {
		t.Fatal(err)
	}
}

// readAll reads a database by bbolt: with a file that check calls good it must neither panic nor hang.
func readAll(path string) error {
	db, err := Open(path)
	if err != nil {
		return err
	}
	err = db.View(func(tx *bbolt.Tx) (err error) {
		for damage := range tx.Check() {
			err = damage
		}
		return err
	})
	return errors.Join(err, db.Close())
}

// TestFlippedBits flips each bit of each page's head and of the elements behind it: what is called good is read by
// bbolt without harm, and what matters is called damaged.
func TestFlippedBits(t *testing.T) {
	good := database(t)
	path := filepath.Join(t.TempDir(), "flipped.db")
	pageSize := os.Getpagesize()
	found, passed := 0, 0
	for page := 0; page*pageSize < len(good); page++ {
		for bit := range 8 * 96 {
			at := page*pageSize + bit/8
			good[at] ^= 1 << (bit % 8)
			err := checkBytes(good)
			if err != nil {
				found++
			} else if passed++; passed%31 == 0 { // bbolt itself needs a file, which takes longer
				if err := os.WriteFile(path, good, 0o600); err != nil {
					t.Fatal(err)
				}
				if err := readAll(path); err != nil {
					t.Errorf("page %d, bit %d: bbolt finds %.200v", page, bit, err)
				}
			}
			if err != nil && !errors.Is(err, ErrDamaged) {
				t.Fatalf("page %d, bit %d: %v", page, bit, err)
			}
			good[at] ^= 1 << (bit % 8)
		}
	}
	if found < 1000 {
		t.Errorf("%d of %d flipped bits were found", found, found+passed)
	}
}

// TestWrongFiles opens what is no database: each is refused in a moment, and left as it is.
func TestWrongFiles(t *testing.T) {
	good := database(t)
	noise := make([]byte, len(good))
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	for name, content := range map[string][]byte{
		"text": []byte("This is no database."), "zeros": make([]byte, len(good)), "noise": noise,
		"half":      good[:len(good)/2],
		"two pages": good[:2*os.Getpagesize()], "head and noise": append(bytes.Clone(good[:2*os.Getpagesize()]),
			noise...),
	} {
		path := filepath.Join(t.TempDir(), "wrong.db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, content) {
			t.Errorf("%s: the file was changed: %v", name, err)
		}
	}
	var where *fs.PathError
	if _, err := Open(t.TempDir()); !errors.As(err, &where) {
		t.Errorf("a folder: %v", err)
	}
}

// TestFileInUse opens a file that another program has open and writes to.
func TestFileInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "used.db")
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := Open(path); !errors.Is(err, ErrInUse) {
		t.Error(err)
	}
}

// FuzzCheck changes a good file: check ends, and what it calls good bbolt reads without harm.
func FuzzCheck(f *testing.F) {
	good := database(f)
	f.Add(uint32(17), []byte{0xff})
	f.Add(uint32(4096*3+10), []byte{0xff, 0xff})
	f.Fuzz(func(t *testing.T, at uint32, change []byte) {
		content := bytes.Clone(good)
		for i, b := range change {
			content[(int(at)+i)%len(content)] ^= b
		}
		if checkBytes(content) != nil {
			return
		}
		path := filepath.Join(t.TempDir(), "changed.db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := readAll(path); err != nil {
			t.Errorf("bbolt finds %v", err)
		}
	})
}
