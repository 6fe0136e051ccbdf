# What a user types. Everything is installed into .venv from the locks; engines and jars come with it.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help install demo up test test-secured test-lost-nodes test-mysql check-prometheus bench lint chaos soak check-grafana docker-test cluster-test lock clean

help:
	@echo "make demo   the whole lineage on real engines with 20,000 simulated events, audited"
	@echo "make up     engines, ingest, a slow simulator and Dagster; Ctrl-C stops all"
	@echo "make test   lint, types and every test, real engines included"
	@echo "make test-secured  TLS and logins: every store secured, every client of it, and what is refused"
	@echo "make test-lost-nodes  three Cassandra nodes, then three Kafka brokers: one of each is killed under load"
	@echo "make test-mysql  the integration tests on the MySQL server that RECRUIT_TEST_MYSQL names"
	@echo "make check-grafana  dashboards against Grafana's own types, alert rules against promtool, where these are installed"
	@echo "make check-prometheus  a real Prometheus scrapes the metrics, where it is installed"
	@echo "make chaos  the chaos suite in its long form: everything is killed, the audit stays exact"
	@echo "make soak   15 minutes of load while processes are killed; memory, runs and audit at the end"
	@echo "make bench  every figure of docs/benchmarks.md side by side with its peer; ONLY=key,... REPEATS=n"
	@echo "make docker-test  the platform in Docker: events, report, audit; crashes, audit"
	@echo "make cluster-test  the same lineage on local[*], a standalone Spark cluster and Spark Connect"
	@echo "make lint   ruff, mypy, the import rules and the Dagster definitions"
	@echo "make clean  remove the virtual environment and the state of the local engines"

install: $(VENV)/installed

$(VENV)/installed: setup.py requirements.lock requirements-dev.lock
	@test "$$(uname -sm)" = "Linux x86_64" || { echo "the local engines need Linux on x86-64, this is $$(uname -sm)"; exit 2; }
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or name it with PYTHON=..."; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) lacks venv: install python3.11-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	# the locks name everything, so pip has nothing to resolve
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  -r requirements.lock -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: install
	@$(BIN)/recruit-assets demo

up: install
	@$(BIN)/recruit-assets up

test: lint
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup --no-loadscope-reorder

test-secured: install
	$(BIN)/python -m pytest recruit_assets_tests/secured

test-lost-nodes: install
	$(BIN)/python -m pytest recruit_assets_tests/lost_nodes

test-mysql: install
	@test -n "$$RECRUIT_TEST_MYSQL" || { echo "name a server: RECRUIT_TEST_MYSQL=mysql://user:password@host:port"; exit 2; }
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup --no-loadscope-reorder \
	  recruit_assets_tests/integration --ignore recruit_assets_tests/integration/local

check-prometheus: install
	$(BIN)/python -m recruit_assets_tests.prometheus

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/dg check defs --no-check-yaml --use-active-venv

chaos: install
	$(BIN)/python -m recruit_assets_tests.chaos.soak --minutes 3 --kill-every 0
	$(BIN)/python -m pytest recruit_assets_tests/chaos --chaos-rounds 3

soak: install
	$(BIN)/python -m recruit_assets_tests.chaos.soak $(SOAK)

bench: install
	$(BIN)/python -m benchmarks --only "$(ONLY)" --repeats $(or $(REPEATS),3)

# The dashboards' JSON against the types that Grafana publishes (npm, network), alert rules against promtool.
check-grafana: install
	$(BIN)/python -m recruit_assets_tests.grafana_schema
	$(BIN)/python -m recruit_assets_tests.grafana_promql

docker-test: install
	$(BIN)/python -m recruit_assets_tests.containers.scenario $(DOCKER_TEST)

cluster-test: install
	$(BIN)/python -m recruit_assets_tests.cluster.comparison

# Renew the locks after a change of setup.py; needs the network, changes versions. requirements.lock is what the platform
# runs with, in the image too; requirements-dev.lock is what developers need besides.
COMPILE := $(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-annotate --no-header \
  --no-emit-find-links --no-emit-index-url

lock: install
	$(COMPILE) --extra build --output-file requirements.lock setup.py
	$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock \
	  $$(sed -n 's/^\([^ =]*\)==.*/--no-emit-package \1/p' requirements.lock) setup.py

clean:
	@if [ -x $(BIN)/recruit-assets ]; then $(BIN)/recruit-assets engines stop; fi
	rm -rf $(VENV) .recruit
