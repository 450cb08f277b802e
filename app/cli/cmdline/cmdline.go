// Package cmdline finds commands and flags in a model of the command line, and says what is wrong with what was typed.
package cmdline

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"gatewatch/app/wording"
)

// Mistake returns what is wrong with a command line that the parser refused: which word, what was probably meant, and
// which help to read. It returns refused itself where the parser knows more.
func Mistake(app *kong.Application, args []string, refused error) error {
	node, err := findMistake(app, args)
	if err == nil {
		err = refused
	}
	lists := "lists the commands and flags"
	if node != app.Node {
		lists = "shows how to use it"
	}
	return fmt.Errorf("%w\n`%s --help` %s", err, node.FullPath(), lists)
}

// findMistake goes through a command line from left to right up to the first word that cannot be right. It returns
// the command that it got to.
func findMistake(app *kong.Application, args []string) (*kong.Node, error) {
	node, positional := app.Node, 0
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		word := args[i]
		if len(word) > 1 && word[0] == '-' && word[1] != '-' {
			if err := checkShort(node, word[1:]); err != nil {
				return node, err
			}
			continue
		}
		if strings.HasPrefix(word, "--") {
			name, value, given := strings.Cut(word, "=")
			flag := Flag(node, name)
			if flag == nil {
				return node, unknownFlag(node, name)
			}
			if flag.IsBool() {
				continue
			}
			if !given {
				if i++; i == len(args) {
					return node, fmt.Errorf("%s needs a value: %s", name, flag.Help)
				}
				if value = args[i]; strings.HasPrefix(value, "-") {
					return node, fmt.Errorf("%s: %q looks like a flag; write %s=%s if it is the value",
						name, value, name, value)
				}
			}
			if err := checkValue(flag.Value, name, value); err != nil {
				return node, err
			}
			continue
		}
		if child := Command(node, word); child != nil {
			node = child
			continue
		}
		taker := WithDefault(node)
		if positional == len(taker.Positional) {
			return node, unknownWord(node, word)
		}
		if err := checkValue(taker.Positional[positional], "<"+taker.Positional[positional].Name+">",
			word); err != nil {
			return node, err
		}
		if !taker.Positional[positional].IsCumulative() {
			positional++
		}
	}
	return node, missing(node, positional)
}

// WithDefault returns the command that runs if none below node is named.
func WithDefault(node *kong.Node) *kong.Node {
	if node.DefaultCmd != nil {
		return node.DefaultCmd
	}
	return node
}

// Command returns the command with a name below node, nil if there is none.
func Command(node *kong.Node, name string) *kong.Node {
	for _, child := range node.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}

// Flags returns the flags that can be written behind a command.
func Flags(node *kong.Node) (flags []*kong.Flag) {
	for _, group := range WithDefault(node).AllFlags(true) {
		flags = append(flags, group...)
	}
	return flags
}

// Flag finds a flag by its name with its hyphens. It returns nil if node has no such flag.
func Flag(node *kong.Node, name string) *kong.Flag {
	for _, flag := range Flags(node) {
		if name == "--"+flag.Name || flag.Short != 0 && name == "-"+string(flag.Short) {
			return flag
		}
	}
	return nil
}

// checkShort looks for an unknown letter in a group of short flags, none of which takes a value.
func checkShort(node *kong.Node, letters string) error {
	for _, letter := range letters {
		if Flag(node, "-"+string(letter)) == nil {
			return unknownFlag(node, "-"+string(letter))
		}
	}
	return nil
}

func unknownFlag(node *kong.Node, name string) error {
	return errors.New("unknown flag " + wording.OneLine(name) + of(node) + didYouMean(name, flagNames(node)))
}

func flagNames(node *kong.Node) (names []string) {
	for _, flag := range Flags(node) {
		names = append(names, "--"+flag.Name)
	}
	return names
}

