.DEFAULT_GOAL := help
.PHONY: help run test test-fast test-roles test-appliance soak lint bench fmt docs ova ova-verify deploy lock clean venv venv-dev programs programs-ova

BIN := .venv/bin
PYTEST := $(BIN)/pytest
# These tests sync thousands of times; in memory that takes no time. The live tests do it on a disk.
MEMORY := $(shell df --output=avail -k /dev/shm 2>/dev/null | awk 'NR == 2 && $$1 > 2000000 {print "/dev/shm"}')
IN_MEMORY := PYTEST_DEBUG_TEMPROOT=$(or $(MEMORY),$(TMPDIR),/tmp)
ALL_BUT_LIVE := $(IN_MEMORY) $(PYTEST) --ignore=tests/live --ignore=tests/appliance --numprocesses=2
# A docker daemon, mounts and other accounts' processes need root; nothing is left in the tree by it.
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo -n env PYTHONDONTWRITEBYTECODE=1)
LOCK := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: venv ## Start the registry on http://127.0.0.1:5000 with its data in ./data
	@exec $(BIN)/moorage serve

test: venv-dev programs ## Run every test, real clients and both databases too
	$(ALL_BUT_LIVE)
	$(AS_ROOT) $(PYTEST) tests/live -p no:cacheprovider

test-fast: venv-dev ## Run the tests that need no outside program, on SQLite
	$(ALL_BUT_LIVE) --no-postgresql

test-roles: venv-dev programs ## Configure the image in a chroot, without a machine
	$(AS_ROOT) $(PYTEST) tests/live/test_roles.py tests/playbooks -p no:cacheprovider

test-appliance: ova ## Build the appliance, boot it in an emulator and use it; AT_ONCE=2 machines
	$(AS_ROOT) env $(IN_MEMORY) $(PYTEST) tests/appliance -p no:cacheprovider -v \
		$(if $(AT_ONCE),--numprocesses=$(AT_ONCE) --dist=loadfile)

soak: venv-dev programs ## Let clients and the garbage collector meet for ten minutes, with kills and without
	$(AS_ROOT) $(PYTEST) tests/live/test_soak.py --soak-seconds 600 -p no:cacheprovider

lint: venv-dev ## Check style, types and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	PATH="$$PWD/$(BIN):$$PATH" ansible-lint --offline --profile production -q playbooks

bench: venv-dev programs ## Measure side by side with Debian's docker-registry
	$(BIN)/python -m tests.bench

ova: venv-dev programs-ova ## Build the appliance's image into build/ova; FRESH=1 gets Debian's packages anew
	$(AS_ROOT) env PYTHONPATH=server:appliance:ova $(BIN)/python -m moorage_ova build $(if $(FRESH),--fresh)

fmt: venv-dev ## Put all code into its standard form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: venv-dev ## Write the pages that come from the code: settings, permissions, properties
	$(BIN)/python -m moorage.config.reference > server/docs/configuration.md
	$(BIN)/python -c 'from moorage.projects.rules_document import markdown; print(markdown(), end="")' > server/docs/permissions.md
	$(BIN)/python -m moorage_ova.properties_document > server/docs/appliance-properties.md

ova-verify: venv-dev ## Read the appliance's package back and check all of it: FILE=build/ova/moorage-....ova
	$(BIN)/python -m moorage_ova verify $(or $(FILE),$(wildcard build/ova/moorage-*.ova))

deploy: venv-dev ## Deploy the appliance into vSphere: ARGS="--vcenter HOST --account NAME ..."; ARGS=--help lists all
	PYTHONPATH=server:appliance:ova $(BIN)/python -m moorage_ova deploy \
		$(or $(FILE),$(lastword $(sort $(wildcard build/ova/moorage-*.ova))),no-package-built-yet) $(ARGS)

lock: venv-dev ## Choose the newest versions anew and write them to server/requirements/*.txt
	cd server/requirements && for each in run build dev; do \
		../../$(LOCK) --upgrade --output-file $$each.txt $$each.in || exit 1; done

clean: ## Remove everything that was made, except ./data
	rm -rf .venv build dist server/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find server tests -name __pycache__ -type d -prune -exec rm -rf {} +

venv:
	@server/scripts/bootstrap.sh run

venv-dev:
	@server/scripts/bootstrap.sh dev

programs:
	@server/scripts/programs.sh

programs-ova:
	@server/scripts/programs.sh ova
