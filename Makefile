# Gatewatch. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run build window test packages pure test-soak test-race test-plain quick bench clean format check dist fuzz soak demo-bots

# Debian packages. Each target installs what it needs and says so. Without certificates Go cannot download.
CERTIFICATES := $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),,ca-certificates)
WINDOW_PACKAGES := clang libc6-dev pkg-config libgl-dev libegl-dev libx11-dev libxcursor-dev libxrandr-dev libxinerama-dev \
	libxi-dev libxxf86vm-dev libwayland-dev libxkbcommon-dev
# Ubuntu has Chromium as a snap alone, which tests cannot drive: there those of the page are skipped, and say so.
CHROMIUM := $(if $(shell grep -x ID=ubuntu /etc/os-release 2>/dev/null),,chromium)
TEST_PACKAGES := $(WINDOW_PACKAGES) xvfb xauth libgl1 libgl1-mesa-dri libwayland-client0 dbus-daemon xdotool \
	$(CHROMIUM:=-headless-shell) prometheus mingw-w64-common
# What a browser costs is measured with the one that people have.
BENCH_PACKAGES := $(TEST_PACKAGES) $(CHROMIUM)
DIST_PACKAGES := $(WINDOW_PACKAGES) gcc-mingw-w64-x86-64 nsis zip dpkg-dev desktop-file-utils appstream