// of names the command that a flag was written behind.
func of(node *kong.Node) string {
	if node.Type == kong.ApplicationNode {
		return ""
	}
	return " of `" + node.FullPath() + "`"
}

// unknownWord is about a word that is no command, behind a command that takes no arguments.
func unknownWord(node *kong.Node, word string) error {
	if len(node.Children) == 0 {
		return fmt.Errorf("`%s` does not take %q%s", node.FullPath(), word, didYouMean("--"+word, flagNames(node)))
	}
	return fmt.Errorf("unknown command %q%s", word, didYouMean(word, commandNames(node)))
}

func commandNames(node *kong.Node) (names []string) {
	for _, child := range node.Children {
		if !child.Hidden {
			names = append(names, child.Name)
		}
	}
	return names
}

// missing says what has to follow a command.
func missing(node *kong.Node, positional int) error {
	taker := WithDefault(node)
	if len(taker.Children) > 0 {
		return fmt.Errorf("`%s` needs a command: %s", node.FullPath(), strings.Join(commandNames(node), ", "))
	}
	for _, p := range taker.Positional[min(positional, len(taker.Positional)):] {
		if p.Required {
			return fmt.Errorf("`%s` needs %s: %s", node.FullPath(), p.Summary(), p.Help)
		}
	}
	return nil
}

// checkValue says what is wrong with the value of a flag or an argument that where names.
func checkValue(v *kong.Value, where, text string) error {
	if v.Enum != "" {
		allowed := slices.DeleteFunc(v.EnumSlice(), func(s string) bool { return s == "" })
		if slices.Contains(allowed, text) {
			return nil
		}
		return fmt.Errorf("%s: %q is not one of %s%s", where, text, strings.Join(allowed, ", "),
			didYouMean(text, allowed))
	}
	err, wanted := error(nil), ""
	switch v.Target.Interface().(type) {
	case time.Duration:
		_, err = time.ParseDuration(text)
		wanted = "a length of time, such as 90s or 10m"
	default:
		switch v.Target.Kind() {
		case reflect.Int, reflect.Int64, reflect.Uint64:
			_, err = strconv.ParseInt(text, 10, 64)
			wanted = "a whole number"
		case reflect.Float64:
			_, err = strconv.ParseFloat(text, 64)
			wanted = "a number"
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %q is not %s", where, text, wanted)
	}
	return nil
}

// maxMeant is how many words are suggested at most.
const maxMeant = 3

// didYouMean suggests the words that a mistyped one resembles most.
func didYouMean(typed string, words []string) string {
	typed = strings.ToLower(typed)
	far := func(word string) int {
		if bare := strings.TrimLeft(typed, "-"); len(bare) > 1 && strings.HasPrefix(strings.TrimLeft(word, "-"), bare) {
			return 0
		}
		return distance(typed, word)
	}
	limit := 2
	if len(strings.TrimLeft(typed, "-")) < 5 {
		limit = 1
	}
	meant := slices.DeleteFunc(slices.Clone(words), func(word string) bool { return far(word) > limit })
	slices.SortStableFunc(meant, func(a, b string) int { return far(a) - far(b) })
	if len(meant) == 0 || len(typed) == 1 {
		return ""
	}
	return ". Did you mean " + strings.Join(meant[:min(len(meant), maxMeant)], " or ") + "?"
}

// distance counts the letters that have to be added, removed, replaced or swapped with their neighbour to make b of a.
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	var beforeLast []int
	last := make([]int, len(to)+1)
	for j := range last {
		last[j] = j
	}
	for i := range from {
		row := []int{i + 1}
		for j := range to {
			cost := 1
			if from[i] == to[j] {
				cost = 0
			}
			d := min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && from[i] == to[j-1] && from[i-1] == to[j] {
				d = min(d, beforeLast[j-1]+1)
			}
			row = append(row, d)
		}
		beforeLast, last = last, row
	}
	return last[len(to)]
}
