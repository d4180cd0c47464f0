# The local stack in few words. Everything behind these targets is plain: `make setup` prints how to use pulumi itself.
STACK := local
PYTHON := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup env up preview policy verify destroy test lint unit e2e faults bench clean requirements

help: ## Show this list
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: .venv/complete ## Install and build what is missing
	@$(PYTHON) -m lab.setup

env: ## Print the exports by which plain pulumi uses the local stack
	@$(PYTHON) -m lab.environment

up: setup ## Make the two meshes, then verify them
	@$(PYTHON) -m lab.environment pulumi up --stack $(STACK) --yes --skip-preview
	@$(MAKE) --no-print-directory verify
	@$(PYTHON) -m lab.environment $(PYTHON) -m lab.next_steps

preview: setup ## Show what `make up` would change
	@$(PYTHON) -m lab.environment pulumi preview --stack $(STACK)

policy: setup ## Preview, and refuse what breaks a rule of the policy pack
	@$(PYTHON) -m lab.environment pulumi preview --stack $(STACK) --policy-pack policy

verify: ## Ask the meshes 100 times each and judge who answered
	@$(PYTHON) -m lab.environment $(PYTHON) -m multimesh verify --stack $(STACK)

destroy: ## Take the local stack away; what was built stays cached
	@$(PYTHON) -m lab.environment pulumi destroy --stack $(STACK) --yes --skip-preview

test: lint unit e2e ## Everything: lint, types, unit tests, end to end on real clusters

lint: .venv/complete
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	.venv/bin/basedpyright

unit: setup
	$(PYTHON) -m pytest tests/unit

e2e: setup
	$(PYTHON) -m lab.environment $(PYTHON) -m pytest tests/e2e -p no:randomly

faults: setup ## Break a stack of its own in every way that we know, under load, and count
	@$(PYTHON) -m lab.environment $(PYTHON) -m pytest tests/faults -p no:randomly

bench: setup ## Measure the program next to a script that does the same by hand
	@$(PYTHON) -m lab.environment $(PYTHON) -m bench

clean: ## Remove what was built and installed for the checkout
	@python3 -m lab.clean

requirements: .venv/complete ## Pin the newest allowed Python packages, with hashes
	.venv/bin/uv pip compile --quiet --upgrade --generate-hashes --no-header --python-version 3.11 \
		--group lab --group test pyproject.toml --output-file requirements.txt

.venv/complete: requirements.txt requirements-uv.txt
	@python3 -m lab.preflight
	@python3 -m lab.debian
	@echo "• Python environment"
	@python3 -m venv .venv
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-uv.txt
	@.venv/bin/uv pip sync --quiet --python $(PYTHON) --require-hashes requirements.txt
	@touch $@
	@echo "✓ Python environment"
