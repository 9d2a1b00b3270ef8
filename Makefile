# Everything starts here; `make` alone explains. Needs Python >= 3.11 and git, brings the rest.
PYTHON ?= python3
VENV ?= .venv
PYTEST_WORKERS ?= 2
TENANTS ?= 1000
DAYS ?= 400
SECONDS ?= 60
ARGS ?=

BIN := $(VENV)/bin
CHECKED := operator hack tests bench

.DEFAULT_GOAL := help
.PHONY: help install tools packages check format test test-unit conformance simulate simulate-logs backup-history generate demo demo-stop bench bench-logs image collector-image soak-logs lock clean
MAKEFLAGS += --no-print-directory

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## Make .venv from the locks, with the project in it (PYTHON=python3.13 for another Python)
	@$(PYTHON) hack/install.py $(VENV)

tools: ## Find or build the control plane's binaries (KUBEBUILDER_ASSETS=folder for your own)
	@PYTHONPATH=hack $(PYTHON) -m toolbox --quiet

packages: ## Install the Debian packages that tests run, where they are missing (as root)
	@$(PYTHON) hack/debian.py

check: install ## Lint, format, types, import layers, generated files
	@$(BIN)/ruff check $(CHECKED)
	@$(BIN)/ruff format --check $(CHECKED)
	@$(BIN)/mypy $(CHECKED)
	@$(BIN)/lint-imports
	@$(BIN)/python hack/generate.py --check

format: install ## Format the code and repair what the linter can
	@$(BIN)/ruff check --fix $(CHECKED)
	@$(BIN)/ruff format $(CHECKED)

test: check tools packages ## All tests that need no container engine (ARGS="-k name" selects)
	@$(BIN)/pytest -n $(PYTEST_WORKERS) tests/unit tests/integration tests/simulation $(ARGS)

test-unit: install ## The tests that need no control plane
	@$(BIN)/pytest -n $(PYTEST_WORKERS) tests/unit $(ARGS)

conformance: install ## What is relied on, against a real backup server: PBS_URL, PBS_TOKEN, PBS_FINGERPRINT
	@$(BIN)/pytest tests/conformance $(ARGS)

simulate: install ## Three years of many contracts against the clauses (TENANTS=1000)
	@SIMULATED_TENANTS=$(TENANTS) $(BIN)/pytest -n $(PYTEST_WORKERS) tests/simulation $(ARGS)

backup-history: install packages ## 120 days of backups and sweeps with the real programs, against the clause
	@BACKUP_HISTORY=full $(BIN)/pytest tests/integration/backup/test_history.py $(ARGS)

simulate-logs: install ## 400 nights of the log archiver for many tenants (TENANTS=1000, DAYS=400)
	@SIMULATED_LOG_TENANTS=$(TENANTS) SIMULATED_LOG_DAYS=$(DAYS) \
	  $(BIN)/pytest tests/unit/logs/test_history.py $(ARGS)

generate: install ## Write the generated files
	@$(BIN)/python hack/generate.py

demo: install ## Two sample tenants on a control plane of its own (CLUSTER=current: in the current cluster)
	@PYTHONPATH=hack $(BIN)/python -m demo start

demo-stop: install ## End the demo; nothing of it keeps running
	@PYTHONPATH=hack $(BIN)/python -m demo stop

bench: install tools ## Measure speed and size against a floor taken in the same run (ARGS=--help)
	@PYTHONPATH=hack $(BIN)/python -m bench $(ARGS)

bench-logs: install ## Measure the log archiver against zstd and sha256sum (ARGS=--help)
	@PYTHONPATH=hack $(BIN)/python -m bench.logs $(ARGS)

image: ## Build the container image (ENGINE=podman, BASE_IMAGE=, IMAGE=name:tag, ARGS=)
	@ENGINE='$(ENGINE)' BASE_IMAGE='$(BASE_IMAGE)' IMAGE='$(IMAGE)' $(PYTHON) hack/image.py $(ARGS)

collector-image: ## Build the image of the log pipeline's Collector (as image; IMAGE=name:tag)
	@mkdir -p build/collector
	@cp "$$(PYTHONPATH=hack $(PYTHON) -m toolbox opentelemetry-collector | awk '{print $$2}')" build/collector/
	@ENGINE='$(ENGINE)' IMAGE='$(or $(IMAGE),jitsi-logs-collector:0.158.0)' $(PYTHON) hack/image.py --file Dockerfile.collector $(ARGS)

soak-logs: install tools ## The log pipeline at 10,000 lines a second from 50 tenants (SECONDS=60)
	@SOAK_SECONDS=$(SECONDS) $(BIN)/pytest -s -p no:cacheprovider tests/integration/logs/test_soak.py $(ARGS)

lock: ## Resolve the dependencies again (ARGS=--upgrade for newer ones)
	@$(PYTHON) hack/lock.py $(ARGS)

clean: ## Remove what was made in the checkout; built tools stay in their cache
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find operator hack tests bench -name __pycache__ -type d -exec rm -rf {} +
