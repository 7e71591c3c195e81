# The list of commands; the logic lives in Python and in the tools. `make help` prints it.
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
PIP_COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile -q --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options
.DEFAULT_GOAL := help
.PHONY: help run test test-cluster test-node lint lock manifests images cluster install call demo-cluster clean-cluster clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' Makefile

run: .venv/stamp ## run the examples on this machine, each behind its own URL, until Ctrl-C
	@$(BIN)/buildless run examples/*.yaml $(ARGS)

test: .venv/stamp ## every test that needs no cluster (ARGS="-k name")
	$(BIN)/pytest $(ARGS)

test-cluster: .venv/stamp ## the tests with a real API server and Metacontroller (KUBEBUILDER_ASSETS)
	$(BIN)/pytest tests/cluster $(ARGS)

test-node: .venv/stamp ## the tests with a real kubelet (KUBECONFIG, BUILDLESS_IMAGE_IMPORT)
	$(BIN)/pytest tests/node $(ARGS)

lint: .venv/stamp ## ruff, mypy, hadolint, shellcheck
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/hadolint Dockerfile runtimes/*/Dockerfile && $(BIN)/shellcheck .ci/run

lock: .venv/stamp ## pin every dependency anew (requirements*.txt, also that of the Python runtime)
	$(BIN)/pip install -q pip-tools==7.6.2 && $(PIP_COMPILE) -o requirements.txt && $(PIP_COMPILE) --only-build-deps --build-deps-for wheel -o requirements-build.txt && $(PIP_COMPILE) --extra dev --all-build-deps -o requirements-dev.txt && $(PIP_COMPILE) -o runtimes/python/requirements.txt runtimes/python/requirements.in

manifests: ## write config/hook.yaml anew from the chart (helm)
	helm template function-hook chart -n buildless-functions --no-hooks --set crds.install=false > config/hook.yaml

images: ## build the five images with Docker
	@$(PYTHON) demo/cluster.py images

cluster: ## a kind cluster that has these images
	@$(PYTHON) demo/cluster.py cluster

install: ## Metacontroller and the hook, each by its chart (kind's cluster, or CONTEXT=name)
	@$(PYTHON) demo/cluster.py install

call: ## apply and call Functions (ARGS="examples/*.yaml"; by default examples/hello-python.yaml)
	@$(PYTHON) demo/cluster.py call $(ARGS)

demo-cluster: ## from nothing to a Function that answers (ARGS="examples/*.yaml")
	@$(PYTHON) demo/cluster.py images cluster install call $(ARGS)

clean-cluster: ## remove that cluster
	@$(PYTHON) demo/cluster.py clean

clean: ## remove what set-up and tests left behind
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info

# Set-up happens once, and again when a lock or pyproject.toml changes.
.venv/stamp: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv && $(BIN)/pip install -q --require-hashes -r requirements-dev.txt && $(BIN)/pip install -q --no-deps --no-build-isolation -e . && touch $@
