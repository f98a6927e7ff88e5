# run  demo  test  check  verify-corpus  inventory-corpus  bench  fuzz  docs  clean: each installs what it needs into .venv, once.
# Needs Python 3.11 or newer, make and git. Another Python: make run PYTHON=python3.12. Another configuration: make run CONFIG=other.toml.

PYTHON ?= python3
CONFIG ?= config.toml
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run demo test check lint verify-corpus inventory-corpus bench fuzz docs clean

help:
	@echo "make run     one full check (CONFIG=other.toml takes another configuration)"
	@echo "make demo    the program against a simulated world: a story in a minute"
	@echo "make test    lint, types, layers and all tests, as CI runs them (make check is the same)"
	@echo "make verify-corpus  decide the corpus of attestations: counts for each kind, and every deviation"
	@echo "make inventory-corpus  read the corpus of client configurations: counts for each kind of launch, and every deviation"
	@echo "make bench   verifications a second beside bare sigstore-python, and what hostile input costs"
	@echo "make fuzz    every parser on mutated input (FUZZ_SECONDS=60 for each)"
	@echo "make docs    write docs/rules/ from the rules"
	@echo "make clean   remove .venv and what tools left behind; databases and configuration stay"

# A stamp is younger than pyproject.toml, or the install is done again.

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: pyproject.toml $(VENV)/made
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/installed-dev: pyproject.toml $(VENV)/made
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/installed

# Created when missing, never overwritten; an example that changed later does not touch them. Another configuration is the user's own.

config.toml: | config.example.toml
	cp config.example.toml $@

registry.yaml: | registry.example.yaml
	cp registry.example.yaml $@

ifeq ($(CONFIG),config.toml)
OWN := config.toml registry.yaml
endif

run: $(VENV)/installed | $(OWN)
	@$(BIN)/mcp-monitor migrate --config '$(CONFIG)'
	@$(BIN)/mcp-monitor run --config '$(CONFIG)'; code=$$?; \
	case $$code in \
	0) meaning="quiet" ;; \
	1) meaning="findings at or above policy.exit_at" ;; \
	2) meaning="wrong usage or configuration" ;; \
	3) meaning="something could not be checked" ;; \
	*) meaning="stopped" ;; \
	esac; \
	echo "mcp-monitor ended with exit code $$code: $$meaning"; exit $$code

demo: $(VENV)/installed
	@$(BIN)/python -m tests.demo

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint verify-corpus inventory-corpus
	$(BIN)/python -m pytest -n 2

verify-corpus: $(VENV)/installed-dev
	@$(BIN)/python -m tests.connectors.verify_corpus

inventory-corpus: $(VENV)/installed-dev
	@$(BIN)/python -m tests.connectors.inventory_corpus

bench: $(VENV)/installed-dev
	@$(BIN)/python -m tests.benchmarks

FUZZ_SECONDS ?= 60

$(VENV)/installed-fuzz: pyproject.toml $(VENV)/installed-dev
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev,fuzz]'
	@touch $@ $(VENV)/installed $(VENV)/installed-dev

fuzz: $(VENV)/installed-fuzz
	@$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

check: test

docs: $(VENV)/installed
	$(BIN)/python -m monitor.rules.pages

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
