package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// node is one JSON value and where it is.
type node struct {
	offset  int    // of its first byte
	kind    byte   // '{' '[' '"' '0' 't' (true or false) or 'n' (null)
	text    string // of a string its content, of a number its digits, of a boolean "true" or "false"
	items   []*node
	members []member
}

type member struct {
	key    string
	offset int // of the key
	value  *node
}

func (n *node) kindName() string {
	if n.kind == 't' {
		return n.text
	}
	return map[byte]string{'{': "an object", '[': "a list", '"': "a string", '0': "a number", 'n': "null"}[n.kind]
}

// parse turns a text without byte order mark into its tree, or says at which offset it stops being JSON, and why.
func (k Kind) parse(data []byte) (root *node, offset int, problem string) {
	if encoding := encodingOf(data); encoding != "" {
		return nil, 0, "this is " + encoding + " text; save the file with the encoding UTF-8"
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return nil, i, "this is not UTF-8 text; save the file with the encoding UTF-8"
		case r == 0:
			return nil, i, "there is a zero byte here, so the file is damaged; restore it or write it again"
		}
		i += size
	}
	if offset, err := stumble(data); err != nil {
		return nil, offset, k.explain(data, offset, err)
	}
	p := parser{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	p.dec.UseNumber()
	return p.value(), 0, ""
}

// Twice returns a key that the object in a JSON text has twice, if there is one: most readers of JSON take the last of
// them, and some, to which ID is id, do so for those too. What is in its values is not looked at.
func Twice(data []byte) (key string, ok bool) {
	if !json.Valid(data) {
		return "", false
	}
	p := parser{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	p.dec.UseNumber()
	seen := map[string]bool{}
	for _, m := range p.value().members {
		name := strings.ToLower(m.key)
		if seen[name] {
			return m.key, true
		}
		seen[name] = true
	}
	return "", false
}

// encodingOf returns the encoding of a text whose first bytes show that it is another one than UTF-8; else it is empty.
// JSON begins with ASCII, perhaps behind a byte order mark.
func encodingOf(data []byte) string {
	zeros := ""
	for _, b := range data[:min(len(data), 4)] {
		zeros += map[bool]string{true: "0", false: "x"}[b == 0]
	}
	marked := bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff"))
	switch {
	case zeros == "000x" || zeros == "x000" || zeros == "00xx" || zeros == "xx00":
		return "UTF-32"
	case marked || zeros == "0x0x" || zeros == "x0x0":
		return "UTF-16"
	}
	return ""
}

// parser reads a text already known to be valid JSON.
type parser struct {
	data []byte
	dec  *json.Decoder
}

// token returns the next token and the offset of its first byte.
func (p *parser) token() (json.Token, int) {
	offset := int(p.dec.InputOffset())
	for offset < len(p.data) && strings.IndexByte(" \t\r\n,:", p.data[offset]) >= 0 {
		offset++
	}
	token, _ := p.dec.Token() // cannot fail: the text is valid
	return token, offset
}

func (p *parser) value() *node {
	token, offset := p.token()
	n := &node{offset: offset}
	switch t := token.(type) {
	case string:
		n.kind, n.text = '"', t
	case json.Number:
		n.kind, n.text = '0', t.String()
	case bool:
		n.kind, n.text = 't', "false"
		if t {
			n.text = "true"
		}
	case json.Delim:
		n.kind = byte(t)
		for p.dec.More() {
			if t == '[' {
				n.items = append(n.items, p.value())
				continue
			}
			key, at := p.token()
			name, _ := key.(string)
			n.members = append(n.members, member{key: name, offset: at, value: p.value()})
		}
		p.token() // the closing bracket
	default:
		n.kind = 'n'
	}
	return n
}

// stumble returns the offset of the first byte that cannot stand where it stands, len(data) if the text ends too
// early, and -1 with a nil error if the text is valid.
func stumble(data []byte) (int, error) {
	if json.Valid(data) {
		return -1, nil
	}
	// The added byte is never valid, so that an early end and a bad last byte can be distinguished.
	var raw json.RawMessage
	err := json.Unmarshal(append(slices.Clone(data), 0), &raw)
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return 0, err
	}
	return min(max(int(syntax.Offset)-1, 0), len(data)), err
}

// explain says what to do about the syntax error at offset, judged by the text around it.
func (k Kind) explain(data []byte, offset int, err error) string {
	before, rest := bytes.TrimRight(data[:offset], " \t\r\n"), data[offset:]
	last := byte('{')
	if len(before) > 0 {
		last = before[len(before)-1]
	}
	r, _ := utf8.DecodeRune(rest)
	switch {
	case len(before) == 0 && len(rest) == 0:
		return "the file is empty; " + k.Empty
	case len(rest) == 0:
		return "the file ends too early; a closing quote or bracket is missing"
	case r == '/' || r == '#':
		return "comments are not JSON; remove the comment"
	case json.Valid(before):
		return "there is text after the end of the " + k.Name + "; remove it"
	case last == '\\':
		return `a backslash in a string is written twice: \\`
	case last == ',' && (r == '}' || r == ']'):
		return "a comma before a closing bracket is not allowed; remove it"
	case slices.Contains([]rune("“”„‘’'"), r):
		return `names and texts need straight double quotes: "`
	case r == '"' && !slices.Contains([]byte(":,{["), last):
		return "a comma or a colon is missing before this"
	}
	if end, _ := stumble(append(slices.Clone(data[:offset]), ' ')); r < ' ' && end > offset {
		return "a text must end on its line; is a closing quote missing?"
	}
	return "not valid JSON: " + err.Error()
}
