# Everything from nothing: a virtual environment in .venv, the extras, the run.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test test-slow attack coverage docs lint clean

demo: $(VENV)/torch.installed
	$(BIN)/python -m asng_torch demo --out runs/demo

test: $(VENV)/dev.installed lint
	$(BIN)/python -m pytest -n auto

test-slow: $(VENV)/dev.installed
	$(BIN)/python -m pytest -m slow

attack: $(VENV)/dev.installed
	$(BIN)/python -m pytest -n 2 -m attack tests/attack

coverage: $(VENV)/dev.installed
	$(BIN)/python -m pytest -n auto --cov --cov-report=term-missing:skip-covered tests/core

docs: $(VENV)/docs.installed
	$(BIN)/python -m sphinx -q -W -E -b html docs runs/docs

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
	$(BIN)/pip install --quiet -e '.[torch,optuna,sklearn,docs]'
	touch $@

clean:
	rm -rf $(VENV) runs dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
