package cli

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"gatewatch/app/cli/cmdline"
	"gatewatch/app/home"
	"gatewatch/app/wording"
)

//go:embed completion/gatewatch.bash
var bashCompletion string

//go:embed completion/gatewatch.zsh
var zshCompletion string

//go:embed completion/gatewatch.fish
var fishCompletion string

//go:embed completion/gatewatch.ps1
var powershellCompletion string

// Completion prints a script by which a shell completes the command line. The script runs [Complete].
type Completion struct {
	Shell string `arg:"" enum:"bash,zsh,fish,powershell" help:"bash, zsh, fish or powershell."`
}

// Run prints the script.
func (c Completion) Run() error {
	script := map[string]string{
		"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion, "powershell": powershellCompletion,
	}[c.Shell]
	_, err := io.WriteString(Stdout, script)
	return err
}

// Complete prints what can be written in the place of the last word: one per line with a tab and its meaning. A line
// without a word means the name of a file.
type Complete struct {
	Words []string `arg:"" optional:"" help:"Words behind gatewatch up to the cursor, each with = before it."`
}

// completeLimit bounds the questions to the running program while someone waits for the Tab key.
const completeLimit = time.Second

// Run never fails: an error would appear in the middle of a command line.
func (c Complete) Run(ctx context.Context, k *kong.Context, p Program) error {
	ctx, cancel := context.WithTimeout(ctx, completeLimit)
	defer cancel()
	for _, s := range complete(ctx, k.Model, p, joined(c.Words)) {
		if wording.OneLine(s.word) == s.word {
			fmt.Fprintf(Stdout, "%s\t%s\n", s.word, wording.OneLine(s.help))
		}
	}
	return nil
}

// joined takes away the marks of words, and joins what bash splits at an equals sign.
func joined(marked []string) (words []string) {
	splits := false
	for _, word := range marked {
		word = strings.TrimPrefix(word, "=")
		last := len(words) - 1
		switch {
		case splits:
			words[last] += word
			splits = false
		case word == "=" && last >= 0 && strings.HasPrefix(words[last], "--"):
			words[last] += word
			splits = true
		default:
			words = append(words, word)
		}
	}
	return words
}

// suggestion is a word that can be written, and what it means.
type suggestion struct{ word, help string }

// aFile suggests the name of any file.
var aFile = []suggestion{{"", "files"}}

// typed is what is before the word that is completed.
type typed struct {
	node       *kong.Node
	flag       *kong.Flag // whose value comes next; nil if none
	positional int
}

// complete returns what the last word can be.
func complete(ctx context.Context, app *kong.Application, p Program, words []string) []suggestion {
	if len(words) == 0 {
		words = []string{""}
	}
	last := len(words) - 1
	before, word := typed{node: app.Node}, words[last]
	for i, w := range words[:last] {
		if before.flag != nil && before.flag.Name == "home" {
			p.Home = home.At(words[i])
		}
		before.read(w)
	}
	name, value, given := strings.Cut(word, "=")
	switch {
	case before.flag != nil:
		return p.values(ctx, before.flag.Value, "", word)
	case given && strings.HasPrefix(name, "--"):
		if flag := cmdline.Flag(before.node, name); flag != nil {
			return p.values(ctx, flag.Value, name+"=", value)
		}
		return nil
	case strings.HasPrefix(word, "-"):
		return starting(word, flagSuggestions(before.node))
	}
	list := starting(word, commandSuggestions(before.node))
	taker := cmdline.WithDefault(before.node)
	switch {
	case before.positional < len(taker.Positional):
		list = append(list, p.values(ctx, taker.Positional[before.positional], "", word)...)
	case len(list) == 0 && word == "":
		list = flagSuggestions(before.node)
	}
	return list
}

// read goes on by a word.
func (t *typed) read(word string) {
	if t.flag != nil {
		t.flag = nil
		return
	}
	if strings.HasPrefix(word, "-") {
		if flag := cmdline.Flag(t.node, word); flag != nil && !flag.IsBool() {
			t.flag = flag
		}
		return
	}
	child := cmdline.Command(t.node, word)
	switch {
	case child == nil:
		t.positional++
	case child.Name != "help": // which is followed by commands
		t.node = child
	}
}

func commandSuggestions(node *kong.Node) (list []suggestion) {
	for _, child := range node.Children {
		if !child.Hidden {
			list = append(list, suggestion{child.Name, child.Help})
		}
	}
	return list
}

func flagSuggestions(node *kong.Node) (list []suggestion) {
	for _, flag := range cmdline.Flags(node) {
		list = append(list, suggestion{"--" + flag.Name, flag.Help})
	}
	return list
}

// values returns what a flag or an argument can be. Names that only the running program knows have a tag: complete.
func (p Program) values(ctx context.Context, v *kong.Value, prefix, word string) (list []suggestion) {
	switch {
	case v.Enum != "":
		for _, one := range v.EnumSlice() {
			if one != "" {
				list = append(list, suggestion{one, ""})
			}
		}
	case v.Tag.Type == "path" || v.Tag.Type == "existingfile":
		return aFile
	case v.Tag.Has("complete"):
		list = p.names(ctx, v.Tag.Get("complete"))
	}
	list = starting(strings.ReplaceAll(strings.TrimLeft(word, `"'`), `\`, ""), list) // as it is without quotes
	for i := range list {
		list[i].word = prefix + list[i].word
	}
	return list
}

// names asks the running program for names of a kind.
func (p Program) names(ctx context.Context, kind string) (list []suggestion) {
	client, err := p.client()
	if err != nil {
		return nil
	}
	switch kind {
	case "rules":
		found, _ := client.Rules(ctx)
		for _, r := range found.Rules {
			list = append(list, suggestion{r.Rule.Name, string(r.State) + ": " + r.Text})
		}
	case "orders":
		found, _ := client.Orders(ctx)
		for _, o := range found.Orders {
			if o.Open {
				list = append(list, suggestion{strconv.FormatInt(o.ID, 10), o.Text})
			}
		}
	case "channels":
		found, _ := client.Alerts(ctx)
		for _, c := range found.Channels {
			list = append(list, suggestion{c.Name, c.Service})
		}
	}
	return list
}

// starting returns the suggestions that start with a word.
func starting(word string, list []suggestion) (found []suggestion) {
	for _, s := range list {
		if strings.HasPrefix(s.word, word) {
			found = append(found, s)
		}
	}
	return found
}
