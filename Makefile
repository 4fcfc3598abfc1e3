# Everything runs in an environment of its own, .venv, which each target fills with what it needs.
# A second call finds the stamps and starts at once.

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
# The first interpreter that is new enough; `make PYTHON=/path/to/python` overrides the choice.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3.10 python3, \
	$(shell $(name) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && command -v $(name))))
# Each group of packages is a stamp file that depends on the list of packages.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --prefer-binary

.PHONY: help demo lab docs test test-hosts check bench screens pictures release bounds format clean

help:
	@echo "make demo        train on real data, find the formula, write kanwidget-demo.html"
	@echo "make lab         open the notebooks in JupyterLab"
	@echo "make docs        write the documents as pages that open from disk, into build/site"
	@echo "make test        run every check"
	@echo "make test-hosts  the explorer in other kernels and front ends, which it installs (minutes)"
	@echo "make check       run the quick ones: format, lint, types, imports, unit tests but the slow ones"
	@echo "make bench       print the comparison with pykan (minutes)"
	@echo "make screens     take pictures of the explorer in a real browser, into build/screens"
	@echo "make pictures    take the pictures of README, tour and explorer's guide anew, in JupyterLab (minutes)"
	@echo "make release     build the archives, and try them on every Python that is found (long; uploads nothing)"
	@echo "make bounds      try the oldest releases of all requirements (long)"

demo: $(STAMPS)/base
	@$(BIN)/kanwidget demo

lab: $(STAMPS)/lab
	@$(BIN)/kanwidget lab

docs: $(STAMPS)/docs
	@$(BIN)/sphinx-build -q -W --keep-going -c docs -d build/doctrees . build/site
	@echo "build/site/index.html"

test: $(STAMPS)/test
	@.ci/checks

test-hosts: $(STAMPS)/hosts
	@.ci/checks hosts

check: $(STAMPS)/test
	@.ci/checks format lint types imports quick

screens: $(STAMPS)/test
	@.ci/checks browser
	@ls build/screens

pictures: $(STAMPS)/test
	@.ci/need chromium && $(BIN)/python -m tools.readme_pictures && $(BIN)/python -m tools.guide_pictures

bench: $(STAMPS)/bench
	@$(BIN)/python -m tools.benchmarks.hello

# `make release PYTHONS=3.11` tries that one alone.
release: $(STAMPS)/release
	@$(BIN)/python -m tools.release $(PYTHONS)

bounds: $(STAMPS)/test
	@$(BIN)/python -m tools.lower_bounds

format: $(STAMPS)/test
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist js/node_modules kanwidget-demo.html

$(STAMPS)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.10 or newer, with venv, is needed: apt install python3 python3-venv"; exit 1; }
	@echo "make: creating $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/base: $(STAMPS)/python pyproject.toml
	@echo "make: installing kanwidget into $(VENV) (some minutes the first time)"
	@$(INSTALL) --editable .
	@touch $@

$(STAMPS)/lab $(STAMPS)/docs $(STAMPS)/test $(STAMPS)/hosts $(STAMPS)/bench $(STAMPS)/release: $(STAMPS)/%: $(STAMPS)/python pyproject.toml
	@echo "make: installing kanwidget[$*] into $(VENV) (some minutes the first time)"
	@$(INSTALL) --editable '.[$*]'
	@touch $@
