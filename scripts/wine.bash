# What scripts/wine-check and scripts/wine-install-check have in common; they source it from the root of the project,
# with $out set to the folder for logs. It gives them a display and a Wine of their own, below $work, until they end.

work=
display_pid=
failed=0
began=$SECONDS

pass() { printf 'PASS  %s\n' "$*"; }
note() { printf 'NOTE  %s\n' "$*"; }
fail() {
	printf 'FAIL  %s\n' "$*"
	failed=1
}

# check TEXT COMMAND... passes if the command succeeds.
check() {
	local what=$1
	shift
	if "$@" >/dev/null 2>&1; then pass "$what"; else fail "$what"; fi
}

# within SECONDS COMMAND... repeats the command until it succeeds.
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt "$end" ] || return 1
		sleep 0.1
	done
}

# ended PID: a child of this shell is no longer there, or only waits to be asked how it ended.
ended() { ! [ -d "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"; }

windows_path() { printf 'Z:%s' "${1//\//\\}"; }

# need PACKAGE... installs the Debian packages that are missing.
need() {
	local p missing=() as=()
	for p in "$@"; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null || true)" = installed ] || missing+=("$p")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] || as=(sudo)
	echo "Installing missing packages: ${missing[*]}"
	"${as[@]}" apt-get update -qq
	"${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

cleanup() {
	trap - EXIT
	if [ -n "$work" ]; then
		timeout 10 wineserver -k || true
		timeout 10 wineserver -w || true
	fi
	[ -z "$display_pid" ] || kill "$display_pid" 2>/dev/null || true
	[ -z "$work" ] || rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# start_wine makes a display and a Wine in which Go programs run.
start_wine() {
	work=$(mktemp -d)
	rm -rf "$out"
	mkdir -p "$out"
	export WINEPREFIX=$work/prefix WINEDEBUG=-all WINEDLLOVERRIDES='mscoree=;mshtml=;winemenubuilder.exe='
	unset WAYLAND_DISPLAY GATEWATCH_HOME
	export GOMAXPROCS=2

	exec 8>"$work/display"
	Xvfb -displayfd 8 -screen 0 1280x800x24 -nolisten tcp >"$out/xvfb.log" 2>&1 8>&8 &
	display_pid=$!
	exec 8>&-
	within 10 test -s "$work/display" || { fail "Xvfb starts"; exit 1; }
	DISPLAY=:$(cat "$work/display")
	export DISPLAY

	# bcryptprimitives.dll is missing in Wine 8.
	x86_64-w64-mingw32-gcc -Wall -Wextra -Os -s -shared -o "$work/bcryptprimitives.dll" packaging/windows/bcryptprimitives.c -ladvapi32
	timeout 180 wineboot --init >"$out/wineboot.log" 2>&1
	timeout 60 wine winecfg -v win10 # Wine 8 says it is Windows 7
	timeout 60 wineserver -w || true
	cp "$work/bcryptprimitives.dll" "$WINEPREFIX/drive_c/windows/system32/"
}
