# Tidewaiter. `make demo` and `make test` do all their own set-up.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
SOURCES := producers streams sinks schemas deploy tests

.PHONY: install demo test check bench soak clean

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is missing: install python3 and python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: run make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "the venv module is missing: install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: install
	$(BIN)/tidewaiter demo $(ARGS)

check: install
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/pytest $(ARGS)

bench: install
	$(BIN)/tidewaiter bench all $(ARGS)

soak: install
	$(BIN)/tidewaiter bench soak $(ARGS)

clean:
	rm -rf .venv .tidewaiter build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
