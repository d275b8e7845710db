# Two commands need nothing but Python >= 3.11 and make: `make demo` and `make test`.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PYTEST ?= $(BIN)/python -m pytest
FUZZ_SECONDS ?= 300

.DEFAULT_GOAL := help
.PHONY: help demo test lint types bench docs fuzz lock clean

help:            ## list the targets
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/ -/'

# The stamp's name says which lock was installed, so a development environment serves the demo as well.
$(VENV)/pyvenv.cfg:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: requirements/core.txt pyproject.toml | $(VENV)/pyvenv.cfg
	@test -f $(VENV)/.dev || { \
	  echo "installing the locked versions into $(VENV) ..."; \
	  $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/core.txt && \
	  $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e . ; }
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "installing the locked versions with the development tools into $(VENV) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.fuzz: requirements/fuzz.txt $(VENV)/.dev
	@echo "installing the fuzzer into $(VENV) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	@touch $@

demo: $(VENV)/.core  ## one document through four levels
	@$(BIN)/edocx demo

test: $(VENV)/.dev  ## every test
	$(PYTEST)

lint: $(VENV)/.dev  ## style, imports between rooms, floors, and that every test can be gathered
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	@$(PYTEST) --collect-only --no-cov -qq >/dev/null || { $(PYTEST) --collect-only --no-cov -q | tail -40; exit 1; }

types: $(VENV)/.dev  ## mypy --strict over src
	$(BIN)/mypy

bench: $(VENV)/.dev  ## measured beside peers, in one run
	$(BIN)/edocx bench

docs: $(VENV)/.dev  ## pages generated from code
	$(BIN)/python tools/make_docs.py

fuzz: $(VENV)/.fuzz  ## throw bytes at the doors, FUZZ_SECONDS at each, then long property runs (nightly)
	$(BIN)/python tools/fuzz.py --seconds $(FUZZ_SECONDS)
	HYPOTHESIS_PROFILE=nightly $(PYTEST) -m "not slow or slow" --timeout=6000

lock:            ## recompute requirements/*.txt (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet pyproject.toml --extra dev -o requirements/dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet pyproject.toml requirements/build.in -c requirements/dev.txt -o requirements/core.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet pyproject.toml --extra fuzz -c requirements/dev.txt -o requirements/fuzz.txt

clean:           ## remove what the targets made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage dist
