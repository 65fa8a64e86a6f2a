# Every target sets itself up: it needs Python >= 3.11 (with venv), git and make, nothing else.
#   make PYTHON=python3.12 test      to choose the interpreter

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
GOAL ?=
# Many tests wait for a program on its terminal: one worker more than there are processors keeps them busy.
WORKERS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )))

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run demo picture test check format bench soak clean
.DEFAULT_GOAL := help

help: ## Show this help
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-8s %s\n", $$1, $$2 }'

run: $(READY) ## Open the workbench here; headless: make run GOAL="what you want"
	@$(BIN)/autodev $(if $(GOAL),run "$$GOAL",)

demo: $(READY) ## Try it on a sample repository, offline and without a key
	@$(BIN)/autodev demo

picture: $(READY) ## Draw the pictures in docs/ anew from real runs
	@$(BIN)/python -m tests.demo_picture
	@$(BIN)/python -m tests.workbench_pictures

test: $(READY) ## Run all tests but the long sweeps
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not soak"

check: $(READY) ## Format, lint, types, imports: changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## Format, and fix what lint can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## Measure every budget; fails when one is missed
	$(BIN)/python -m tests.bench

soak: $(READY) ## Run the long sweeps
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m soak

clean: ## Remove everything that make made
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last: an installation that was cut off starts again.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "make: $(PYTHON) is missing or older than 3.11 - name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

export GOAL
