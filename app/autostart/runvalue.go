package autostart

import (
	"errors"
	"strings"
	"unicode/utf16"
)

// The form of Windows: a command line in a value below HKEY_CURRENT_USER\…\Run, and a value of the same name below
// …\Explorer\StartupApproved\Run, by which Task Manager and Settings switch it off.

// runLimit is how long Windows allows a command line in Run to be, in UTF-16 units.
const runLimit = 260

var errLongCommand = errors.New("the command line for Windows is longer than 260 characters; move Gatewatch to a " +
	"shorter path")

// runLine writes a command as programs of Windows take it apart. The program stands in quotes always: without them
// Windows would try what is before each space. It goes by other rules than the arguments: no backslash in it
// escapes, and it cannot have quotes.
func runLine(command []string) (string, error) {
	var b strings.Builder
	for i, word := range command {
		switch {
		case i == 0 && strings.Contains(word, `"`):
			return "", errPath
		case i == 0:
			b.WriteString(`"` + word + `"`)
		case word != "" && !strings.ContainsAny(word, " \t\n\v\""):
			b.WriteString(" " + word)
		default:
			b.WriteString(` "`)
			slashes := 0
			for _, c := range []byte(word) {
				switch c {
				case '\\':
					slashes++
				case '"': // the slashes before it would escape it or each other
					b.WriteString(strings.Repeat(`\`, slashes+1))
					slashes = 0
				default:
					slashes = 0
				}
				b.WriteByte(c)
			}
			b.WriteString(strings.Repeat(`\`, slashes) + `"`)
		}
	}
	if len(utf16.Encode([]rune(b.String()))) > runLimit {
		return "", errLongCommand
	}
	return b.String(), nil
}

// runArgs takes a command line apart as Windows does.
func runArgs(line string) (command []string) {
	line = strings.TrimLeft(line, " \t")
	if line == "" {
		return nil
	}
	first, rest := "", ""
	if inside, ok := strings.CutPrefix(line, `"`); ok {
		first, rest, _ = strings.Cut(inside, `"`)
	} else {
		end := strings.IndexAny(line, " \t")
		if end < 0 {
			end = len(line)
		}
		first, rest = line[:end], line[end:]
	}
	command = append(command, first)
	for rest = strings.TrimLeft(rest, " \t"); rest != ""; rest = strings.TrimLeft(rest, " \t") {
		var word string
		word, rest = runArg(rest)
		command = append(command, word)
	}
	return command
}

// runArg takes the first argument off a command line.
func runArg(line string) (word, rest string) {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case ' ', '\t':
			if !quoted {
				return b.String(), line[i:]
			}
			b.WriteByte(c)
		case '"':
			if quoted && strings.HasPrefix(line[i+1:], `"`) { // two within quotes are one
				b.WriteByte(c)
				i++
				continue
			}
			quoted = !quoted
		case '\\':
			n := len(line[i:]) - len(strings.TrimLeft(line[i:], `\`))
			i += n - 1
			if !strings.HasPrefix(line[i+1:], `"`) {
				b.WriteString(strings.Repeat(`\`, n))
				continue
			}
			b.WriteString(strings.Repeat(`\`, n/2))
			if n%2 == 1 {
				b.WriteByte('"')
				i++
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

// approved reports whether a value below StartupApproved lets the program start. Its first byte is odd if the user has
// switched it off; a time follows. Without a value nothing is in the way.
func approved(value []byte) bool { return len(value) == 0 || value[0]&1 == 0 }
