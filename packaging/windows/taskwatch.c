/* Writes down what programs tell the taskbar of Wine, and passes it on: a notification as its title, text and flags, each on
   one line. Only scripts/wine-check uses it. It depends on how Wine's shell32 hands NOTIFYICONDATAW to its explorer, which
   it does only if the program has laid it out as Windows has. */

#include <windows.h>
#include <shellapi.h>
#include <stdio.h>

/* What the taskbar gets: struct notify_data of Wine 8. */
struct notify_data {
	LONG  hWnd;
	UINT  uID, uFlags, uCallbackMessage;
	WCHAR szTip[128];
	DWORD dwState, dwStateMask;
	WCHAR szInfo[256];
	UINT  uTimeoutOrVersion;
	WCHAR szInfoTitle[64];
	DWORD dwInfoFlags;
};

static const WCHAR taskbar[] = L"Shell_TrayWnd";
static HWND own;
static FILE *out;

static void say(const WCHAR *name, const WCHAR *text) {
	char utf8[1024];
	WideCharToMultiByte(CP_UTF8, 0, text, -1, utf8, sizeof utf8, NULL, NULL);
	for (char *c = utf8; *c; c++)
		if (*c == '\n' || *c == '\r') *c = ' ';
	fprintf(out, "%ls: %s\n", name, utf8);
}

static LRESULT CALLBACK handle(HWND window, UINT message, WPARAM w, LPARAM l) {
	if (message == WM_DESTROY) PostQuitMessage(0);
	if (message != WM_COPYDATA) return DefWindowProcW(window, message, w, l);
	const COPYDATASTRUCT *copy = (const COPYDATASTRUCT *)l;
	const struct notify_data *data = copy->lpData;
	if (copy->dwData == NIM_MODIFY && copy->cbData >= sizeof *data && (data->uFlags & NIF_INFO)) {
		say(L"title", data->szInfoTitle);
		say(L"text", data->szInfo);
		fprintf(out, "flags: 0x%lx\n", data->dwInfoFlags);
		fflush(out);
	}
	HWND real = NULL;
	while ((real = FindWindowExW(NULL, real, taskbar, NULL)) == own) {}
	return real ? SendMessageW(real, message, w, l) : FALSE;
}

int wmain(int argc, WCHAR **argv) {
	if (argc != 2 || !(out = _wfopen(argv[1], L"w"))) return 1;
	WNDCLASSW class = {.lpfnWndProc = handle, .lpszClassName = taskbar, .hInstance = GetModuleHandleW(NULL)};
	RegisterClassW(&class);
	own = CreateWindowExW(WS_EX_TOPMOST | WS_EX_TOOLWINDOW, taskbar, NULL, WS_POPUP, 0, 0, 0, 0, NULL, NULL, class.hInstance, NULL);
	if (!own) return 1;
	fprintf(out, "%s\n", FindWindowExW(NULL, NULL, taskbar, NULL) == own ? "watches" : "is behind the taskbar");
	fflush(out);
	for (MSG m; GetMessageW(&m, NULL, 0, 0) > 0;) DispatchMessageW(&m);
	return 0;
}
