// Package rulefile keeps rules.json while the program runs, and puts in effect what it says.
package rulefile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"

	"gatewatch/app/api"
	"gatewatch/app/console"
	"gatewatch/app/rulebook"
	"gatewatch/app/strict"
	"gatewatch/engine/rules"
)

// File is rules.json.
type File struct {
	Path    string
	Changed func() // called when there is something new to show
	Screen  *console.Console
	Log     *slog.Logger
	Events  *slog.Logger // for what the console says in its own words

	set *rules.Set

	editing sync.Mutex // one change of the file at a time

	mu       sync.Mutex
	problems strict.Problems // what is wrong in the file
	problem  string          // the same as text, or what is wrong with the file as a whole
}

// Load reads the file at the start.
func (f *File) Load(set *rules.Set) {
	f.set = set
	book, _, err := rulebook.Load(f.Path)
	if err != nil {
		f.Log.Error("rules cannot be read", "err", err)
		f.setProblem(err.Error(), nil)
		return
	}
	f.take(book)
}

// take puts what the file says in effect. What is no list of rules at all changes nothing, and the states of rules are
// kept until it is corrected.
func (f *File) take(b rulebook.Book) {
	text := ""
	if len(b.Problems) > 0 {
		text = b.Problems.Error()
		if before, _ := f.Trouble(); text != before { // the watcher begins with what was read at the start
			f.Events.Error("rules refused, the others are in effect", "err", text)
			f.Screen.Say("RULES", "Refused: "+b.Problems[0].String())
		}
	}
	f.setProblem(text, b.Problems)
	if b.Broken {
		return
	}
	if err := f.set.Put(b.Rules); err != nil {
		f.Log.Error("rules", "err", err)
	}
}

// Watch follows the file until ctx ends.
func (f *File) Watch(ctx context.Context) {
	changed := func() {
		f.editing.Lock()
		defer f.editing.Unlock()
		// Since the watcher has read the file, Edit may have written it: to take what was there before makes drafts of
		// rules.
		if book, found, err := rulebook.Load(f.Path); found && err == nil {
			f.take(book)
		}
	}
	failed := func(err error) {
		text := err.Error()
		if errors.Is(err, fs.ErrNotExist) {
			text = f.Path + " is missing; the rules that were read last stay in effect"
		}
		f.setProblem(text, nil)
		f.Log.Error("rules", "err", text)
		f.Changed()
	}
	rulebook.Watch(ctx, f.Path, changed, failed)
}

// Edit changes the rules in the file.
func (f *File) Edit(change func([]rules.Rule) ([]rules.Rule, error)) error {
	f.editing.Lock()
	defer f.editing.Unlock()
	// What the file says counts: it may have been changed a moment ago.
	book, found, err := rulebook.Load(f.Path)
	if err != nil {
		return err
	}
	if !found {
		book.Rules = f.set.Rules() // which stay in effect while there is no file
	}
	if len(book.Problems) > 0 { // writing the file would lose what is wrong in it
		return &api.Conflict{Reason: "mend rules.json first: " + book.Problems[0].String()}
	}
	list, err := change(book.Rules)
	if err != nil {
		return err
	}
	if err := rulebook.Save(f.Path, list); err != nil {
		return err
	}
	f.take(rulebook.Book{Rules: list})
	return nil
}

// Text returns the text of the file, and its tag.
func (f *File) Text() (api.FileText, string, error) {
	text, found, err := rulebook.ReadText(f.Path)
	if err != nil {
		return api.FileText{}, "", err
	}
	tag := api.TagOf(text)
	if !found {
		text = rulebook.Marshal(f.set.Rules())
	}
	return api.FileTextOf(f.Path, found, text, rulebook.Parse("rules.json", text).Problems), tag, nil
}

// Save checks a text that is to replace the file, writes it as it is, and puts it in effect. After an error nothing has
// changed.
func (f *File) Save(text []byte, tag string) error {
	book := rulebook.Parse("rules.json", text)
	if book.Problems != nil {
		return book.Problems
	}
	f.editing.Lock()
	defer f.editing.Unlock()
	before, _, err := rulebook.ReadText(f.Path)
	if err != nil {
		return err
	}
	if tag != "" && tag != api.TagOf(before) {
		return api.ErrChanged
	}
	if err := strict.Save(f.Path, text); err != nil {
		return fmt.Errorf("save rules: %w", err)
	}
	f.take(book)
	return nil
}

func (f *File) setProblem(text string, problems strict.Problems) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.problem, f.problems = text, problems
}

// Trouble returns what is wrong with the file.
func (f *File) Trouble() (text string, problems strict.Problems) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.problem, f.problems
}
