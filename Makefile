# Everything needs python3, make and a package registry; nothing else.
#
#   PYTHON=python3.12 make test       another interpreter for .venv (3.10 or newer)
#   ORACLE_PYTHON=python3.11 ...      the interpreter of the TensorFlow environments (must be 3.11)
#   WORKERS=4 make test               processes for the tests

SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
PIP := -m pip --disable-pip-version-check install --quiet

BASE_STAMP := .venv/.base
DEV_STAMP := .venv/.dev
ORACLE_STAMPS := .oracle/tf2.15/.ready .oracle/tf2.21/.ready

.PHONY: help quickstart dev test oracle oracle-envs protobuf lint types imports record bench bench-peers fuzz clean distclean

help: ## this text
	@echo "evergraph: make TARGET"
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

quickstart: $(BASE_STAMP) ## install into .venv and train, save, restore, freeze and predict once
	@$(BIN)/evergraph quickstart

dev: $(DEV_STAMP) ## install with the tools for working on it

test: $(DEV_STAMP) ## all tests that need no TensorFlow
	@$(BIN)/python -m pytest -q -n $(WORKERS) $(ARGS)

oracle: $(DEV_STAMP) oracle-envs ## compare with stock TensorFlow, live (downloads it the first time)
	@$(BIN)/python -m pytest -q -n $(WORKERS) -m oracle $(ARGS)

oracle-envs: $(ORACLE_STAMPS) ## only make the TensorFlow environments

protobuf: $(DEV_STAMP) ## the messages with protobuf 4.22, 5, 6 and 7, each in an environment of its own
	@$(BIN)/python tools/check_protobuf_versions.py

lint: $(DEV_STAMP) ## style, format, types and the import rule
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

record: $(DEV_STAMP) .oracle/tf2.15/.ready ## write the recorded TensorFlow outputs that `make test` compares with
	@$(BIN)/python tools/record.py $(ARGS)

bench: $(DEV_STAMP) .oracle/tf2.15/.ready ## measure against stock TensorFlow and the raw limit
	@$(BIN)/python -m benchmarks $(ARGS)

bench-peers: $(DEV_STAMP) .bench/.ready .oracle/tf2.21/.ready ## measure saving and restoring against other formats as well
	@$(BIN)/python -m benchmarks.peers $(ARGS)

fuzz: $(DEV_STAMP) ## change inputs of every parser, SECONDS (60) each; guided where atheris is installed
	@$(BIN)/python -m fuzz all --seconds $(or $(SECONDS),60)

clean: ## remove caches and build products, keep the environments
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find src tests tools benchmarks fuzz attacks -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## remove the environments as well
	@rm -rf .venv .oracle .bench

# ------------------------------------------------------------------------------------- environments

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else \
	  f"evergraph needs Python 3.10 or newer; {sys.executable} is {sys.version.split()[0]}. Try PYTHON=python3.11 make ...")'
	@echo "making .venv with $$($(PYTHON) -V)"
	@$(PYTHON) -m venv .venv

$(BASE_STAMP): pyproject.toml | .venv/bin/python
	@echo "installing evergraph into .venv"
	@$(BIN)/python $(PIP) -e .
	@touch $@

$(DEV_STAMP): pyproject.toml | .venv/bin/python
	@echo "installing evergraph and its tools into .venv"
	@$(BIN)/python $(PIP) -e '.[dev]'
	@touch $(BASE_STAMP) $@

# Other formats, only to be measured against.
.bench/.ready:
	@$(PYTHON) -m venv .bench
	@.bench/bin/python $(PIP) numpy safetensors orbax-checkpoint
	@touch $@

# TensorFlow 2.15.1 has wheels for 3.9 to 3.11 only, and both oracles run on one interpreter.
.oracle/tf2.15/.ready: TF := 2.15.1
.oracle/tf2.21/.ready: TF := 2.21.0
$(ORACLE_STAMPS):
	@tools/make_oracle.sh $(TF) $(@D)
	@touch $@
