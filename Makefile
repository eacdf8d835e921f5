# The one place of commands: people and CI run the same. Works with the GNU make 3.81 of macOS.

BIN  = .venv/bin
JOBS ?= 3

.DEFAULT_GOAL := help
.PHONY: help demo serve mock test soak bench check lint migrate openapi lock clean setup setup-dev

help:             ## show this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1	/p' Makefile

demo: setup       ## sign a PDF end to end; PDF=path takes yours
	@$(BIN)/python -m deploy.demo $(if $(PDF),--pdf "$(PDF)")

serve: setup      ## start the server on var/ and leave it running
	@$(BIN)/dss init
	@exec $(BIN)/dss serve --port 8080

mock: setup       ## run the phone mock; ARGS="list --json"
	@$(BIN)/mobile-mock $(if $(ARGS),$(ARGS),--help)

test: setup-dev   ## run the tests; T=tests/unit for a part of them
	$(BIN)/pytest -n $(JOBS) --dist loadfile $(T)

soak: setup-dev   ## the tests with full sets and long races; T=... for a part of them
	DSS_SOAK=1 $(BIN)/pytest -n $(JOBS) --dist loadfile -o faulthandler_timeout=3600 $(T)

bench: setup-dev  ## what flows and protections cost; ARGS="--database both --json bench.json"
	@$(BIN)/python -m tests.bench $(ARGS)

check: lint test  ## all that CI runs

lint: setup-dev   ## lint, format, types, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

migrate: setup    ## bring the database of var/ up to date
	@$(BIN)/dss migrate

openapi: setup    ## write openapi.yaml from the route declarations
	$(BIN)/dss openapi > openapi.yaml.new && mv openapi.yaml.new openapi.yaml

lock: setup-dev   ## lock the dependencies anew; ARGS=--upgrade for the newest
	deploy/lock.sh $(ARGS)

clean:            ## remove .venv and caches; var/ with its keys stays
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup:
	@deploy/setup.sh demo

setup-dev:
	@deploy/setup.sh dev
