//go:build !windows

package ledger

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"gatewatch/conn/ib"
	"gatewatch/conn/sim"
)

// TestMovedRecord has the record of orders go in each way. No order leaves that the next start would
// not know of, and the record is written again with all that is known.
func TestMovedRecord(t *testing.T) {
	for name, move := range map[string]func(path string) error{
		"deleted": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
		"moved": func(path string) error {
			return os.Rename(filepath.Dir(path), filepath.Dir(path)+".away")
		},
		"database deleted": os.Remove,
		"journal deleted":  func(path string) error { return os.Remove(path + ".journal") },
		"replaced": func(path string) error {
			if err := os.Rename(path, path+".away"); err != nil {
				return err
			}
			return os.WriteFile(path, []byte("mine"), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := startGateway(t, sim.Config{})
			path := filepath.Join(t.TempDir(), "home", "orders.db")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			d := newDesk(t, path, g.Port())
			s := d.session(t)
			first := d.rests(t, s)
			if err := d.ledger.InPlace(); err != nil {
				t.Fatal(err)
			}
			if err := move(path); err != nil {
				t.Fatal(err)
			}
			// No one has looked yet, and still it does not leave.
			list, err := d.ledger.Place(s, Batch{Orders: []ib.Order{order(1, 91)}})
			if !errors.Is(err, ErrMoved) || len(list) != 0 {
				t.Errorf("%+v, %v", list, err)
			}
			lower := func(o *ib.Order) { o.LimitPrice = 80 }
			if _, err := d.ledger.Change(s, first.ID, lower, nil); !errors.Is(err, ErrMoved) {
				t.Errorf("changed: %v", err)
			}
			stopped, _ := d.ledger.Trouble()
			if err := d.ledger.InPlace(); !errors.Is(stopped, ErrMoved) || !errors.Is(err, ErrMoved) {
				t.Errorf("%v, %v", stopped, err)
			}
			if n := len(g.State().Orders); n != 1 {
				t.Errorf("%d orders at the gateway", n)
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			err = d.ledger.Rewrite()
			if name == "replaced" {
				if text, _ := os.ReadFile(path); err == nil || !bytes.Equal(text, []byte("mine")) {
					t.Errorf("somebody's file is overwritten: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := d.ledger.Cancel(s, first.ID); err != nil {
				t.Fatal(err)
			}
			d.state(t, first.Order.Ref, Cancelled)
			if err := d.ledger.Close(); err != nil {
				t.Fatal(err)
			}
			again := openLedger(t, path)
			list = again.Intents()
			if len(list) != 1 || list[0].Order.Ref != first.Order.Ref || list[0].State != Cancelled {
				t.Errorf("the next start knows %+v", list)
			}
			if again.floor < first.ID {
				t.Errorf("ids go on behind %d, want %d at least", again.floor, first.ID)
			}
		})
	}
}

// TestWhoCannotLook has the folder be one that cannot be looked into: nothing is known to be gone.
func TestWhoCannotLook(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root looks into every folder")
	}
	path := filepath.Join(t.TempDir(), "home", "orders.db")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	l := openLedger(t, path)
	if err := os.Chmod(filepath.Dir(path), 0); err != nil {
		t.Fatal(err)
	}
	err := l.InPlace()
	if stopped, _ := l.Trouble(); err == nil || errors.Is(err, ErrMoved) || stopped != nil {
		t.Errorf("%v, %v", err, stopped)
	}
	if err := os.Chmod(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := l.InPlace(); err != nil {
		t.Error(err)
	}
}
