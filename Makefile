# Each target makes what it needs, once: a virtual environment in .venv, with this project in it.
# PYTHON picks the interpreter; TORCH (such as TORCH=torch==2.13.0) adds PyTorch to the tests.

PYTHON ?= python3
TORCH  ?=
BIN    := .venv/bin
PIP    := $(BIN)/pip install --quiet --disable-pip-version-check

.PHONY: demo test check clean

demo: .venv/installed
	@$(BIN)/backtalk demo

test: .venv/installed-test
	@$(BIN)/python -m pytest -n auto

check: .venv/installed-check
	@$(BIN)/ruff format --check src tests
	@$(BIN)/ruff check src tests
	@$(BIN)/pyright

clean:
	rm -rf .venv backtalk-demo dist .pytest_cache .ruff_cache .hypothesis

.venv/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "backtalk needs Python 3.11 or newer")'
	@$(PYTHON) -m venv .venv
	@$(PIP) --upgrade 'pip>=25.1'
	@touch $@

.venv/installed: pyproject.toml | .venv/pip
	@$(PIP) --editable .
	@touch $@

.venv/installed-test: pyproject.toml | .venv/installed
	@$(PIP) --editable . --group test $(TORCH)
	@touch $@

.venv/installed-check: pyproject.toml | .venv/installed-test
	@$(PIP) --group check
	@touch $@
