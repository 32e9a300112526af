# Every command sets up what it needs in .venvs/ and build/ and says what it is doing.
# PYTHON=/path/to/python chooses the interpreter, ARGS='…' goes to the command behind the target.

export PYTHON PYTHONS
script = @python="$$(sh scripts/find-python.sh)" && exec "$$python" -B scripts/$(1)

.PHONY: help demo test test-all test-oldest test-suites stress fuzz memcheck check bench bench-full bench-short bench-micro guarantees wheels format docs tables clean

help: ## list the commands
	@echo "make COMMAND [PYTHON=/path/to/python] [ARGS='…']"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | while IFS='|' read -r name text; do printf '%-14s %s\n' "$$name" "$$text"; done

demo: ## serve the guide's application, drive it with requests and reconcile its logs
	$(call script,demo.py $(ARGS))

test: ## build and install the wheel, then run all Python tests on it
	$(call script,tests.py $(ARGS))

test-all: ## the same with every Python 3.10 to 3.14 found (PYTHONS='…' names more)
	$(call script,tests_all.py $(ARGS))

test-oldest: ## run the tests of integrations, values and contexts beside the oldest versions of other libraries that are supported
	$(call script,tests_oldest.py $(ARGS))

test-suites: ## run other projects' own tests without this library and with it, and compare ('ARGS=flask' runs one suite)
	$(call script,test_suites.py $(ARGS))

stress: ## use everything hard for SECONDS=600 and count every record ('ARGS=--only forks' runs one kind of round)
	$(call script,stress.py $(or $(SECONDS),600) $(ARGS))

fuzz: ## feed bytes of every kind to what reads bytes of unknown origin, for SECONDS=60
	$(call script,fuzz.py $(or $(SECONDS),60))

memcheck: ## run native tests under valgrind's memcheck where it is installed ('ARGS=binding' runs those of the native module)
	$(call script,memcheck.py $(ARGS))

check: ## format, lint, types, import direction, docs, a short bench round, then test: what CI runs
	$(call script,check.py)

bench: ## measure beside other libraries, count every line, and say what changed since it was recorded, within ten minutes
	$(call script,bench.py $(ARGS))

bench-full: ## the same for as long as it takes; writes figures and plots into docs/ and both READMEs
	$(call script,bench.py --full $(ARGS))

guarantees: ## let everything happen to this library and others, and write what was kept into docs/
	$(call script,guarantees.py --full $(ARGS))

bench-short: ## one short round that shows that the benches run
	$(call script,bench.py --short $(ARGS))

bench-micro: ## measure the engine's rooms one by one, beside what was recorded last ('ARGS=queue' measures one)
	$(call script,bench_micro.py $(ARGS))

wheels: ## build and check the sdist and the wheels in dist/
	$(call script,wheels.py)

format: ## bring Rust and Python code into standard form
	$(call script,format.py)

docs: ## build the documentation into site/
	$(call script,docs.py)

tables: ## write schema.json, the tables in docs/ and the types for editors, which follow from the options and counts
	$(call script,tables.py)

clean: ## remove everything that was built, the environments included
	rm -rf .venvs build dist site target .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks .import_linter_cache
