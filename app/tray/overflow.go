package tray

import "strings"

// iconSetting is what Windows 11 keeps of a program's tray icon.
type iconSetting struct {
	exe      string // the program; a known folder at its beginning may be a GUID in braces
	promoted bool   // the icon stands in the taskbar, not in the overflow behind the ^
}

// inOverflow reports whether Windows knows icons of the program at exe and shows none of them in the taskbar.
func inOverflow(settings []iconSetting, exe string) bool {
	known := false
	for _, s := range settings {
		if isProgram(s.exe, exe) {
			if s.promoted {
				return false
			}
			known = true
		}
	}
	return known
}

// isProgram reports whether Windows means the program at exe.
func isProgram(noted, exe string) bool {
	noted, exe = strings.ToLower(noted), strings.ToLower(exe)
	if _, rest, ok := strings.Cut(noted, "}"); ok && strings.HasPrefix(noted, "{") {
		return strings.HasPrefix(rest, `\`) && strings.HasSuffix(exe, rest)
	}
	return noted == exe
}
