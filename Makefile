# `make demo` and `make test` do all the set-up that they need. They require Python >= 3.11 and Node.js with npm, nothing else.
# Each step of the set-up is done once, and again when its inputs have changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
# The tests that cover every branch of `reconnection` and `signaling`; `make coverage` runs them, as a part of `make test`.
COVERING := tests/unit/reconnection tests/unit/signaling
# What `make test-firefox`, `make test-parity` and `make test-networks` run.
FIREFOX := tests/browser/firefox
INTEROP := tests/interop
NETWORKS := tests/networks
# What is installed for the tests of the npm package.
NPM_PROJECTS := tests/npm tests/npm/openvidu_angular examples/javascript
SERVE_ARGS ?=

.PHONY: setup demo test test-lint test-virtual test-worlds test-sockets test-browsers test-wheel slowest flakes test-parity test-firefox test-networks test-npm test-tools examples npm structure \
	coverage fuzz fuzz-coverage hostile load simulate mutations lint format lock wheel clean browser-tools firefox-tools interop bench bench-claims bench-boot bench-page bench-server bench-networks calm soak

setup: $(STAMPS)/installed $(STAMPS)/vendored

demo: setup
	@exec $(BIN)/pyvidu serve --demo --fault-control $(SERVE_ARGS)

# Tests in virtual time and the linters keep the processors busy, tests with browsers and networks mostly wait: they run side by
# side, the former with what processor time set-up and the latter leave, and print at their end. PYTEST_ARGS: pytest's, for some
# tests alone.
VIRTUAL := tests/pure tests/simulation tests/type_checks
WORLDS := tests/simulation/test_fresh_worlds.py
# With browsers or network labs, one file after the other. Whatever of `tests` is in none of these lists is run by `test-sockets`.
BROWSERS := tests/browser tests/contract/test_browser_host.py tests/server/media/test_chromium.py tests/unit/testing
WHEEL := tests/browser/test_installed_wheel.py
LOGS := tests/artifacts
JUNIT := $(LOGS)/junit
# Run shell commands, print what they printed when they have ended, and keep their exit code.
# They get what processor time the others leave: on Linux all of it goes to those first, elsewhere most of it.
BESIDE := $(shell chrt --idle 0 true 2>/dev/null && echo chrt --idle 0 || echo nice)
PRINTED_AT_END = @mkdir -p $(LOGS); { $(2); } >$(LOGS)/$(1).log 2>&1; code=$$?; cat $(LOGS)/$(1).log; exit $$code
test:
ifdef PYTEST_ARGS
	@$(MAKE) --no-print-directory --jobs=4 setup browser-tools interop $(STAMPS)/javascript
	@$(BIN)/python -m pytest $(PYTEST_ARGS)
else
	@$(MAKE) --no-print-directory --keep-going --jobs=6 test-browsers test-sockets test-lint test-virtual
endif

test-lint: $(STAMPS)/installed $(STAMPS)/javascript
	$(call PRINTED_AT_END,lint,$(BESIDE) $(MAKE) --no-print-directory lint)

test-virtual: $(STAMPS)/installed
	$(call PRINTED_AT_END,virtual,$(BESIDE) $(MAKE) --no-print-directory coverage && \
		$(BESIDE) $(BIN)/python -m pytest --junitxml=$(JUNIT)/virtual.xml $(VIRTUAL) --ignore=$(WORLDS))

# 20,000 simulated outages in worlds that only this commit has, on all cores; two minutes.
test-worlds: $(STAMPS)/installed
	@$(BIN)/python -m pytest --junitxml=$(JUNIT)/worlds.xml $(WORLDS)

# The server over real sockets and everything else without a browser. Peers that wait for each other must not wait for ever: `nice`.
test-sockets: setup interop
	$(call PRINTED_AT_END,sockets,nice $(BIN)/python -m pytest --junitxml=$(JUNIT)/sockets.xml \
		$(addprefix --ignore=,$(VIRTUAL) $(COVERING) $(BROWSERS) $(INTEROP) $(NETWORKS) tests/npm))

