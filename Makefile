# Everything from nothing: a virtual environment in .venv, the extras, the run.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test test-slow attack hosts coverage optimized mutation oldest newest docs release lint clean

demo: $(VENV)/torch.installed
	$(BIN)/python -m asng_torch demo --out runs/demo

test: $(VENV)/dev.installed lint
	$(BIN)/python -m pytest -n auto --dist loadfile

test-slow: $(VENV)/dev.installed
	$(BIN)/python -m pytest -m slow

attack: $(VENV)/dev.installed
	$(BIN)/python -m pytest -n 2 -m attack tests

hosts: $(VENV)/hosts.installed
	$(BIN)/python -m pytest -n 2 -m hosts

coverage: $(VENV)/dev.installed
	$(BIN)/python -m pytest -n auto --cov --cov-report=term-missing:skip-covered tests/core

docs: $(VENV)/docs.installed
	$(BIN)/python -m sphinx -q -W -E -b html docs runs/docs

# sdist and wheel in dist, tried in clean environments with and without each extra; some ten minutes
release: $(VENV)/dev.installed
	$(BIN)/pip install --quiet build twine
	rm -rf dist
	$(BIN)/python -m build --quiet
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/python -m pytest -m 'slow or not slow' tests/test_release.py

# everything once more, without plain assertions
optimized: $(VENV)/dev.installed
	$(BIN)/python -O -m pytest -n auto

# which small changes of the code no test notices: `mutmut results`, `mutmut show NAME`; an hour
mutation: $(VENV)/dev.installed
	$(BIN)/pip install --quiet 'mutmut>=3.8'
	$(BIN)/python -m mutmut run --max-children 2
	$(BIN)/python -m mutmut results

# asng_core alone, at both ends of what it is promised to run with
oldest: INTERPRETER = python3.10
oldest: NUMPY = numpy==1.24.*
newest: INTERPRETER = python3.13
newest: NUMPY = numpy
oldest newest:
	$(INTERPRETER) -m venv .venv-$@
	.venv-$@/bin/pip install --quiet '$(NUMPY)' pytest pytest-xdist hypothesis scipy pandas tqdm matplotlib
	.venv-$@/bin/python -m pytest -n auto $(foreach each,integrations study,--ignore=asng_core/$(each) --ignore=tests/core/$(each)) tests/core asng_core

lint: $(VENV)/dev.installed
	$(BIN)/ruff check .
	$(BIN)/mypy

$(VENV)/torch.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -e '.[torch]'
	touch $@

$(VENV)/dev.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -e '.[torch,bench,dev]'
	touch $@

$(VENV)/docs.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -e '.[torch,optuna,sklearn,study,docs]'
	touch $@

$(VENV)/hosts.installed: $(VENV)/dev.installed
	$(BIN)/pip install --quiet -e '.[torch,bench,dev,hosts]'
	touch $@

clean:
	rm -rf $(VENV) runs dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
