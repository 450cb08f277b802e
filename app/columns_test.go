package main

import (
	"bytes"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// widest is how many columns a line of code or comment may have, a tab being four.
const widest = 120

// TestColumns holds the width of all Go files. Lines with a part of a raw string may be longer: they cannot be broken.
func TestColumns(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != ".." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen++
		for _, line := range tooWide(source) {
			t.Errorf("%s:%d: more than %d columns", filepath.ToSlash(path), line, widest)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 100 {
		t.Errorf("only %d files were looked at", seen)
	}
}

// tooWide returns the numbers of lines that are too wide.
func tooWide(source []byte) (lines []int) {
	raw := map[int]bool{}
	file := token.NewFileSet().AddFile("", -1, len(source))
	var s scanner.Scanner
	s.Init(file, source, func(token.Position, string) {}, 0)
	for {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			break
		}
		if tok == token.STRING && text[0] == '`' {
			for i := range strings.Count(text, "\n") + 1 {
				raw[file.Line(pos)+i] = true
			}
		}
	}
	number := 0
	for line := range bytes.Lines(source) {
		number++
		text := strings.ReplaceAll(strings.TrimRight(string(line), "\r\n"), "\t", "    ")
		if !raw[number] && utf8.RuneCountInString(text) > widest {
			lines = append(lines, number)
		}
	}
	return lines
}

func TestTooWide(t *testing.T) {
	long := strings.Repeat("x", widest)
	source := "package p\n// " + long + "\nvar a = `\n" + long + long + "`\n" +
		"\t// " + long[:widest-7] + "\n\t// " + long[:widest-6] + "\n"
	if got := tooWide([]byte(source)); len(got) != 2 || got[0] != 2 || got[1] != 6 {
		t.Errorf("lines %v, want 2 and 6", got)
	}
}
