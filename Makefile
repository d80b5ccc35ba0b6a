# `make demo` and `make test` need nothing but make and Python 3.11+ with venv. `make help` lists the rest.
# All paths are relative to the checkout, so that spaces in its own path do no harm.

PYTHON ?= python3
BIN := .venv/bin/python

# As text, not as Makefile: a `$` in a file's name stays one. PWD is where the user stands with `make -C`.
export DEMO_RECORDING := $(value RECORDING)
export DEMO_CWD := $(value PWD)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo run test test-core test-crash chaos lint format docs bench bench-queue bench-listing bench-engine bench-rows clean

help:
	@echo "make demo                      convert a sample recording and show where the results are"
	@echo "make demo RECORDING=FILE.mcap  the same for your own recording"
	@echo "make run                       API and worker until Ctrl-C; make run PORT=8123"
	@echo "make test                      lint, then all tests but the slow proofs"
	@echo "make test-core                 the slow proofs of the conversion core"
	@echo "make test-crash                the slow proofs of the engine: kills, power cuts, damage, chaos"
	@echo "make chaos                     200 runs while processes are killed and stopped and the disk gets full"
	@echo "make lint                      ruff and mypy --strict"
	@echo "make format                    let ruff format the code"
	@echo "make docs                      write docs/settings.md and docs/errors.md anew from the code"
	@echo "make bench                     compare speed and memory with other converters (docs/benchmarks.md)"
	@echo "make bench-queue               compare the queue with others, up to 100,000 live jobs (docs/benchmarks.md)"
	@echo "make bench-listing             measure lists, polls and starts with 100,000 workflows (docs/benchmarks.md)"
	@echo "make bench-rows                measure how the rows of datasets grow with recordings (docs/benchmarks.md)"
	@echo "make bench-engine              measure what the engine costs beside the conversions (docs/benchmarks.md)"
	@echo "make clean                     remove .venv* and caches; never recordings or workflows"
	@echo "PYTHON=python3.12              with any of them: the Python that .venv is made with"

demo: .venv/run.stamp
	@$(BIN) -m services.demo

run: .venv/run.stamp
	@$(BIN) -m services.launcher

# Four on any machine: half of the time goes into waiting for processes that the tests have started. They start twice
# as fast when what they import is compiled already, so that is kept even where the environment says not to.
test test-core test-crash: export PYTHONDONTWRITEBYTECODE :=
test: lint
	@$(BIN) -m pytest -n 4 --dist loadfile -m "not slow"

ENGINE := $(addprefix tests/,crash e2e engine_files executors http services worker)

test-core: .venv/dev.stamp
	@$(BIN) -m pytest -n auto --maxprocesses 4 --dist worksteal -m slow $(addprefix --ignore=,$(ENGINE))

test-crash: .venv/dev.stamp
	@$(BIN) -m pytest -n auto --maxprocesses 4 --dist worksteal -m slow $(ENGINE)
	@$(BIN) -m tests.chaos

chaos: .venv/dev.stamp
	@$(BIN) -m tests.chaos

lint: .venv/dev.stamp
	@$(BIN) -m ruff check --quiet .
	@$(BIN) -m ruff format --check --quiet .
	@$(BIN) -m mypy --no-error-summary

format: .venv/dev.stamp
	@$(BIN) -m ruff format .

docs: .venv/run.stamp
	@$(BIN) -m tests.support.settings_page
	@$(BIN) -m tests.support.errors_page

bench: .venv-bench/bench.stamp
	@.venv-bench/bin/python -m benchmarks

bench-queue: .venv-bench/bench.stamp
	@.venv-bench/bin/python -m benchmarks.queue

bench-listing: .venv/dev.stamp
	@$(BIN) -m benchmarks.listing

bench-engine: .venv/dev.stamp
	@$(BIN) -m benchmarks.engine

bench-rows: .venv/dev.stamp
	@$(BIN) -m benchmarks.rows

clean:
	rm -rf .venv .venv-bench .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -not -path "./workflows/*" -prune -exec rm -rf {} +

.venv/run.stamp: requirements.txt bootstrap.py
	@command -v "$(PYTHON)" > /dev/null || { echo "There is no $(PYTHON) here. Bagmill needs Python 3.11 or newer: make PYTHON=/path/to/python3"; exit 1; }
	@"$(PYTHON)" bootstrap.py run

.venv/dev.stamp: requirements-dev.txt requirements.txt bootstrap.py
	@command -v "$(PYTHON)" > /dev/null || { echo "There is no $(PYTHON) here. Bagmill needs Python 3.11 or newer: make PYTHON=/path/to/python3"; exit 1; }
	@"$(PYTHON)" bootstrap.py dev

.venv-bench/bench.stamp: requirements-bench.txt requirements.txt bootstrap.py
	@command -v "$(PYTHON)" > /dev/null || { echo "There is no $(PYTHON) here. Bagmill needs Python 3.11 or newer: make PYTHON=/path/to/python3"; exit 1; }
	@"$(PYTHON)" bootstrap.py bench