VERSION := $(shell scripts/version 2>/dev/null || echo dev)
EXE := $(shell go env GOEXE)
BINARY := bin/gatewatch$(EXE)
WINDOW := bin/gatewatch-window$(EXE)
# The desktop, if there is one to show a tray and a window on.
DESKTOP := $(or $(DISPLAY),$(WAYLAND_DISPLAY))
# `make run` has Go name each package that it compiles.
NAMES :=
# The toolkit's font of emoji takes 10 MB of the window's memory. Those of the computer do.
BUILD := go build $(NAMES) -tags no_emoji -trimpath -buildvcs=false -ldflags "-X main.version=$(VERSION)"
# Packages with tests. The race detector watches those whose code starts goroutines or may be used by several. The tests
# of app drive the program as people get it, except for TestSoak.
TESTED := $$(go list -f '{{if or .TestGoFiles .XTestGoFiles}}.{{slice .ImportPath (len .Module.Path)}}{{end}}' ./...)
SHARED := $$(grep -rlE --include='*.go' --exclude='*_test.go' '^\s*go [a-z]|\.Go\(|"sync(/atomic)?"' app/*/ conn engine | \
	xargs -n 1 dirname | sort -u | sed 's|^|./|')
# The timeout is for one package on a busy computer. More tests than processors run at once: many wait.
TEST := go test -timeout 30m -parallel 6
# Compiles the window's C code. GCC takes almost three minutes for OpenGL's: cgo asks it about each of 5,741 names, and
# it looks for names that are spelt alike.
ifeq ($(shell go env GOOS),linux)
export CC := $(shell if command -v dpkg-query clang >/dev/null; then echo clang; fi)
endif
# Only the macOS tray needs a C compiler in the main program.
CGO := $(if $(filter darwin,$(shell go env GOOS)),1,0)
# A count, because Go 1.26 sometimes reports the end of a fuzzing time as a failure ("context deadline exceeded",
# go.dev/issue/75804).
FUZZ_RUNS := 2000x
MINUTES := 10

# Compilers, linkers and staticcheck collect garbage less often than they do by themselves: they need a fifth less time.
# Nobody debugs these programs: not to write down what a debugger needs saves a sixth of compiling. With the tags, what
# links no C code is compiled once, for programs with and without C; the window's tests build it with them, too.
test quick check fuzz: export GOFLAGS := $(shell go env GOFLAGS) '-toolexec=env GOGC=400' -gcflags=all=-dwarf=false \
	-tags=no_emoji,netgo,osusergo

PROGRESS := echo "Building Gatewatch, package by package. The first build takes minutes; later ones take seconds."

# $(call need,PACKAGES) installs the Debian packages that are missing. Other systems are left alone.
define need
@missing=""; \
if command -v dpkg-query >/dev/null; then \
	for p in $(1); do \
		[ "$$(dpkg-query -W -f='$${db:Status-Status}' $$p 2>/dev/null || true)" = installed ] || missing="$$missing $$p"; \
	done; \
fi; \
if [ -n "$$missing" ]; then \
	as=""; \
	if [ "$$(id -u)" != 0 ]; then \
		command -v sudo >/dev/null || { echo "Missing packages. As root: apt-get install$$missing" >&2; exit 1; }; \
		as=sudo; \
	fi; \
	echo "Installing missing packages:$$missing"; \
	$$as apt-get update -qq; \
	$$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
fi
endef

# All modules at once: go build and go vet fetch them one after the other, which takes minutes. Should that fail, they try.
MODULES := @go mod download || true

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## build and run against the simulator: with tray and window on a desktop, otherwise in the terminal
ifneq ($(DESKTOP),)
	$(call need,$(CERTIFICATES) $(WINDOW_PACKAGES))
	@$(PROGRESS)
	@$(MAKE) --no-print-directory build window NAMES=-v
	./$(BINARY) --demo
else
	@$(PROGRESS)
	@$(MAKE) --no-print-directory build NAMES=-v
	./$(BINARY) --headless --demo
endif

demo-bots: ## two equal bots, one at the guarded port: what they see while Gateway freezes and restarts
	$(call need,$(CERTIFICATES))
	GATEWATCH_DEMO=1 CGO_ENABLED=0 go test -run '^TestBotsSideBySide$$' -count 1 -v ./app/resident | grep -vE '^(=== |PASS|ok )'

build: ## build bin/gatewatch, the main program; needs only Go
	$(call need,$(CERTIFICATES))
	$(MODULES)
	CGO_ENABLED=$(CGO) $(BUILD) -o $(BINARY) ./app

window: ## build bin/gatewatch-window, which the main program opens; takes minutes the first time
	$(call need,$(CERTIFICATES) $(WINDOW_PACKAGES))
	$(MODULES)
	$(BUILD) -o $(WINDOW) ./app/window

test: ## everything: format, vet, staticcheck, tests with the race detector
	$(call need,$(CERTIFICATES))
	$(MODULES)
	@$(MAKE) --no-print-directory -j 2 packages pure
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory -j 3 -Oline test-race test-plain test-soak

packages:
	$(call need,$(TEST_PACKAGES))

# What needs no C compiler, while that is being installed: the main program and the tools.
pure: format
	go build -buildvcs=false -o /dev/null ./app
	go tool staticcheck -version

# Side by side, because most of them wait more than they compute.
test-soak:
	$(TEST) -vet=off -race -run '^TestSoak$$' ./app

# The last packages first: conn/port and conn/sim wait longest. Nothing is left to run when a program of the race
# detector's ends, so that it need not wait a second for that.
test-race: export GORACE := atexit_sleep_ms=0
test-race:
	$(TEST) -p 3 -vet=off -race -skip '^(TestKilledWhileWriting|TestOnceUnderChaos)$$' \
		$$(printf '%s\n' $(TESTED) | grep -xF "$(SHARED)" | sort -r)

# These kill processes, whose start takes a third of a second of a processor with the race detector, do less with it, or
# measure.
PLAIN := TestAnnouncedRestartsOnTheWire|TestChaos|TestKilledWhileWriting|TestMonthsOfFaults|TestOnceUnderChaos
PLAIN := $(PLAIN)|TestSupervisorUnderChaos|TestWalk
test-plain:
	$(TEST) -vet=off -skip '^TestSoak$$' $$(printf '%s\n' $(TESTED) | grep -vxF "$(SHARED)")
	$(TEST) -vet=off -run '^($(PLAIN))$$' ./conn ./conn/history ./conn/port ./engine

quick: ## format, vet and short tests, between two edits
	$(call need,$(CERTIFICATES) $(TEST_PACKAGES))
	$(MODULES)
	@$(MAKE) --no-print-directory format
	go vet ./...
	$(TEST) -short ./...

format: ## fail if a file is not formatted
	@files="$$(go tool gofumpt -l .)"; \
	if [ -n "$$files" ]; then echo "Not formatted; run: go tool gofumpt -w ." $$files >&2; exit 1; fi

check: ## vet, staticcheck, and that GitHub actions are pinned by commit
	go vet ./...
	GOGC=400 go tool staticcheck ./...
	@! grep -rn 'uses:' .github/workflows | grep -vE '@[0-9a-f]{40} # v[0-9.]+$$'

dist: ## build packages for Linux and Windows into dist/release, see docs/packaging.md
	$(call need,$(CERTIFICATES) $(DIST_PACKAGES))
	scripts/dist

# go test would link a package's tests again for each of its targets.
fuzz: ## fuzz every target, FUZZ_RUNS times
	@binary=$$(mktemp); trap 'rm -f "$$binary"' EXIT; corpus=$$(go env GOCACHE)/fuzz/$$(go list -m); \
	for folder in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n 1 dirname | sort -u); do \
		go test -vet=off -c -fuzz . -o "$$binary" "$$folder"; \
		for name in $$(grep -ho '^func Fuzz[A-Za-z]*' "$$folder"/*_test.go | cut -d ' ' -f 2); do \
			echo "fuzz $$folder $$name $(FUZZ_RUNS)"; \
			(cd "$$folder" && "$$binary" -test.run '^$$' -test.fuzz "^$$name\$$" -test.fuzztime $(FUZZ_RUNS) \
				-test.fuzzminimizetime 10x -test.fuzzcachedir "$$corpus/$${folder#./}" </dev/null); \
		done; \
	done

soak: ## MINUTES of random faults against the real program (default 10); Linux only
	$(call need,$(CERTIFICATES))
	GATEWATCH_SOAK_MINUTES=$(MINUTES) go test -run '^TestSoak$$' -count 1 -v -timeout $$(($(MINUTES) + 20))m ./app

# Reads go test's benchmark lines: name, count, then pairs of value and unit.
define BENCH_SUMMARY
/^pkg:/ { printf "\n%s\n", $$2 }
/^Benchmark/ && NF > 3 {
	name = $$1
	sub(/^Benchmark/, "", name)
	sub(/-[0-9]+$$/, "", name)
	line = ""
	for (i = 3; i < NF; i += 2) {
		value = $$i; unit = $$(i + 1)
		if (unit == "ns/op") {
			unit = "ns"
			if (value >= 1e9) { value /= 1e9; unit = "s" }
			else if (value >= 1e6) { value /= 1e6; unit = "ms" }
			else if (value >= 1e3) { value /= 1e3; unit = "µs" }
			value = sprintf("%.4g", value)
		}
		line = line sprintf("  %12s %-10s", value, unit)
	}
	printf "  %-44s%s\n", name, line
}
endef
export BENCH_SUMMARY

bench: ## measure, also against the bare client library; docs/benchmarks.md; the raw figures go to bin/bench.txt
	$(call need,$(CERTIFICATES) $(BENCH_PACKAGES))
	@mkdir -p bin
	@rm -f bin/bench.txt
	go test -run '^$$' -bench . -benchmem ./conn/... | tee -a bin/bench.txt
	go test -run '^$$' -bench 'RateTo|LatencyTo' -benchtime 5x -timeout 30m ./engine/rules | tee -a bin/bench.txt
	go test -run '^$$' -bench DropTo -benchtime 100x -timeout 30m ./engine/rules | tee -a bin/bench.txt
	go test -run '^$$' -bench TickToOrder -benchtime 500x -timeout 30m ./engine/rules | tee -a bin/bench.txt
	go test -run '^$$' -bench SeenByClients -benchtime 20x -timeout 30m ./app | tee -a bin/bench.txt
	go test -run '^$$' -bench Headless -benchtime 1x -timeout 30m ./app | tee -a bin/bench.txt
	go test -run '^$$' -bench 'Window/(first|tab|scrolling)' -benchtime 10x -timeout 30m ./app | tee -a bin/bench.txt
	go test -run '^$$' -bench 'Window/(500|200|idle)' -benchtime 1x -timeout 30m ./app | tee -a bin/bench.txt
	go test -run '^$$' -bench Page -benchtime 1x -timeout 30m ./app | tee -a bin/bench.txt
	@awk "$$BENCH_SUMMARY" bin/bench.txt

clean: ## remove what was built
	rm -rf bin dist
