# Tidewaiter. `make demo` and `make test` do all their own set-up.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
SOURCES := producers streams sinks schemas deploy tests
CACHE := $(or $(TIDEWAITER_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/tidewaiter)
WHEELS = $(CACHE)/wheels/$(shell cat pyproject.toml constraints.txt | sha256sum | cut -c1-16)-$(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_config_var("SOABI"))')
PIP := $(BIN)/pip --quiet --disable-pip-version-check

.PHONY: install demo test check bench soak clean

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is missing: install python3 and python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: run make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "the venv module is missing: install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -e $(WHEELS)/complete || { \
	  rm -rf $(WHEELS) && $(PIP) wheel --wheel-dir $(WHEELS) -c constraints.txt '.[dev]' editables && touch $(WHEELS)/complete; }
	$(PIP) install --no-index --find-links $(WHEELS) -c constraints.txt -e '.[dev]'
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
