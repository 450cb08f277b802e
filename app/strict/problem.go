package strict

import (
	"fmt"
	"strings"
)

const maxProblems = 20 // reported at once

// Problem is one thing wrong in a file.
type Problem struct {
	File   string `json:"-"`      // as it was given to the reader
	Key    string `json:"key"`    // path of the key, such as "watchdog.poll_seconds"; empty: the file as a whole
	Line   int    `json:"line"`   // from 1
	Column int    `json:"column"` // from 1, in characters
	Text   string `json:"text"`   // what is wrong and what to do
}

func (p Problem) String() string {
	text := fmt.Sprintf("%s:%d:%d: ", p.File, p.Line, p.Column)
	if p.Key != "" {
		text += p.Key + ": "
	}
	return text + p.Text
}

// Problems is the error for a file that breaks the rules: all that is wrong with it, top down, 20 at most.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}
