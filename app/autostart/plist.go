package autostart

import (
	"errors"
	"fmt"
	"strings"

	"howett.net/plist"
)

// The form of macOS: a property list in ~/Library/LaunchAgents, which launchd reads at login.

// label is what the systems know the program by.
const label = "io.github.gatewatch.gatewatch"

var errPlist = errors.New("not a property list; correct or remove it")

// parsePlist returns the dict that a property list is.
func parsePlist(content []byte) (dict map[string]any, err error) {
	if _, err := plist.Unmarshal(content, &dict); err != nil || dict == nil {
		return nil, errPlist
	}
	return dict, nil
}

// enablePlist returns the text of a LaunchAgent that starts a command at login, and again after a crash. Other
// keys of a present one stay as they are. Nil is no file.
func enablePlist(content []byte, command []string) ([]byte, error) {
	for _, word := range command {
		if strings.ContainsFunc(word, func(r rune) bool {
			return r < ' ' && r != '\t' && r != '\n' || r == 0xFFFE || r == 0xFFFF
		}) {
			return nil, fmt.Errorf("%q %w", word, errPath) // XML has no way to write it
		}
	}
	dict := map[string]any{
		"KeepAlive": map[string]bool{"SuccessfulExit": false}, "LimitLoadToSessionType": "Aqua",
		"ProcessType": "Interactive",
	}
	if content != nil {
		var err error
		if dict, err = parsePlist(content); err != nil {
			return nil, err
		}
	}
	dict["Label"], dict["ProgramArguments"], dict["RunAtLoad"] = label, command, true
	delete(dict, "Program") // would be started instead
	delete(dict, "Disabled")
	text, err := plist.MarshalIndent(dict, plist.XMLFormat, "\t")
	return append(text, '\n'), err
}

// readPlist returns the command that a LaunchAgent starts at login, and what in it switches it off.
func readPlist(content []byte) (command []string, blocked string, err error) {
	dict, err := parsePlist(content)
	if err != nil {
		return nil, "", err
	}
	args, _ := dict["ProgramArguments"].([]any)
	for _, word := range args {
		command = append(command, fmt.Sprint(word))
	}
	if program, _ := dict["Program"].(string); program != "" {
		if len(command) == 0 {
			command = []string{""}
		}
		command[0] = program
	}
	_, conditions := dict["KeepAlive"].(map[string]any)
	switch {
	case dict["Disabled"] == true:
		blocked = "the key Disabled"
	case len(command) == 0:
		blocked = "missing ProgramArguments"
	case dict["RunAtLoad"] != true && dict["KeepAlive"] != true && !conditions:
		blocked = "RunAtLoad, which is not true"
	}
	return command, blocked, nil
}

// switchedOff reports whether `launchctl print-disabled` lists the program as disabled.
func switchedOff(list string) bool {
	for line := range strings.Lines(list) {
		name, state, ok := strings.Cut(line, "=>")
		if !ok || strings.Trim(strings.TrimSpace(name), `"`) != label {
			continue
		}
		state = strings.TrimSpace(state) // "true" up to macOS 12
		return state == "disabled" || state == "true"
	}
	return false
}
