# `make help` lists the targets. Everything runs in .venv, made from the locks as they stand.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := $(VENV)/.demo
INSTALLED := $(VENV)/.installed
READERS := $(VENV)/readers/.installed
NPM := $(VENV)/npm/.installed
FUZZ := $(VENV)/fuzz/.installed
LIFELINES := $(VENV)/.lifelines
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --no-compile --no-deps
FROM_LOCK := $(PIP_INSTALL) --require-hashes --only-binary=:all: -r

# Without what Python keeps of a compiled module, each start compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo contract structure test nightly faults attacks calendar-proof check lint bench simulations pictures lock clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

define install
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and "Betrokken needs Python 3.11 to 3.13: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(FROM_LOCK) $<
	$(BIN)/python -m pip check
	$(BIN)/python $(PIP_INSTALL) --no-build-isolation --editable .
endef

$(DEMO): requirements-demo.lock pyproject.toml
	$(install)
	@touch $@

$(INSTALLED): requirements-dev.lock pyproject.toml
	$(install)
	@touch $@ $(DEMO)

$(READERS): tests/calendar/feeds/requirements.lock $(INSTALLED)
	@$(PYTHON) -m venv $(@D) && $(@D)/bin/python $(FROM_LOCK) $< && touch $@ \
	|| echo 'khal and vdirsyncer could not be installed: their tests are skipped'

# Of one package that lifelines needs only the source is published: what builds it is in the lock too.
$(LIFELINES): tests/metrics/lifelines.lock $(INSTALLED)
	@$(BIN)/python $(PIP_INSTALL) --require-hashes --no-build-isolation -r $< && touch $@ \
	|| echo 'lifelines could not be installed: its tests are skipped'

$(FUZZ): tests/fuzz/requirements.lock $(INSTALLED)
	@$(PYTHON) -m venv $(@D) && $(@D)/bin/python $(FROM_LOCK) $< && touch $@ \
	|| echo 'schemathesis could not be installed: its test is skipped'

$(NPM): tests/npm/package-lock.json tests/npm/package.json tests/npm/.npmrc | $(INSTALLED)
	@mkdir -p $(@D) && cp $^ $(@D) && npm ci --prefix $(@D) --silent --no-audit --no-fund && touch $@ \
	|| echo 'npm could not install: spectral and the tests of JavaScript are skipped'

PORT ?= 8000
demo: $(DEMO) ## a filled demo organisation on http://127.0.0.1:8000, or make demo PORT=...
	@$(BIN)/betrokken demo --port $(PORT)

contract: $(INSTALLED) ## openapi/openapi.yaml and .json, of the parts in openapi/src
	@$(BIN)/python openapi/bundle.py

structure: $(INSTALLED) ## the shape of the code in numbers: make structure, or of another checkout: make structure OF=...
	@$(BIN)/python -m tests.structure $(OF)

nightly: $(INSTALLED) $(READERS) $(NPM) $(LIFELINES) $(FUZZ) ## every test, those too that kill, take 50,000 people or try thousands of random cases
	$(BIN)/pytest -n 2 -m 'nightly or not nightly' --hypothesis-profile=searching

faults: $(INSTALLED) ## Each kind of fault ten times under load, each time with a look whether all is kept that was acknowledged
	@$(BIN)/python -m tests.faults

attacks: $(INSTALLED) $(NPM) ## every attack of the suite, counted: tried, held, planted weaknesses caught
	@$(BIN)/python -m tests.attacks

calendar-proof: $(INSTALLED) $(READERS) $(NPM) $(LIFELINES) ## the tests on other days and in other time zones, by faketime
	@$(BIN)/python -m tests.calendar_proof

test: $(INSTALLED) $(READERS) $(NPM) $(LIFELINES) ## every test, on the bundled PostgreSQL or make test DATABASE_URL=...
	$(if $(DATABASE_URL),DATABASE_URL='$(DATABASE_URL)') $(if $(CITUS_URL),CITUS_URL='$(CITUS_URL)') $(BIN)/pytest -n 3 --dist loadfile -m 'not nightly'

lint: $(INSTALLED) $(NPM) ## style, types, architecture, dependencies and contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry app alembic
	$(BIN)/deptry tests --exclude '^$$' --ignore DEP002,DEP004
	$(BIN)/openapi-spec-validator openapi/openapi.yaml
	@if test -e $(NPM); then \
	  $(VENV)/npm/node_modules/.bin/spectral lint --quiet -r openapi/.spectral.yaml openapi/openapi.yaml; \
	else echo 'spectral skipped: it is not installed'; fi

check: lint test ## lint and test

bench: $(INSTALLED) ## speed and size, as ratios against the raw limit
	$(BIN)/python -m tests.benchmarks --keep

pictures: $(INSTALLED) ## the pictures of the README and the guide, drawn of the demo
	$(BIN)/python -m tests.pictures

simulations: $(INSTALLED) ## how often intervals hold a known truth
	$(BIN)/python -m tests.simulations

LOCK := uv pip compile --universal --generate-hashes --no-header --quiet

lock: ## new locks of everything that is fetched; uv keeps the versions that it finds, so all are tested
	$(LOCK) pyproject.toml --extra dev --output-file requirements-dev.lock
	cp requirements-dev.lock requirements-demo.lock
	$(LOCK) pyproject.toml --extra demo --output-file requirements-demo.lock
	cp requirements-dev.lock requirements-charts.lock
	$(LOCK) pyproject.toml --extra xlsx --extra charts --extra tracing --output-file requirements-charts.lock
	cp requirements-charts.lock requirements.lock
	$(LOCK) pyproject.toml --extra xlsx --output-file requirements.lock
	$(LOCK) tests/calendar/feeds/requirements.in --python-version 3.11 --output-file tests/calendar/feeds/requirements.lock
	$(LOCK) tests/fuzz/requirements.in --python-version 3.11 --output-file tests/fuzz/requirements.lock
	$(LOCK) tests/metrics/lifelines.in --constraint requirements-dev.lock --output-file tests/metrics/lifelines.lock
	npm install --prefix tests/npm --package-lock-only --no-audit --no-fund

clean: ## remove the environment and the demo's data
	rm -rf $(VENV) .betrokken
