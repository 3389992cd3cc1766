# `make verify` runs the main job, `make test` the tests; each sets up what it needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: verify test lint docs peers bench-peers bench gpu-check clean

verify: $(VENV)/.installed
	$(BIN)/adageo verify --workers 2

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not gpu and not nightly"

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The manual and the reference in build/manual; a warning is an error.
docs: $(VENV)/.installed-dev
	$(BIN)/python -m sphinx -q -E -W --keep-going -b html docs build/manual

# PyTorch serves as an independent peer in some tests; without it they are skipped with a reason.
peers: $(VENV)/.installed-dev
	$(PIP) install --constraint constraints.txt torch

# The peers of the benchmarks; scikit-rmt needs NumPy 1.26 and thus an environment of its own.
bench-peers: $(VENV)/.installed-dev
	$(PIP) install --constraint constraints.txt --editable '.[bench]'
	$(PYTHON) -m venv .venv-rmt
	.venv-rmt/bin/python -m pip --disable-pip-version-check --quiet install scikit-rmt==2.1.1

bench: bench-peers
	$(BIN)/adageo bench

# Compiles every GPU kernel, without a GPU, and fails on register spills beyond its limit.
gpu-check: $(VENV)/.installed-dev
	$(PIP) install --constraint constraints.txt --editable '.[gpu-check]'
	$(BIN)/python -m simulations.kernels.gpu_check

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("adageo needs Python 3.11 or newer; set PYTHON=..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) install --constraint constraints.txt --editable '.[nets]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) .venv-rmt .adageo build dist *.egg-info
