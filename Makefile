# `make help` lists the targets. Everything runs in .venv, made from the hash locks.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test nightly check lint bench lock clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and "Betrokken needs Python 3.11 to 3.13: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	$(BIN)/pip check
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(INSTALLED) ## a filled demo organisation on http://127.0.0.1:8000
	@$(BIN)/betrokken demo

nightly: $(INSTALLED) ## thousands of random cases instead of hundreds of fixed ones
	$(BIN)/pytest -n 2 -m 'nightly or not nightly' --hypothesis-profile=searching

test: $(INSTALLED) ## every test, on the bundled PostgreSQL or make test DATABASE_URL=...
	$(if $(DATABASE_URL),DATABASE_URL='$(DATABASE_URL)') $(BIN)/pytest -n 2 --dist loadfile -m 'not nightly'

lint: $(INSTALLED) ## style, types, architecture and contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/openapi-spec-validator openapi/openapi.yaml
	@if command -v npm >/dev/null; then \
	  npx --yes @stoplight/spectral-cli@6.16.0 lint --quiet -r openapi/.spectral.yaml openapi/openapi.yaml; \
	else echo 'spectral skipped: npm is not installed'; fi

check: lint test ## lint and test

bench: $(INSTALLED) ## speed and size, as ratios against the raw limit
	$(BIN)/python -m tests.benchmarks

lock: ## new hash locks from pyproject.toml
	uv pip compile pyproject.toml --universal --generate-hashes --no-header --quiet --output-file requirements.lock
	uv pip compile pyproject.toml --universal --generate-hashes --no-header --quiet --extra dev --output-file requirements-dev.lock

clean: ## remove the environment and the demo's data
	rm -rf $(VENV) .betrokken
