.DEFAULT_GOAL := help
.PHONY: help setup test demo lint format bench sanitize test-deep clean

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## install what is missing, make the private environment, build
	@tools/setup

test: ## C++ and Python tests (PYTHON=/path chooses one, REBOTTLE_ALL=1 takes all, ARGS="-k word" goes to pytest)
	@tools/test $(ARGS)

demo: ## a game server changed while 200 players play; a library from PyPI upgraded live
	@tools/demo

lint: ## formatting, clang-tidy, ruff, mypy
	@tools/lint

format: ## put C++ and Python files into the form that lint asks for
	@tools/format

bench: ## what an update costs, against importlib.reload
	@tools/bench $(ARGS)

sanitize: ## the contract tests under the address and undefined-behaviour sanitizers
	@tools/sanitize $(ARGS)

test-deep: ## the long proofs: debug build of Python, valgrind, coverage, identity updates
	@tools/test-deep $(ARGS)

clean: ## remove everything that the other targets made
	rm -rf build .venv demo/out .pytest_cache .mypy_cache .ruff_cache .hypothesis
