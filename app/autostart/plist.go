package autostart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// The form of macOS: a property list in ~/Library/LaunchAgents, which launchd reads at login.

// Label is what the systems know the program by.
const Label = "io.github.gatewatch.gatewatch"

var errPlist = errors.New("not a property list in XML; remove it, or convert it with `plutil -convert xml1`")

// element is an element of a property list: a dict has keys and values by turns.
type element struct {
	name string
	text string
	kids []element
}

func text(name, s string) element                { return element{name: name, text: s} }
func truth(b bool) element                       { return element{name: fmt.Sprint(b)} }
func group(name string, kids ...element) element { return element{name: name, kids: kids} }

// get returns the value of a key of a dict, nil if it is not there.
func (e *element) get(key string) *element {
	for i := 0; i+1 < len(e.kids); i += 2 {
		if e.kids[i].text == key {
			return &e.kids[i+1]
		}
	}
	return nil
}

func (e *element) set(key string, value element) {
	if old := e.get(key); old != nil {
		*old = value
		return
	}
	e.kids = append(e.kids, text("key", key), value)
}

func (e *element) drop(key string) {
	for i := 0; i+1 < len(e.kids); i += 2 {
		if e.kids[i].text == key {
			e.kids = slices.Delete(e.kids, i, i+2)
			return
		}
	}
}

// parsePlist returns the dict that a property list is.
func parsePlist(content []byte) (*element, error) {
	dec := xml.NewDecoder(bytes.NewReader(content))
	for {
		token, err := dec.Token()
		if err != nil {
			return nil, errPlist
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local == "plist" {
			continue
		}
		dict, err := parseElement(dec, start, 0)
		if err != nil || dict.name != "dict" {
			return nil, errPlist
		}
		if _, err := dec.Token(); err != nil && !errors.Is(err, io.EOF) {
			return nil, errPlist
		}
		return &dict, nil
	}
}

// depth bounds how deep a property list may be nested.
const depth = 50

func parseElement(dec *xml.Decoder, start xml.StartElement, level int) (element, error) {
	e := element{name: start.Name.Local}
	if level > depth {
		return e, errPlist
	}
	for {
		token, err := dec.Token()
		if err != nil {
			return e, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			kid, err := parseElement(dec, token, level+1)
			if err != nil {
				return e, err
			}
			e.kids = append(e.kids, kid)
		case xml.CharData:
			e.text += string(token)
		case xml.EndElement:
			if e.name == "dict" {
				return e, e.checkDict()
			}
			return e, nil
		}
	}
}

func (e *element) checkDict() error {
	for i, kid := range e.kids {
		if (kid.name == "key") != (i%2 == 0) {
			return errPlist
		}
	}
	if len(e.kids)%2 != 0 {
		return errPlist
	}
	return nil
}

// plistText writes a property list.
func plistText(dict *element) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	b.WriteString(`<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">` + "\n")
	b.WriteString("<plist version=\"1.0\">\n")
	dict.write(&b, "")
	b.WriteString("</plist>\n")
	return b.Bytes()
}

func (e *element) write(b *bytes.Buffer, indent string) {
	switch {
	case e.name == "dict" || e.name == "array":
		fmt.Fprintf(b, "%s<%s>\n", indent, e.name)
		for i := range e.kids {
			e.kids[i].write(b, indent+"\t")
		}
		fmt.Fprintf(b, "%s</%s>\n", indent, e.name)
	case e.text == "" && e.name != "string" && e.name != "key":
		fmt.Fprintf(b, "%s<%s/>\n", indent, e.name)
	default:
		fmt.Fprintf(b, "%s<%s>", indent, e.name)
		_ = xml.EscapeText(b, []byte(e.text)) // a buffer takes everything
		fmt.Fprintf(b, "</%s>\n", e.name)
	}
}

// enablePlist returns the text of a LaunchAgent that has a command started at login, and again after a crash. Other
// keys of a present one stay as they are. Nil is no file.
func enablePlist(content []byte, command []string) ([]byte, error) {
	for _, word := range command {
		if strings.ContainsFunc(word, func(r rune) bool {
			return r < ' ' && r != '\t' && r != '\n' || r == 0xFFFE || r == 0xFFFF
		}) {
			return nil, fmt.Errorf("%q %w", word, ErrPath) // XML has no way to write it
		}
	}
	dict := &element{name: "dict", kids: []element{
		text("key", "Label"), text("string", Label),
		text("key", "ProgramArguments"), group("array"),
		text("key", "RunAtLoad"), truth(true),
		text("key", "KeepAlive"), group("dict", text("key", "SuccessfulExit"), truth(false)),
		text("key", "LimitLoadToSessionType"), text("string", "Aqua"),
		text("key", "ProcessType"), text("string", "Interactive"),
	}}
	if content != nil {
		var err error
		if dict, err = parsePlist(content); err != nil {
			return nil, err
		}
	}
	args := group("array")
	for _, word := range command {
		args.kids = append(args.kids, text("string", word))
	}
	dict.set("Label", text("string", Label))
	dict.set("ProgramArguments", args)
	dict.set("RunAtLoad", truth(true))
	dict.drop("Program") // would be started instead
	dict.drop("Disabled")
	return plistText(dict), nil
}

// readPlist returns the command that a LaunchAgent starts at login, and what in it switches it off.
func readPlist(content []byte) (command []string, blocked string, err error) {
	dict, err := parsePlist(content)
	if err != nil {
		return nil, "", err
	}
	if args := dict.get("ProgramArguments"); args != nil {
		for _, word := range args.kids {
			command = append(command, word.text)
		}
	}
	if program := dict.get("Program"); program != nil && program.text != "" {
		if len(command) == 0 {
			command = []string{""}
		}
		command[0] = program.text
	}
	is := func(key, name string) bool {
		v := dict.get(key)
		return v != nil && v.name == name
	}
	switch {
	case is("Disabled", "true"):
		blocked = "the key Disabled"
	case len(command) == 0:
		blocked = "missing ProgramArguments"
	case !is("RunAtLoad", "true") && !is("KeepAlive", "true") && !is("KeepAlive", "dict"):
		blocked = "RunAtLoad, which is not true"
	}
	return command, blocked, nil
}

// switchedOff reports whether `launchctl print-disabled` lists the program as disabled.
func switchedOff(list string) bool {
	for line := range strings.Lines(list) {
		name, state, ok := strings.Cut(line, "=>")
		if !ok || strings.Trim(strings.TrimSpace(name), `"`) != Label {
			continue
		}
		state = strings.TrimSpace(state) // "true" up to macOS 12
		return state == "disabled" || state == "true"
	}
	return false
}
