# One command each. Every target first makes .venv when it is missing and installs what changed in
# the requirements; paths stay relative, so that the project's folder may have spaces in its name.

PROFILE ?= replay
PYTHON ?=
ARGS ?=
SHELL := /bin/sh
BIN := .venv/bin/python
RUNTIME := .venv/.requirements-installed
TESTING := .venv/.requirements-dev-installed
SHARED := -n auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help report test check lab demo clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'PETS_ROOT=FOLDER  your copy of the Oxford-IIIT Pet photos, for any target'
	@echo 'ARGS="..."        passed on to the command, e.g. make report ARGS=--status'
	@echo 'PYTHON=...        the Python, 3.10 to 3.14, that makes .venv (delete .venv to change it)'

report: $(RUNTIME)  ## results/report.html from the committed results; PROFILE=cpu trains
	$(BIN) -m common.run_all --profile $(PROFILE) $(ARGS)

test: $(TESTING)  ## the tests, at most 4 minutes on 2 cores
	$(BIN) -m pytest $(SHARED) -m "not long" $(ARGS)

check: $(TESTING)  ## the long tests, about 15: kills, fuzzing, browsers, whole pipelines
	$(BIN) -m pytest $(SHARED) -m long $(ARGS)

lab: $(RUNTIME)  ## JupyterLab on the notebooks
	PYTHONPATH="$$PWD" $(BIN) -m jupyterlab $(ARGS)

demo: $(RUNTIME)  ## the click demo as a web page, for this machine alone unless ARGS says more
	$(BIN) -m common.web.demo $(ARGS)

clean:  ## delete the report and what tests left; keeps .venv and results/local
	rm -rf results/report.html results/click.html results/_smoke .pytest_cache .hypothesis .ruff_cache .mypy_cache
	find common tests notebooks -name __pycache__ -type d -prune -exec rm -rf {} +

# An install that stops half-way leaves no stamp, so the next command does it again.
$(RUNTIME): requirements.txt
	@echo 'Installing requirements.txt into .venv; the first time takes about 4 minutes and 6 GB.'
	@$(make_venv)
	@$(call install,-r requirements.txt)
	@touch $@

$(TESTING): $(RUNTIME) requirements-dev.txt
	@echo 'Installing requirements-dev.txt into .venv; takes about half a minute.'
	@$(call install,-r requirements.txt -r requirements-dev.txt)
	@touch $@

define install
$(BIN) -m pip install --disable-pip-version-check $(1) || { \
  echo 'error: the packages could not be installed, see above (no network? less than 6 GB free?);' \
    'then run the same command again' >&2; exit 1; }
endef

FITS := import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))
CANDIDATES = $(if $(PYTHON),"$(PYTHON)",python3 python3.13 python3.12 python3.11 python3.10 python3.14)

define make_venv
$(BIN) -c '$(FITS)' 2>/dev/null && $(BIN) -m pip --version >/dev/null 2>&1 && exit 0; \
found=; \
for python in $(CANDIDATES); do \
  version=$$("$$python" -V 2>&1) || continue; \
  "$$python" -c 'import ensurepip; $(FITS)' 2>/dev/null && exec "$$python" -m venv --clear .venv; \
  found="$$found, $$python is $$version"; \
done; \
echo "error: .venv needs Python 3.10 to 3.14 with its venv module$${found:+; here}$${found#,}." \
  'Install one (Debian, Ubuntu: sudo apt install python3-venv), or name it:' \
  'make ... PYTHON=/path/to/python3.12' >&2; \
exit 1
endef
