# certify: `make demo` and `make test` need Python 3.11 or newer and nothing else.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.certify-installed
TYPES  := build/types
FOLDERS := certify bounds estimators proofs
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest
JOBS   ?= auto
OUT    ?= demo-run
COQ_BUILD  ?= build/coq
COQ_RECORD ?= proofs/coq/assumptions.txt

# The first of the usual names that starts and is recent enough, the tested version first; PYTHON=... overrides.
FIND_PYTHON := for candidate in python3.11 python3.12 python3.13 python3 python; do \
	if $$candidate -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo $$candidate; break; fi; done
PYTHON ?= $(shell $(FIND_PYTHON))

.PHONY: help setup demo test test-all bench lint format coq clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv and install into it, once

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "certify needs Python 3.11 or newer: install one, or say make PYTHON=/path/to/python3" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (a minute or two, once)" >&2
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt --editable '.[dev]' >&2
	@touch $@

demo: $(STAMP) ## a verified deletion on real data, end to end
	@$(BIN)/certify demo --out $(OUT)

test: $(STAMP) ## the fast test suite
	@$(PYTEST) -n $(JOBS) -q

test-all: $(STAMP) ## every test, the slow and the statistical ones too
	@$(PYTEST) -n $(JOBS) -q -m "not gpu"

bench: $(STAMP) ## the benchmarks: a table with ratios, and JSON beside it
	@set -e; for script in benchmarks/[a-z]*.py; do echo "$$script"; $(BIN)/python $$script; done

lint: $(STAMP) ## ruff, and mypy --strict on the packages as users import them
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@rm -rf $(TYPES) && mkdir -p $(TYPES)/certify
	@ln -s $(foreach file,$(filter-out certify/__pycache__,$(wildcard certify/*)),../../../$(file)) $(TYPES)/certify/
	@ln -s ../../../bounds ../../../estimators ../../../proofs $(TYPES)/certify/
	@cd $(TYPES) && ../../$(BIN)/mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache -p certify

format: $(STAMP) ## let ruff fix and format
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

coq: ## a second opinion: the mirrors in proofs/coq, built by Coq, and what each assumes
	@command -v coqc >/dev/null || { echo "make coq needs coqc 8.16 with coquelicot and interval: apt install coq libcoq-coquelicot libcoq-interval" >&2; exit 2; }
	@rm -rf $(COQ_BUILD) && mkdir -p $(COQ_BUILD) && cp proofs/coq/*.v $(COQ_BUILD)
	@set -e; files=$$(grep '\.v$$' proofs/coq/_CoqProject); cd $(COQ_BUILD); \
	for file in $$files; do echo "coqc $$file" >&2; coqc -q -w -ambiguous-paths -Q . Book $$file; done; \
	awk 'FNR == 1 {print "From Book Require Import " substr(FILENAME, 1, length(FILENAME) - 2) "."} \
	/^Theorem / {print "Goal True. idtac \"" $$2 "\". Abort.\nPrint Assumptions " $$2 "."}' $$files > Assumptions.v
	@cd $(COQ_BUILD) && coqc -q -w -ambiguous-paths -Q . Book Assumptions.v > assumptions.txt
	@cp $(COQ_BUILD)/assumptions.txt $(COQ_RECORD)

clean: ## remove .venv, build folders and caches
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find $(FOLDERS) tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +
