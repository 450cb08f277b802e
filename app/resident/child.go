package resident

import (
	"os"
	"slices"
	"strings"

	"gatewatch/app/diagnostics"
)

// childEnv returns the environment for programs that are started, such as a browser: without the secrets that settings
// refer to by env:NAME.
func (r *resident) childEnv() []string {
	env := os.Environ()
	for _, ref := range diagnostics.References(*r.settings.Load()) {
		secret, ok := strings.CutPrefix(ref, "env:")
		if !ok {
			continue
		}
		env = slices.DeleteFunc(env, func(pair string) bool {
			name, _, _ := strings.Cut(pair, "=")
			return strings.EqualFold(name, secret)
		})
	}
	return env
}
