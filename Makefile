# Every target makes .venv first when it is missing or older than the lock.

PYTHON ?= python3
ARGS ?=
# A file's tests run one after the other; files run side by side.
PARALLEL := --numprocesses=auto --maxprocesses=4 --dist=loadfile
BIN := .venv/bin
CODE := $(wildcard nsw tests benchmarks tools)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup lock format lint check test conformance oracle planted chaos demo bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: .venv/.installed ## make .venv from requirements.lock, when needed
	@:

.venv/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("nsw needs Python 3.11 or newer; this is %d.%d. Try: make PYTHON=python3.11" % v[:2])'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "The venv module of $(PYTHON) is missing. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "setup: making .venv"
	@$(PYTHON) -m venv .venv

.venv/.dependencies: requirements.lock | .venv/bin/python
	@echo "setup: installing the packages of requirements.lock"
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@touch $@

.venv/.installed: pyproject.toml .venv/.dependencies
	@echo "setup: installing nsw itself (editable)"
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

lock: setup ## resolve pyproject.toml anew into requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
		--extra embedded --group dev --output-file requirements.lock pyproject.toml

format: setup ## format the code and apply ruff's safe fixes
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lint: setup ## format check, ruff, mypy, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports --no-cache

check: lint ## lint, and the tests that start neither Kafka nor a registry (under a minute)
	$(BIN)/pytest $(PARALLEL) -m "not kafka and not registry" $(ARGS)

test: lint ## lint, and every test; starts a real Kafka
	$(BIN)/pytest $(PARALLEL) $(ARGS)

conformance: setup ## compare the verdicts on documents of others, set by set
	$(BIN)/python -m tests.conformance

oracle: setup ## compare verdicts on changed documents with those of another validator
	$(BIN)/python -m tests.conformance.oracle $(ARGS)

planted: setup ## plant faults into valid documents, and count how many are found
	$(BIN)/python -m tests.conformance.planting $(ARGS)

chaos: setup ## crash a window under load, and count: ARGS="--seed N --minutes M --nodes 3"
	$(BIN)/python -m tests.chaos $(ARGS)

demo: setup ## broker, workers and sample agencies; sends sample declarations
	$(BIN)/nsw demo $(ARGS)

bench: setup ## run the benchmarks
	$(BIN)/python -m benchmarks $(ARGS)

clean: ## remove .venv, caches and build output (not var/)
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
