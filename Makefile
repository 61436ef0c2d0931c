# The commands of this project; `make help` prints them.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# The tests start some hundred processes of Python. Without bytecode each compiles again all that it imports, which is
# a third of what collecting the tests takes; images often set this, and .gitignore has __pycache__.
unexport PYTHONDONTWRITEBYTECODE
UV = $$(cat .local/uv)
STACK ?= flyteadmin
SCALE ?= 10
SEED := $(or $(SEED),$(shell od -An -N4 -tu4 /dev/urandom | tr -d ' '))
COMMIT = $$(git rev-parse --short HEAD 2> /dev/null || echo unknown)
COMMITTED_AT = $$(git log -1 --format=%cI 2> /dev/null || echo unknown)

.PHONY: help setup check quick test property demo up down build deploy bench soak docs

help: ## print this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "A deployed stack is operated with .venv/bin/flyteadmin-ops; --help lists its commands."

setup: .venv/.complete ## install everything from the lock (other commands do it when needed)

.venv/.complete: uv.lock pyproject.toml layers/common/pyproject.toml operations/pyproject.toml deploy/sam/uv.lock
	@local/setup.sh
	@touch $@

check: setup ## check formatting, lint, types, imports, the template, generated documents, citations, words
	ruff format --check .
	ruff check .
	mypy
	lint-imports
	cfn-lint --append-rules checks -- template.yaml
	python docs/generate.py --check

quick: setup ## run the checks and the nearest tests of what changed since BASE (default: main): three minutes
	@python -m tests.affected $(BASE)

test: check build ## run all checks, then all tests, as CI does
	pytest -n 2 --dist loadgroup

property: setup ## run the model test of events and the hostile requests, SCALE times as long as in `make test`, from a random SEED
	@echo "property: seed $(SEED), scale $(SCALE); the same again: make property SEED=$(SEED) SCALE=$(SCALE)"
	@PROPERTY_SEED=$(SEED) PROPERTY_SCALE=$(SCALE) pytest -n 2 --dist loadgroup -v tests/property \
	  tests/functional/test_hostile_requests.py

demo: build ## show one workflow from registration to notification, on the embedded stack
	@python -m local.demo

up: build ## run the whole stack on this machine until Ctrl-C (ENGINE=propeller: bring your own propeller)
	@python -m local.stack up --engine $(or $(ENGINE),stand-in)

down: setup ## stop a stack that was left running
	@python -m local.stack down

build: setup .aws-sam/build/template.yaml ## build functions and layers with SAM

SOURCES = template.yaml uv.lock $(shell find functions layers -type f -not -name '*.pyc' -not -path '*/__pycache__/*')
.aws-sam/build/template.yaml: $(SOURCES) deploy/sam/uv.lock .venv/.complete
	@echo "build: sam build (a minute on the first run)"
	@UV=$(UV) ROOT=$(CURDIR) $(UV) run --quiet --project deploy/sam --frozen sam build --parallel --cached > .local/build.log 2>&1 \
	  || { tail -n 40 .local/build.log; exit 1; }
	@touch $@

deploy: export DEPLOYING = $(PARAMETERS)
deploy: build ## deploy to the AWS account of your credentials (STACK=name, PARAMETERS="Key=Value …", CONFIGURATION=file or folder)
	@flyteadmin-ops check-config --stack $(STACK) --deploying "$$DEPLOYING" $(CONFIGURATION)
	@UV=$(UV) ROOT=$(CURDIR) $(UV) run --project deploy/sam --frozen sam deploy --stack-name $(STACK) \
	  --parameter-overrides Build=$(COMMIT) BuildTime=$(COMMITTED_AT) $(PARAMETERS)
	@$(if $(CONFIGURATION),flyteadmin-ops check-config --stack $(STACK) --upload $(CONFIGURATION))

bench: build ## measure requests, write units, lists, CPU, imports beside their budgets (VERSIONS=100000: longer lists)
	@python -m bench --versions $(or $(VERSIONS),10000)

soak: build ## run 200 executions at once while functions die, and check each end (a quarter of an hour, not in CI)
	@python -m bench.soak --seed $(SEED) $(ARGS)

docs: setup ## write the generated documents and template.yaml
	python docs/generate.py
