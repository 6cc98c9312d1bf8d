# From a clone to a classified mug: `make up`. Everything that can be tested here: `make test`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory

STACK ?= dev
PYTHON ?= python3
REGISTRY ?=
TENSORRT ?= 10.6.0
WAIT ?= 0
BENCH_BASE ?=
FROM ?=
TO ?=
ADD ?=
DROP ?=

VENV := .venv/bin
DEPLOY := $(VENV)/python -m deploy
GATE := $(VENV)/python -m gate

.PHONY: help venv tools up preview gate promote releases rollback destroy down status url logs env client images lint check test test-guest test-faults test-gpu bench bench-gpu docs lock

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: ## Python: every locked package into .venv (all other targets do this by themselves)
	@$(PYTHON) -m tools venv

up: venv ## The main job: tools, cluster, images, model, pulumi up, smoke test  [STACK=dev]
	@$(DEPLOY) up --stack $(STACK)

preview: venv ## What `make up` would change  [STACK=dev]
	@$(DEPLOY) preview --stack $(STACK)

gate: venv ## Deploy and prove, or put the last good release back  [STACK=dev] [WAIT=seconds for another gate]
	@$(GATE) run --stack $(STACK) --wait-s $(WAIT)

promote: venv ## Deploy what one stack has proven to another  FROM=staging TO=prod [WAIT=0]
	@$(GATE) promote --from "$(FROM)" --to "$(TO)" --wait-s $(WAIT)

releases: venv ## The releases that can be gone back to  [STACK=dev]
	@$(GATE) releases --stack $(STACK)

rollback: venv ## Deploy a kept release again and prove it  TO=release [STACK=dev] [WAIT=0]
	@$(GATE) rollback --stack $(STACK) --to "$(TO)" --wait-s $(WAIT)

destroy: venv ## Remove the stack's resources; the cluster stays  [STACK=dev]
	@$(DEPLOY) destroy --stack $(STACK)

down: venv ## Remove everything: the stack, its embedded cluster and the cluster's data  [STACK=dev]
	@$(DEPLOY) down --stack $(STACK)

status: venv ## Cluster and stack at a glance  [STACK=dev]
	@$(DEPLOY) status --stack $(STACK)

url: venv ## The stack's URL and nothing else  [STACK=dev]
	@$(DEPLOY) url --stack $(STACK)

logs: venv ## Triton's log  [STACK=dev]
	@$(DEPLOY) logs --stack $(STACK)

env: venv ## What plain `pulumi` and `kubectl` need: eval "$(make env)"  [STACK=dev]
	@$(DEPLOY) env --stack $(STACK)

client: venv ## A key for a client, printed once, or one key less  ADD=name | DROP=name [STACK=dev]
	@$(DEPLOY) client --stack $(STACK) --add "$(ADD)" --drop "$(DROP)"

tools: venv ## Install and build what this machine lacks (make up and make test do this by themselves)
	@$(DEPLOY) tools

images: venv ## Build and push what a stack uses of images/  [REGISTRY=the stack's] [STACK=dev]
	@$(DEPLOY) images --stack $(STACK) --registry "$(REGISTRY)"

lint: venv ## Lint, types and who imports what
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy
	@$(VENV)/lint-imports --no-cache --no-logo

check: lint ## Lint, types and unit tests
	@$(VENV)/pytest tests/unit -n 2 --dist worksteal

test: lint ## Everything that can be tested on this machine
	@$(PYTHON) -m tools debian
	@$(PYTHON) -m tools debian --only tests
	@$(PYTHON) -m tools build
	@$(PYTHON) -m tools tensorrt $(TENSORRT) >/dev/null
	@$(VENV)/pytest tests -m "not (faults or long) or sample" -n 2 --dist loadscope --no-loadscope-reorder

test-guest: lint tools ## On a cluster that the project knows nothing of: roles, registry, storage class, bucket, no root
	@$(PYTHON) -m tools debian --only tests
	@$(PYTHON) -m tools build --only guest
	@$(VENV)/pytest tests/e2e tests/guest -m "guest or long"

test-faults: lint tools ## Every fault, with a load running; writes docs/reliability.md
	@RELIABILITY_TABLE=docs/reliability.md $(VENV)/pytest tests/faults

test-gpu: venv ## Plans built and compared on this machine's GPU  [TENSORRT=10.6.0]
	@environment=$$($(PYTHON) -m tools tensorrt $(TENSORRT)) && eval "$$environment" && $(VENV)/pytest tests/gpu

bench-gpu: venv ## Build, latency and throughput of a plan on this machine's GPU  [TENSORRT=10.6.0]
	@environment=$$($(PYTHON) -m tools tensorrt $(TENSORRT)) && eval "$$environment" && $(VENV)/python -m bench.gpu

bench: venv ## The budgets as a table  [BENCH_BASE=commit to measure `make up` again beside]
	@BENCH_BASE="$(BENCH_BASE)" $(VENV)/python -m bench

docs: venv ## Regenerate docs/configuration.md and the evidence's schema from the models
	@$(VENV)/python -m infra.config_docs --write
	@$(VENV)/python -m gate.evidence.document

lock: venv ## Lock the dependencies of pyproject.toml again
	@$$($(PYTHON) -m tools uv) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group dev pyproject.toml -o requirements.lock