# What `make flakes` counts.
test-browsers: setup browser-tools interop
	@$(BIN)/python -m pytest --junitxml=$(JUNIT)/browsers.xml $(addprefix --ignore=,$(WHEEL) $(FIREFOX)) $(BROWSERS)

# The wheel in an empty environment: it fetches its runtime and serves a page.
test-wheel: setup browser-tools
	@$(BIN)/python -m pytest --junitxml=$(JUNIT)/wheel.xml $(WHEEL)

# The ten slowest tests of the last `make test`.
slowest: $(STAMPS)/installed
	@$(BIN)/python -m tools.junit $(JUNIT)/*.xml

# Runs `make test-browsers` RUNS times and adds what failed to docs/flakiness.md.
RUNS ?= 20
flakes: setup browser-tools interop
	@$(BIN)/python -m tools.flakes $(RUNS)

# Calls in Firefox: pages, every fault of the network lab once, and the networks that it may take differently; at most eight minutes.
test-firefox: setup browser-tools firefox-tools
	@$(BIN)/python -m pytest --junitxml=$(JUNIT)/firefox.xml $(FIREFOX)

# The networks of everyday life: NAT that forgets, one way dead, loss, queues, portals... Each once; at most ten minutes.
test-networks: setup browser-tools
	@$(BIN)/python -m pytest --junitxml=$(JUNIT)/networks.xml $(NETWORKS)

# The npm package in dist/npm, from what a server of this version serves. `make test-npm`: in an empty project, with TypeScript,
# built by three bundlers, with openvidu-angular, and the pages of examples/javascript with both libraries.
npm: $(STAMPS)/installed $(STAMPS)/vendored
	@$(BIN)/python -m tools.npm_package

test-npm: setup browser-tools interop $(STAMPS)/javascript $(STAMPS)/npm
	@$(BIN)/python -m pytest tests/npm

# Their peer dependencies name older versions of each other than they work with.
$(STAMPS)/npm: $(STAMPS)/venv $(addsuffix /package-lock.json,$(NPM_PROJECTS))
	for folder in $(NPM_PROJECTS); do \
		npm ci --prefix $$folder --ignore-scripts --legacy-peer-deps --no-audit --no-fund --loglevel=error || exit 1; \
	done
	@touch $@

# The projects under examples/, each in a fresh virtual environment with the wheel.
# EXAMPLES_ARGS are pytest's.
EXAMPLES_ARGS ?=
examples: setup browser-tools
	@$(BIN)/python tools/run_examples.py $(EXAMPLES_ARGS)

# Is everything of openvidu-browser here, do both clients do the same in one page, on one server, in one outage? At most ten minutes.
# TABLE=1: only whether tests/interop/parity.toml is complete and names what exists (seconds, no browser).
test-parity: $(STAMPS)/installed $(STAMPS)/javascript interop $(if $(TABLE),,setup browser-tools)
	@$(BIN)/python -m pytest --junitxml=$(JUNIT)/parity.xml \
		$(if $(TABLE),$(addprefix $(INTEROP)/,test_parity.py test_both_in_node.py),$(INTEROP))

# The benchmarks, the soak test, the fuzzer and what `make flakes` counts are tested too.
test-tools: setup browser-tools firefox-tools interop
	@$(BIN)/python -m pytest benchmarks fuzz tools/tests

coverage: $(STAMPS)/installed
	@$(BIN)/coverage run -m pytest --quiet --junitxml=$(JUNIT)/coverage.xml $(COVERING)
	@$(BIN)/coverage report

# FUZZ_INPUTS=N malformed inputs (one million) of FUZZ_SEED (1) to the server's WebSocket, REST API and media ports, one in a
# hundred over real sockets; about six minutes.
fuzz: $(STAMPS)/installed
	@$(BIN)/python -m fuzz

# Coverage-guided fuzzing of the parsers (atheris, on Linux), GUIDED_SECONDS (60) each; PARSERS="NAME..." for some. What reaches
# something new is kept in fuzz/corpus, which `make test-tools` parses.
PARSERS ?=
fuzz-coverage: $(STAMPS)/fuzz
	@$(BIN)/python -m fuzz.guided $(PARSERS)

# Every attack that docs/server.md has a limit against, and others, each beside a call that must not feel it: about 25 minutes,
# Linux, root. ATTACKS="NAME..." for some.
ATTACKS ?=
hostile: $(STAMPS)/installed
	@$(BIN)/python -m benchmarks.hostile $(ATTACKS)

# Rooms of light participants until a server's core is full: what degrades first, and what newcomers are told.
load: $(STAMPS)/installed
	@$(BIN)/python -m benchmarks.capacity

# OUTAGES=N simulated outages (100,000) in random worlds that no recorded run has used, on all cores (docs/simulation.md);
# FIRST=SEED begins elsewhere, RECORD=1 records the proof. FIXED=1: the worlds that are always the same.
# COMPARE=N worlds are run with and without jumps over polls, which must make no difference.
# SEED=S or WORLD=NAME replays one world and prints its log and, if it breaks an invariant, a short schedule that does.
simulate: $(STAMPS)/installed
	@$(BIN)/python -m tests.simulation

# Looks for worlds that catch each fault seeded into the engine; MUTATION=text for those whose name contains it.
mutations: $(STAMPS)/installed
	@$(BIN)/python -m tests.simulation.mutations

lint: $(STAMPS)/installed $(STAMPS)/javascript
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.structure
	$(BIN)/python -m tools.javascript_defaults --check
	$(BIN)/python -m tools.event_types --check
	$(BIN)/python -m tools.transition_tables --check
	$(BIN)/python -m tools.limit_tables --check
	$(BIN)/python -m tools.reference --check
	$(BIN)/python -m tools.parity --check
	node_modules/.bin/tsc
	node_modules/.bin/tsc --project npm
	node_modules/.bin/eslint web npm py/pyvidu/vendoring tests benchmarks examples eslint.config.js

# Import circles, private accesses, lengths, complexity: prints the numbers, fails when one exceeds its limit; -v names the places.
structure: $(STAMPS)/installed
	@$(BIN)/python -m tools.structure -v

format: $(STAMPS)/installed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/python -m tools.javascript_defaults
	$(BIN)/python -m tools.event_types
	$(BIN)/python -m tools.transition_tables
	$(BIN)/python -m tools.limit_tables
	$(BIN)/python -m tools.reference
	$(BIN)/python -m tools.parity

wheel: $(STAMPS)/installed
	$(BIN)/python -m build --wheel --no-isolation --outdir dist

# All locks contain versions and hashes, never the address of an index.
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" $(LOCK_ARGS)
lock: $(STAMPS)/installed
	$(UV_COMPILE) --python-version 3.11 --extra dev pyproject.toml --output-file requirements/dev.txt
	$(UV_COMPILE) --python-version 3.11 requirements/fuzz.in --output-file requirements/fuzz.txt
	$(UV_COMPILE) --python-version 3.14 --no-annotate py/pyvidu/vendoring/wheels.in \
		--output-file py/pyvidu/vendoring/wheels.txt
	for folder in . py/pyvidu/vendoring tests/interop benchmarks $(NPM_PROJECTS); do \
		(cd $$folder && npm install --package-lock-only --ignore-scripts --legacy-peer-deps --omit-lockfile-registry-resolved) || exit 1; \
	done

# The benchmarks (docs/benchmark.md). BENCH_ARGS selects: BENCH_ARGS="--client pyvidu --fault silent --trials 3"
BENCH := $(BIN)/python -m benchmarks
BENCH_ARGS ?=
bench: setup browser-tools firefox-tools interop $(STAMPS)/bench
	@$(BENCH) $(BENCH_ARGS)

bench-claims: setup browser-tools firefox-tools interop $(STAMPS)/bench
	@$(BENCH) --claims $(BENCH_ARGS)

bench-boot bench-page: setup browser-tools interop
	@$(BENCH) $(@:bench-%=%) $(BENCH_ARGS)

bench-server: setup browser-tools interop
	@$(BENCH) server $(BENCH_ARGS)
	@$(BENCH) storm $(BENCH_ARGS)
	@$(BENCH) room $(BENCH_ARGS)

# Each network of everyday life (docs/benchmark.md); BENCH_ARGS="--network vpn --client pyvidu --trials 3 --add" for some,
# BENCH_ARGS=--show prints the tables of what was measured.
bench-networks: setup browser-tools interop
	@$(BIN)/python -m benchmarks.networks $(BENCH_ARGS)

# SOAK_DROPS=N real drops (a hundred, 20 minutes) of SOAK_SEED on one page: does anything grow? (docs/benchmark.md)
SOAK_DROPS ?= 100
SOAK_SEED ?= 20261124
soak: setup browser-tools interop
	@$(BIN)/python -m benchmarks.soak --drops $(SOAK_DROPS) --seed $(SOAK_SEED)

# A ten-minute call without an outage, on a bad link with a busy core: every alarm is false.
calm: setup browser-tools interop
	@$(BIN)/python -m benchmarks.calm $(BENCH_ARGS)

$(STAMPS)/bench: $(STAMPS)/venv benchmarks/package-lock.json
	npm ci --prefix benchmarks --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

clean:
	rm -rf $(VENV) static/vendor static/.vendor-* node_modules tests/interop/node_modules benchmarks/node_modules \
		$(addsuffix /node_modules,$(NPM_PROJECTS)) \
		tests/artifacts build dist .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# --- the steps of the set-up ---

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "pyvidu needs Python 3.11 or newer; name one: make PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/installed: $(STAMPS)/venv requirements/dev.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/fuzz: $(STAMPS)/installed requirements/fuzz.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/fuzz.txt
	@touch $@

# The memory snapshot is of one client; when only that has changed, this takes twenty seconds.
CLIENT := $(shell find py/pyvidu web/lib/snapshot.js \( -path py/pyvidu/server -o -path py/pyvidu/testing -o -path py/pyvidu/cli \) -prune \
	-o -type f \( -name '*.py' -o -name '*.js' -o -name '*.mjs' \) -print)
$(STAMPS)/vendored: $(STAMPS)/installed $(CLIENT) $(wildcard py/pyvidu/vendoring/*)
	$(BIN)/pyvidu vendor
	@touch $@

# What checks the JavaScript.
$(STAMPS)/javascript: $(STAMPS)/venv package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

interop: $(STAMPS)/interop
$(STAMPS)/interop: $(STAMPS)/venv tests/interop/package-lock.json
	npm ci --prefix tests/interop --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# A browser, and the tools of the network tests. A system browser or Playwright's own is enough; as root on Debian they are
# installed. Without root the network tests are skipped, with the reason.
APT_INSTALL = [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	apt-get update --quiet=2 && DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --no-install-recommends --yes
browser-tools: $(STAMPS)/installed
	@$(BIN)/python -m pyvidu.testing >/dev/null 2>&1 || { $(APT_INSTALL) chromium >/dev/null; } || true
	@$(BIN)/python -m pyvidu.testing
	@{ command -v ip && command -v nft; } >/dev/null || { $(APT_INSTALL) iproute2 nftables >/dev/null; } || true
# Only the program of coturn is needed: its service would relay for the whole network, so it is masked.
	@command -v turnserver >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || \
		{ ! command -v systemctl || systemctl mask coturn; $(APT_INSTALL) coturn; } >/dev/null 2>&1 || true

# As root on Debian it is installed; else the second line says how to get it.
firefox-tools: $(STAMPS)/installed | browser-tools
	@$(BIN)/python -m pyvidu.testing firefox >/dev/null 2>&1 || { $(APT_INSTALL) firefox-esr >/dev/null; } || true
	@$(BIN)/python -m pyvidu.testing firefox
