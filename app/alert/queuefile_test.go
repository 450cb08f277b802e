package alert

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// TestDamagedFile opens files that hold no outbox: they are kept aside, and a new one is begun.
func TestDamagedFile(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole.db")
	db, err := bbolt.Open(whole, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("webhook"))
		if err != nil {
			return err
		}
		for i := range 2000 {
			if err := b.Put(fmt.Appendf(nil, "%08d", i), make([]byte, 200)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	db.Close()
	good, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	rot := slices.Clone(good)
	for i := 5 * 4096; i < len(rot)-4096; i += 3 * 4096 {
		copy(rot[i:], strings.Repeat("\xff", 4096))
	}
	for name, content := range map[string][]byte{
		"text": []byte("this is no outbox"), "zeros": make([]byte, 1<<16), "cut": good[:len(good)/2],
		"cut short": good[:2*os.Getpagesize()], "rot": rot,
	} {
		t.Run(name, func(t *testing.T) {
			web := newWebServer(t)
			web.open()
			p := newPost(t, map[string]string{"env:HOOK": "http://" + web.addr + "/hooksecret"})
			p.stop()
			if err := os.WriteFile(p.path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			p.open()
			aside, err := filepath.Glob(p.path + ".damaged-*")
			if err != nil || len(aside) != 1 {
				t.Fatalf("put aside: %q, %v", aside, err)
			}
			if err := p.box.Damaged(); err == nil || !strings.Contains(err.Error(), aside[0]) {
				t.Errorf("it says %v", err)
			}
			if kept, err := os.ReadFile(aside[0]); err != nil || string(kept) != string(content) {
				t.Errorf("%d bytes were put aside of %d; %v", len(kept), len(content), err)
			}
			p.box.Configure(Config{Webhook: &Webhook{URL: "env:HOOK"}})
			p.run()
			p.put(three()[0])
			p.delivered()
		})
	}
}

// TestUnreadableAlert has an entry in the outbox that is none: it is given up, and the rest goes on.
func TestUnreadableAlert(t *testing.T) {
	web := newWebServer(t)
	web.open()
	p := newPost(t, map[string]string{"env:HOOK": "http://" + web.addr + "/hooksecret"})
	p.box.Configure(Config{Webhook: &Webhook{URL: "env:HOOK"}})
	p.put(three()[:2]...)
	if err := p.box.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("webhook"))
		k, _ := b.Cursor().First()
		return b.Put(slices.Clone(k), []byte("{"))
	}); err != nil {
		t.Fatal(err)
	}
	p.run()
	p.delivered()
	if got := web.requests(); len(got) != 1 || !strings.Contains(string(got[0].body), three()[1].Title) {
		t.Errorf("%+v", got)
	}
}

// TestOnlyOneOutbox opens the same file twice.
func TestOnlyOneOutbox(t *testing.T) {
	p := newPost(t, nil)
	if _, err := Open(Options{Path: p.path, Log: p.box.log}); err == nil {
		t.Error("it was opened twice")
	}
	if aside, _ := filepath.Glob(p.path + ".damaged-*"); len(aside) != 0 {
		t.Errorf("put aside: %q", aside)
	}
}

// TestTriedBefore has a new alert fail once: seconds after, it is late all the same, and not if nothing failed. Each
// alert has an id of its own.
func TestTriedBefore(t *testing.T) {
	web := newWebServer(t)
	web.answers(500)
	web.open()
	p := newPost(t, map[string]string{"env:HOOK": "http://" + web.addr + "/hooksecret"})
	p.box.Configure(Config{Webhook: &Webhook{URL: "env:HOOK"}})
	p.run()
	p.put(Alert{Kind: "lost", At: at(0), Title: "first"})
	p.failing("webhook")
	until(t, "it is on disk that it failed", func() bool { _, e := p.box.next(p.box.boxes[0], nil); return e.Tried })
	web.answers(0)
	p.delivered()
	p.put(Alert{Kind: "back", At: at(0), Title: "second"})
	p.delivered()
	var ids []string
	for i, r := range web.requests() {
		var sent struct {
			ID   string
			Late bool
		}
		if err := json.Unmarshal(r.body, &sent); err != nil || sent.Late != (i == 0) || slices.Contains(ids, sent.ID) {
			t.Errorf("alert %d: %s, %v", i, r.body, err)
		}
		ids = append(ids, sent.ID)
	}
	if len(ids) != 2 {
		t.Errorf("%d alerts", len(ids))
	}
}
