# The environment is built by the first target that needs it; nothing else has to be installed.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
SCENARIO ?= outlook
OUT ?= results/$(SCENARIO)
# pytest-xdist workers
WORKERS ?= 2

.PHONY: help run test check bench clean

help:
	@echo "make run    simulate Beijing 2020-2030 (SCENARIO=outlook or plan), results in results/"
	@echo "make test   run the tests"
	@echo "make check  formatting, lint, types, layers"
	@echo "make bench  measure speed and memory"

.venv/.run: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade --constraint constraints.txt pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/.dev: .venv/.run
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@

run: .venv/.run
	$(BIN)/fleetsim run $(SCENARIO) -o $(OUT) --overwrite

test: .venv/.dev
	$(BIN)/python -m pytest -n $(WORKERS)

check: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.dev
	$(BIN)/python tests/benchmarks/run_all.py

clean:
	rm -rf .venv results
