PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two processes; the tests of a file run in one, and share what they prepare:
SUITE := pytest --numprocesses 2 --dist loadfile
SIZE := one to a few minutes, 1.3 GB, or some gigabytes with the torch for CUDA
# In a terminal, which MAKE_TERMOUT names, pip shows what it downloads:
QUIET := $(if $(MAKE_TERMOUT),,--quiet)
INSTALL := pip install $(QUIET) --constraint constraints.txt
SET_UP := @echo "installing into $(VENV): $(SIZE)" && $(PYTHON) -m venv $(VENV) && $(BIN)/$(INSTALL)

.PHONY: demo dev dist docs matrix test test-browser test-extras test-processors test-wheel lint clean

demo: $(VENV)/cli
	$(BIN)/preimage demo --out demo.png

dev: $(VENV)/dev

dist: $(VENV)/release  # the sdist, and the wheel from it
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*

docs: $(VENV)/docs
	$(BIN)/python -m docs.site.gallery docs/gallery
	$(BIN)/sphinx-build -W --keep-going -q docs docs/_build/html
	@echo open docs/_build/html/index.html

matrix: $(VENV)-matrix/uv  # the core of the suite with other Pythons and versions; WHAT="--quick 3.12-oldest", for example
	$(VENV)-matrix/bin/python tests/matrix.py $(WHAT)

test: $(VENV)/dev
	$(BIN)/$(SUITE)

test-browser: $(VENV)/browser $(VENV)-app/app
	command -v chromium || { apt-get update && apt-get install --yes --no-install-recommends chromium; }
	$(BIN)/pytest tests/atlas/test_in_browser.py tests/reporting/audit_page/test_in_browser.py \
	    tests/reporting/sheet/test_in_browser.py
	$(VENV)-app/bin/pytest tests/app

test-wheel: dist
	PREIMAGE_DIST=dist $(BIN)/pytest tests/release/test_files.py tests/release/test_wheel.py

test-extras: dist
	PREIMAGE_DIST=dist $(BIN)/pytest tests/release/test_extras.py

test-processors: $(VENV)/dev
	tests/processors.sh $(BIN)/python

lint: $(VENV)/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/cli: pyproject.toml constraints.txt
	$(SET_UP) --editable ".[cli]"
	@touch $@

$(VENV)/dev: pyproject.toml constraints.txt
	$(SET_UP) --editable ".[dev]"
	@touch $@

$(VENV)/docs: pyproject.toml constraints.txt
	$(SET_UP) --editable ".[docs,ray]"
	@touch $@

$(VENV)/browser: pyproject.toml constraints.txt
	$(SET_UP) --editable ".[dev,browser]"
	@touch $@

$(VENV)/release: pyproject.toml constraints.txt
	$(SET_UP) --editable ".[dev,release]"
	@touch $@

$(VENV)-app/app: pyproject.toml constraints.txt  # apart, because Gradio allows no Pillow 13
	$(PYTHON) -m venv $(VENV)-app
	$(VENV)-app/bin/$(INSTALL) --editable ".[dev,browser,app]"
	@touch $@

$(VENV)-matrix/uv: constraints.txt
	$(PYTHON) -m venv $(VENV)-matrix
	$(VENV)-matrix/bin/$(INSTALL) uv
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-app $(VENV)-matrix build dist docs/_build docs/gallery .mypy_cache .pytest_cache .ruff_cache demo.png
