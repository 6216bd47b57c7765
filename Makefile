# Two commands do all the set-up on a fresh machine: `make demo` and `make test`. Only Python 3.11+ and make are needed.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV ?= .venv
OUT ?= demo-run
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
SOURCES := lab_lens components pipelines local_runner tests
INSTALLED := $(VENV)/.installed
export MLFLOW_DISABLE_TELEMETRY = true

.PHONY: help
help:  ## Show the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

.PHONY: demo
demo: $(INSTALLED)  ## Train on synthetic notes, release, refuse, roll back: about five minutes
	$(BIN)/lab-lens demo --out $(OUT)

.PHONY: test
test: $(INSTALLED)  ## Run all tests: unit, components, pipelines, integration
	$(BIN)/python -m pytest -n auto --dist loadgroup tests

.PHONY: test-unit
test-unit: $(INSTALLED)  ## Run the fast tests alone
	$(BIN)/python -m pytest -n auto tests/unit tests/pipelines

.PHONY: check
check: lint types imports  ## Run every check that runs no product code

.PHONY: lint
lint: $(INSTALLED)  ## Lint, and check formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: types
types: $(INSTALLED)  ## Check types strictly
	$(BIN)/mypy

.PHONY: imports
imports: $(INSTALLED)  ## Check the import rules of the architecture
	$(BIN)/lint-imports

.PHONY: format
format: $(INSTALLED)  ## Format, and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: docs
docs: $(INSTALLED)  ## Generate the components' README from their signatures
	$(BIN)/python -m pipelines.component_docs

.PHONY: clean
clean:  ## Remove what the targets made, the environment included
	rm -rf $(VENV) $(OUT) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "lab-lens needs Python 3.11 or newer, and $(PYTHON) is older: make PYTHON=/path/to/python3.11 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip -c constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[all,dev]'
	@touch $(INSTALLED)
