// Command generate writes the icon files from the SVG sources. Run it with `go generate ./assets`, which starts it in
// the assets folder.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"gatewatch/assets/internal/draw"
)

func main() {
	if err := run("svg", "icon"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run replaces the folder target by what the sources give, so that nothing stale stays behind.
func run(source, target string) error {
	files, err := draw.Files(os.DirFS(source))
	if err != nil {
		return err
	}
	if err := os.RemoveAll(target); err != nil {
		return err
	}
	for name, data := range files {
		name = filepath.Join(target, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
