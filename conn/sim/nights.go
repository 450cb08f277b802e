package sim

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed nights/*.txt
var nightFiles embed.FS

// Night is a script that plays what is known to happen to a gateway at night.
type Night struct {
	Name   string
	Title  string // one line
	Script string // for [ParseScript]; its comments say what rests on recordings
}

// Nights lists the scripts that come with the simulator.
func Nights() []Night {
	var all []Night
	files, _ := fs.Glob(nightFiles, "nights/*.txt") // a pattern that is well formed
	for _, file := range files {
		text, err := nightFiles.ReadFile(file)
		if err != nil {
			panic("sim: " + err.Error()) // it is part of the program
		}
		title, _, _ := strings.Cut(string(text), "\n")
		all = append(all, Night{
			Name: strings.TrimSuffix(path.Base(file), ".txt"), Title: strings.TrimPrefix(title, "# "),
			Script: string(text),
		})
	}
	return all
}

// findNight returns the night with a name.
func findNight(name string) (Night, error) {
	for _, n := range Nights() {
		if n.Name == name {
			return n, nil
		}
	}
	return Night{}, fmt.Errorf("unknown night %q: one of %s", name, strings.Join(nightNames(), ", "))
}

// PlayNight runs the script of a night beside those that already run.
func (g *Gateway) PlayNight(name string) error {
	n, err := findNight(name)
	if err != nil {
		return err
	}
	s, err := ParseScript(n.Script)
	if err != nil {
		return err
	}
	return g.RunScript(s)
}

// The verb is added here since it runs a script, which is made of verbs.
func init() {
	help := "play a night that comes with the simulator: " + strings.Join(nightNames(), ", ")
	verbs = append(verbs, verb{"night", "name=", help, playNight})
}

func nightNames() []string {
	var names []string
	for _, n := range Nights() {
		names = append(names, n.Name)
	}
	return names
}

func playNight(g *Gateway, a *args) error {
	name := a.text("name")
	if _, err := findNight(name); err != nil && a.err == nil {
		a.err = err
	}
	return a.do(func() error { return g.PlayNight(name) })
}
