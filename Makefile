# Needs git, make, and Python 3.11 or newer with its venv module. Everything else goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH := .venv-bench
BENCH_STAMP := $(BENCH)/.installed
JOBS ?= 2
LOCKED := --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet

.PHONY: help demo test check bench bench-setup bench-safety peers conformance format schema lock test-setup clean

help:
	@echo 'make demo         see it work on a host of its own'
	@echo 'make test         all tests, two files at once (JOBS=2); those whose real part is missing skip and say so'
	@echo 'make check        lint, types, import rules: what CI checks'
	@echo 'make conformance  the public MCP conformance suite in both eras (needs npm)'
	@echo 'make bench        measure beside other clients and servers; quick modes of the same run among the tests'
	@echo 'make bench-setup  install those clients into $(BENCH)'
	@echo 'make peers        install those servers, each in a folder of its own'
	@echo 'make test-setup   install the real parts that tests talk to (Debian, root)'
	@echo 'make format       format the code'
	@echo 'make schema       write hosts.schema.json from the code'
	@echo 'make lock         write both lock files from pyproject.toml (needs uv)'
	@echo 'make clean        remove what make made'

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'mcp-ssh needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo 'the venv module is missing; on Debian: apt-get install python3-venv'; exit 1; }
	@echo 'Setting up $(VENV) (once) ...'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# The other clients stay out of $(VENV): what is tested there is what ships.
$(BENCH_STAMP): requirements-bench.lock pyproject.toml
	@echo 'Setting up $(BENCH) (once) ...'
	@$(PYTHON) -m venv --clear $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP)
	@$(BIN)/mcp-ssh demo

test: $(STAMP)
	$(BIN)/pytest -n $(JOBS) --dist loadfile

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

conformance: $(STAMP)
	$(BIN)/python -m tests.conformance.suite

bench-setup: $(BENCH_STAMP)

bench: $(BENCH_STAMP)
	$(BENCH)/bin/python -m bench --json bench.json

bench-safety: $(STAMP)
	$(BIN)/python -m bench.safety --show

peers: $(STAMP)
	@$(BIN)/python -m bench.peers.install

format: $(STAMP)
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .

schema: $(STAMP)
	$(BIN)/python -m mcp_ssh.config.schema > hosts.schema.json

lock:
	uv pip compile pyproject.toml --extra dev --group build --universal --python-version 3.11 \
		$(LOCKED) --output-file requirements.lock
	uv pip compile pyproject.toml --extra bench --group build --universal --python-version 3.11 \
		$(LOCKED) --constraint requirements.lock --output-file requirements-bench.lock

test-setup:
	@sh tests/support/install-parts.sh

clean:
	rm -rf $(VENV) $(BENCH) .venv-bench-peers bench.json .pytest_cache .mypy_cache .ruff_cache .import_linter_cache \
		.hypothesis build dist
