package autostart

import (
	"fmt"
	"slices"
	"strings"
)

// The form of Linux: a desktop entry in an autostart folder. See the Desktop Entry Specification, "The Exec key", and
// the Desktop Application Autostart Specification.

const (
	mainGroup    = "[Desktop Entry]"
	gnomeEnabled = "X-GNOME-Autostart-enabled"
)

// desktopKeys are the keys that are ours, in their order. The others belong to those who wrote them.
var desktopKeys = []string{"Type", "Name", "Comment", "Exec", "Icon", "Terminal", gnomeEnabled}

// desktopFile is a desktop entry as its lines. What is not changed stays as it is, comments and all.
type desktopFile []string

func parseDesktopFile(text string) desktopFile {
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\uFEFF"), "\r\n", "\n")
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func (f desktopFile) String() string { return strings.Join(f, "\n") + "\n" }

// group returns where the lines of the main group begin and end; ok is false if there is none.
func (f desktopFile) group() (begin, end int, ok bool) {
	begin = slices.IndexFunc(f, func(line string) bool { return strings.TrimSpace(line) == mainGroup })
	if begin < 0 {
		return 0, 0, false
	}
	begin++
	end = begin
	for end < len(f) && !strings.HasPrefix(strings.TrimSpace(f[end]), "[") {
		end++
	}
	return begin, end, true
}

// find returns the line of a key and its value as it is written, -1 if it is not there.
func (f desktopFile) find(key string) (line int, value string) {
	begin, end, _ := f.group()
	for i := begin; i < end; i++ {
		if k, v, ok := strings.Cut(f[i], "="); ok && strings.TrimSpace(k) == key {
			return i, strings.TrimSpace(v)
		}
	}
	return -1, ""
}

// set gives a key of the main group a value, as it is to be written.
func (f desktopFile) set(key, value string) desktopFile {
	line := key + "=" + value
	if i, _ := f.find(key); i >= 0 {
		f[i] = line
		return f
	}
	_, end, _ := f.group()
	for end > 0 && strings.TrimSpace(f[end-1]) == "" { // before the blank lines that lead to the next group
		end--
	}
	return slices.Insert(f, end, line)
}

func (f desktopFile) drop(key string) desktopFile {
	for {
		i, _ := f.find(key)
		if i < 0 {
			return f
		}
		f = slices.Delete(f, i, i+1)
	}
}

// env starts a program whose path has a % in it: GLib looks for a program at the path as it is written, with the %
// doubled, and does not find it.
const env = "/usr/bin/env"

// enableDesktop returns the text of a file that starts a command at login. What is in the file already stays,
// apart from what is about that. An empty text is no file.
func enableDesktop(text string, command []string) (string, error) {
	if strings.Contains(command[0], "%") {
		if strings.Contains(command[0], "=") { // env would take it for a variable
			return "", fmt.Errorf("%q %w", command[0], errPath)
		}
		command = append([]string{env}, command...)
	}
	f := parseDesktopFile(text)
	_, _, old := f.group()
	if !old {
		f = desktopFile{
			mainGroup, "Type=Application", "Name=Gatewatch",
			"Comment=Keeps the connection to Interactive Brokers' Gateway",
			"Icon=" + label, "Terminal=false",
		}
	}
	f = f.set("Type", "Application").set("Exec", escapeValue(execLine(command)))
	f = f.drop("Hidden")
	// One that tells whether some other program is there would now tell of the wrong one.
	f = f.drop("TryExec")
	return f.set(gnomeEnabled, "true").String(), nil
}

// disableDesktop returns the text of a file that has nothing started; empty if there is no need for a file, for it has
// no keys but ours.
func disableDesktop(text string) string {
	f := parseDesktopFile(text)
	begin, end, ok := f.group()
	own := len(f) == end && begin == 1
	for i := begin; i < end; i++ {
		key, _, set := strings.Cut(f[i], "=")
		if key = strings.TrimSpace(key); key != "" && (!set || !slices.Contains(append(desktopKeys, "Hidden"), key)) {
			own = false
		}
	}
	if !ok || own {
		return ""
	}
	return f.set("Hidden", "true").String()
}

// readDesktop returns the command that a file starts on a desktop, and what switches it off. found tells whether a
// program can be started.
func readDesktop(text, desktops string, found func(program string) bool) (command []string, blocked string) {
	f := parseDesktopFile(text)
	is := func(key, want string) bool {
		i, v := f.find(key)
		return i >= 0 && strings.EqualFold(v, want)
	}
	_, exec := f.find("Exec")
	command = execArgs(unescapeValue(exec))
	if len(command) > 1 && command[0] == env && strings.Contains(command[1], "%") {
		command = command[1:]
	}
	only, onlyShowIn := f.find("OnlyShowIn")
	never, notShowIn := f.find("NotShowIn")
	try, tryExec := f.find("TryExec")
	switch {
	case is("Hidden", "true"):
		blocked = "Hidden=true"
	case is(gnomeEnabled, "false"):
		blocked = gnomeEnabled + "=false"
	case only >= 0 && !listed(onlyShowIn, desktops):
		blocked = "OnlyShowIn=" + onlyShowIn
	case never >= 0 && listed(notShowIn, desktops):
		blocked = "NotShowIn=" + notShowIn
	case try >= 0 && tryExec != "" && !found(unescapeValue(tryExec)):
		blocked = "TryExec=" + tryExec
	case len(command) == 0:
		blocked = "a missing or wrong Exec"
	}
	return command, blocked
}

// listed reports whether one of the present desktops, parted by colons, stands in a list of a desktop entry.
func listed(list, desktops string) bool {
	names := strings.Split(list, ";")
	return slices.ContainsFunc(strings.Split(desktops, ":"), func(d string) bool {
		return d != "" && slices.Contains(names, d)
	})
}

var (
	valueEscaper   = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`)
	valueUnescaper = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t", `\r`, "\r", `\s`, " ")
	execEscaper    = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", `$`, `\$`)
)

// escapeValue writes a value of type string; unescapeValue is its reverse.
func escapeValue(text string) string {
	text = valueEscaper.Replace(text)
	if strings.HasPrefix(text, " ") {
		text = `\s` + text[1:]
	}
	return text
}

func unescapeValue(text string) string { return valueUnescaper.Replace(text) }

// execLine writes a command as the Exec key wants it, before it is escaped as a value.
func execLine(command []string) string {
	var words []string
	for _, word := range command {
		word = strings.ReplaceAll(word, "%", "%%")
		if word == "" || strings.ContainsAny(word, " \t\n\r\"'\\><~|&;$*?#()`") {
			word = `"` + execEscaper.Replace(word) + `"`
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// execArgs is the reverse of execLine; nil if the line is at fault. Field codes other than %% stand for nothing here,
// as no one drops a file on what is started at login.
func execArgs(line string) (command []string) {
	var word strings.Builder
	within, quoted := false, false // a word; its quotes
	end := func() {
		if within {
			command = append(command, word.String())
		}
		word.Reset()
		within = false
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '"':
			within, quoted = true, !quoted
		case quoted && c == '\\' && i+1 < len(line) && strings.IndexByte("\"`$\\", line[i+1]) >= 0:
			i++
			word.WriteByte(line[i])
		case !quoted && (c == ' ' || c == '\t' || c == '\n'):
			end()
		case c == '%' && i+1 < len(line):
			i++
			if line[i] == '%' {
				within = true
				word.WriteByte('%')
			}
		default:
			within = true
			word.WriteByte(c)
		}
	}
	end()
	if quoted {
		return nil
	}
	return command
}
