package wording

// What is said once where Windows 11 keeps the tray icon out of sight.
const (
	HiddenIconTitle = "The icon of Gatewatch is hidden"
	HiddenIcon      = "To see the connection at a glance, drag the icon from behind the ^ to the taskbar, or turn " +
		"it on in " +
		"Settings → Personalization → Taskbar → Other system tray icons."
)
