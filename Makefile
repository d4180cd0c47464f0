# The local stack in few words. Everything behind these targets is plain: `make setup` prints how to use pulumi itself.
STACK := local
PYTHON := .venv/bin/python

.DEFAULT_GOAL := help
# uv trusts the CAs that pip and curl trust: also that of a company's proxy.
export UV_SYSTEM_CERTS := true
.NOTPARALLEL:
.PHONY: help setup machine env up preview policy verify check destroy test lint unit browser e2e scan faults bench growth clean requirements picture

help: ## Show this list
	@awk -F ':.*## ' '/^## /{print substr($$0, 4)} /^[a-z0-9]+:.*## /{printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

## The local stack: two clusters on this machine. Needs Linux, root and Go.

setup: machine .venv/complete ## Check the machine, then install and build what is missing
	@$(PYTHON) -m lab.setup

machine: ## Check the machine and install missing Debian packages
	@python3 -m lab.preflight
	@python3 -m lab.debian

up: setup ## Create the two meshes, then verify them
	@$(PYTHON) -m lab.environment pulumi up --stack $(STACK) --yes --skip-preview
	@$(MAKE) --no-print-directory verify
	@$(PYTHON) -m lab.environment $(PYTHON) -m lab.next_steps

preview: setup ## Show what `make up` would change
	@$(PYTHON) -m lab.environment pulumi preview --stack $(STACK)

policy: setup ## Preview, and fail if a resource breaks a rule of policy/
	@$(PYTHON) -m lab.environment pulumi preview --stack $(STACK) --policy-pack policy

verify: ## Send 100 requests to each mesh and check which mesh answered
	@$(PYTHON) -m lab.environment $(PYTHON) -m multimesh verify --stack $(STACK)

check: setup ## Look for the cause of what does not work, also by Istio's own istioctl
	@$(PYTHON) -m lab.istioctl
	@$(PYTHON) -m lab.environment $(PYTHON) -m multimesh check --stack $(STACK)

env: ## Print the exports that let plain pulumi use the local stack
	@$(PYTHON) -m lab.environment

destroy: ## Destroy the local stack; built programs stay cached
	@$(PYTHON) -m lab.environment pulumi destroy --stack $(STACK) --yes --skip-preview

## Tests for everybody. Need Python 3.11 or newer with pip.

lint: .venv/complete ## Check style, format and types
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	.venv/bin/basedpyright

unit: .venv/complete ## Run the unit tests; those that need a missing program are skipped
	$(PYTHON) -m pytest tests/unit -rs $(UNIT_OPTIONS)

browser: .venv/complete ## Test the live page and docs/prometheus: needs Debian's chromium and prometheus
	@.venv/bin/uv pip install --quiet --python $(PYTHON) --require-hashes --requirement requirements-browser.txt
	$(PYTHON) -m pytest tests/browser

## Tests on real clusters. Need Linux, root and Go.

test: UNIT_OPTIONS := --no-skips
test: machine lint setup unit e2e ## Run lint, unit and e2e, and skip nothing: what CI runs

e2e: setup ## Run the program end to end on clusters of its own
	@$(PYTHON) -m lab.istioctl
	$(PYTHON) -m lab.environment $(PYTHON) -m pytest tests/e2e -p no:randomly

scan: setup .venv-scan/complete ## Judge the objects of the stack dev by checkov, in an environment of its own (300 MB)
	@$(PYTHON) -m lab.environment $(PYTHON) -m pytest tests/scan -p no:randomly

faults: setup ## Break a stack of its own in every known way, under load, and count the failed requests
	@$(PYTHON) -m lab.istioctl
	@$(PYTHON) -m lab.environment $(PYTHON) -m pytest tests/faults -p no:randomly

bench: setup ## Compare the program's speed with a script that does the same by hand
	@$(PYTHON) -m lab.environment $(PYTHON) -m bench

growth: setup ## Measure how the time grows with the number of exported services, up to 400
	@$(PYTHON) -m lab.environment $(PYTHON) -m bench --rounds 1 --services 10 --services 100 --services 200 --services 400

## The checkout

requirements: .venv/complete ## Pin the newest allowed Python packages, with hashes, and images by digest
	.venv/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header --no-emit-index-url \
		--python-version 3.11 --extra aws --extra gcp --group lab --group test pyproject.toml \
		--output-file requirements.txt
	.venv/bin/uv pip compile --quiet --upgrade --generate-hashes --no-header --no-emit-index-url \
		--python-version 3.11 tests/scan/requirements.in --output-file tests/scan/requirements.txt
	.venv/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header --no-emit-index-url \
		--python-version 3.11 --group browser --constraint requirements.txt \
		--output-file requirements-browser.txt
	$(PYTHON) -m components.versions

picture: .venv/complete ## Draw docs/rooms.svg from the code, and docs/pictures from outputs of stacks
	$(PYTHON) -m docs.rooms
	$(PYTHON) -m docs.meshes

clean: ## Remove what was built and installed for this checkout
	@python3 -m lab.clean

.venv/complete: requirements.txt requirements-uv.txt
	@python3 -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is " + sys.version)'
	@echo "• Python environment"
	@python3 -m venv .venv
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-uv.txt
	@.venv/bin/uv pip sync --quiet --python $(PYTHON) --require-hashes requirements.txt
	@.venv/bin/uv pip install --quiet --python $(PYTHON) --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "✓ Python environment"

.venv-scan/complete: .venv/complete tests/scan/requirements.txt
	@echo "• checkov"
	@python3 -m venv .venv-scan
	@.venv/bin/uv pip sync --quiet --python .venv-scan/bin/python --require-hashes tests/scan/requirements.txt
	@touch $@
	@echo "✓ checkov"
