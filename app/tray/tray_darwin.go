package tray

// Available reports whether there is a desktop to show a tray on, and if not, why.
func Available() (ok bool, reason string) {
	if !hasTray {
		return false, "built without cgo, which the menu bar needs"
	}
	return true, ""
}
