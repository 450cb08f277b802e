package desktop

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"unicode/utf16"
)

var errNoClipboard = errors.New("nothing here puts text into the clipboard")

// clipboards are the programs that put what they read into the clipboard of a system, with their arguments; on Unix
// those that are there on many desktops. No shell sees the text.
func clipboards(goos string, env func(string) string) (list [][]string) {
	switch goos {
	case "windows":
		return [][]string{{"clip.exe"}}
	case "darwin":
		return [][]string{{"pbcopy"}}
	}
	if env("WAYLAND_DISPLAY") != "" {
		list = append(list, []string{"wl-copy"})
	}
	if env("DISPLAY") != "" {
		list = append(list, []string{"xclip", "-selection", "clipboard"}, []string{"xsel", "--clipboard", "--input"})
	}
	return list
}

// Copy puts a text into the clipboard, by the first program that can.
func (d *Desktop) Copy(ctx context.Context, text string) error {
	env := d.Env()
	err := errNoClipboard
	for _, program := range clipboards(runtime.GOOS, os.Getenv) {
		cmd := exec.CommandContext(ctx, program[0], program[1:]...)
		cmd.Env = append(slices.Clip(env), "LC_CTYPE=UTF-8") // pbcopy takes anything else for Mac Roman
		cmd.Stdin = strings.NewReader(text)
		if runtime.GOOS == "windows" {
			cmd.Env, cmd.Stdin = env, bytes.NewReader(wide(text))
		}
		if err = cmd.Run(); err == nil {
			return nil
		}
	}
	return err
}

// wide returns a text in UTF-16 with its mark, by which clip.exe knows it.
func wide(text string) []byte {
	out := []byte{0xFF, 0xFE}
	for _, unit := range utf16.Encode([]rune(strings.ReplaceAll(text, "\n", "\r\n"))) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	return out
}
