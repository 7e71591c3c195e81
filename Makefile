# Commands for developers; `make help` lists them. The logic is in Python and in the tools.
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
# Uses the indexes and mirrors that this machine has configured, and writes none of them into a lock.
COMPILE := UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links
# Falls back to pip where uv has no wheel or cannot reach its index.
INSTALL = { test -x $(BIN)/uv && $(BIN)/uv pip install -q --python $(BIN)/python $(1); } || { echo "uv cannot install: pip takes longer"; $(BIN)/pip install -q --disable-pip-version-check $(1); }
NODE_TOOLS := $(if $(shell command -v npm 2> /dev/null),tools/javascript/node_modules/stamp)
BIOME := tools/javascript/node_modules/.bin/biome check --error-on-warnings --config-path=tools/javascript runtimes/nodejs tests/local/conformance tests/local/differential hooks/cli/templates
# A tenth of the generated inputs, a 64th of the tests and cases marked `sampled`, none of those marked `image`.
# BUILDLESS_ALL=1, as in CI, uses all of them and builds programs with Go; the tests of a file then run in one process, so
# that each program is built once. Four or five processes, since many tests wait.
QUICK := --hypothesis-profile=quick --mutations=250 --bodies=100 --share=64 -m 'not image'
.DEFAULT_GOAL := help
.PHONY: bench bench-cluster bench-invoke mutation help run test test-cluster test-chaos test-node check lint fmt lock manifests picture images cluster install call demo-cluster clean-cluster clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' Makefile

run: .venv/run ## run the examples on this machine, each behind its own URL, until Ctrl-C
	@$(BIN)/buildless run examples/*.yaml $(ARGS)

check: lint ## lint and the core tests, within a minute
	$(BIN)/pytest -q -n 4 --dist worksteal $(QUICK) tests/core $(ARGS)

test: .venv/stamp ## all tests without a cluster (ARGS="-k name"; BUILDLESS_ALL=1 as in CI)
	$(BIN)/pytest --dist $(if $(BUILDLESS_ALL),loadfile -n 4,worksteal -n 5 $(QUICK)) $(ARGS)

test-cluster: .venv/stamp ## the tests with a real API server and Metacontroller (KUBEBUILDER_ASSETS)
	$(BIN)/pytest tests/cluster $(ARGS)

test-chaos: .venv/stamp ## the same programs killed, restarted and disturbed (ARGS=--whole: an hour)
	$(BIN)/pytest tests/chaos $(ARGS)

test-node: .venv/stamp ## the tests with a real kubelet (KUBECONFIG, BUILDLESS_IMAGE_IMPORT)
	$(BIN)/pytest tests/node $(ARGS)

lint: .venv/stamp $(NODE_TOOLS) ## ruff, mypy, hadolint, shellcheck; Biome and TypeScript if npm is on PATH
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/hadolint Dockerfile runtimes/*/Dockerfile && $(BIN)/shellcheck .ci/run
ifdef NODE_TOOLS
	$(BIOME) && tools/javascript/node_modules/.bin/tsc -p tools/javascript
else
	@echo '!!! LEFT OUT: no JavaScript was checked: npm is not on PATH !!!'; test -z "$(BUILDLESS_ALL)"
endif

fmt: .venv/stamp $(NODE_TOOLS) ## format every file and apply the fixes of ruff and Biome
	$(BIN)/ruff check -q --fix-only . && $(BIN)/ruff format .
ifdef NODE_TOOLS
	$(BIOME) --write
else
	@echo '!!! LEFT OUT: no JavaScript was formatted: npm is not on PATH !!!'
endif

mutation: .venv/mutation ## change the code in one place at a time: which changes does no test notice? (hours)
	@PYTHONPATH=tools nice -n 19 $(BIN)/python -m mutation $(ARGS)

bench: .venv/stamp ## compare the hook with other servers on one core (go, wrk)
	@$(BIN)/python bench/hook.py $(ARGS)

bench-cluster: .venv/stamp ## many Functions on one control plane, beside Kyma (ARGS="--kyma CHECKOUT --sizes 300")
	@$(BIN)/python bench/cluster.py $(ARGS)

bench-invoke: .venv/stamp ## compare the servers of Functions (wrk; ARGS="--kyma CHECKOUT")
	@$(BIN)/python bench/invoke.py $(ARGS)

lock: .venv/run ## pin every dependency (requirements*.txt, also that of the Python runtime; ARGS=--upgrade)
	$(COMPILE) --directory runtimes/python requirements.in -o requirements.txt $(ARGS)
	$(COMPILE) --directory hooks/cli/debugger requirements.in -o requirements.txt $(ARGS)
	$(COMPILE) pyproject.toml -o requirements.txt $(ARGS)
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' | $(COMPILE) - -o requirements-build.txt $(ARGS)
	$(COMPILE) --extra dev -c requirements.txt pyproject.toml requirements-build.txt -o requirements-dev.txt $(ARGS)
	$(COMPILE) --directory tools/mutation -c ../../requirements-dev.txt requirements.in -o requirements.txt $(ARGS)
	echo uv | $(COMPILE) -c runtimes/python/requirements.txt - -o requirements-uv.txt $(ARGS)

# Helm does not manage plain YAML, so the two labels that name it are dropped.
WITHOUT_HELM := | grep -vE '^ +(helm\.sh/chart|app\.kubernetes\.io/managed-by): '

manifests: ## regenerate config/ from the chart (helm)
	helm template function-hook chart -n buildless-functions --no-hooks --set crds.install=false \
	  $(WITHOUT_HELM) > config/hook.yaml
	helm template function-hook chart -n buildless-functions --set config.git.enabled=true \
	  $(foreach name,configmap deployment compositecontroller,-s templates/$(name).yaml) $(WITHOUT_HELM) > config/git/hook.yaml
	helm template function-hook chart -n buildless-functions --set config.git.enabled=true \
	  -s templates/sourcenetworkpolicy.yaml $(WITHOUT_HELM) > config/git/networkpolicy.yaml

picture: .venv/run ## record docs/terminal.svg anew, the picture of README.md (port 8080)
	@$(BIN)/python tools/terminal.py

images: ## build the five images with Docker
	@$(PYTHON) demo/cluster.py images

cluster: ## create a kind cluster and load these images
	@$(PYTHON) demo/cluster.py cluster

install: ## install the charts of Metacontroller and the hook (in the kind cluster, or CONTEXT=name)
	@$(PYTHON) demo/cluster.py install

call: ## apply and call Functions (ARGS="examples/*.yaml"; default: examples/hello-python.yaml)
	@$(PYTHON) demo/cluster.py call $(ARGS)

demo-cluster: ## the four steps above: a cluster with a running Function (ARGS="examples/*.yaml")
	@$(PYTHON) demo/cluster.py images cluster install call $(ARGS)

clean-cluster: ## delete the kind cluster
	@$(PYTHON) demo/cluster.py clean

clean: ## delete the files of set-up and tests
	rm -rf .venv tools/javascript/node_modules runtimes/nodejs/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info

# Set-up runs again when a lock or pyproject.toml changes: first the packages of `buildless`, then those of developers.
.venv/run: requirements.txt requirements-build.txt requirements-uv.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up .venv ..."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/pip install -q --disable-pip-version-check --only-binary :all: --require-hashes -r requirements-uv.txt || true
	@$(call INSTALL,--require-hashes -r requirements.txt -r requirements-build.txt)
	@$(call INSTALL,--no-deps --no-build-isolation -e .)
	@touch $@

.venv/stamp: .venv/run requirements-dev.txt
	@echo "Setting up .venv for development ..."
	@$(call INSTALL,--require-hashes -r requirements-dev.txt)
	@touch $@

.venv/mutation: .venv/stamp tools/mutation/requirements.txt
	@$(call INSTALL,--require-hashes -r tools/mutation/requirements.txt)
	@touch $@

# TypeScript reads the types of the server's packages.
tools/javascript/node_modules/stamp: tools/javascript/package-lock.json runtimes/nodejs/package-lock.json
	@echo "Setting up the JavaScript tools ..."
	@npm ci --no-audit --no-fund --silent --prefix tools/javascript
	@npm ci --no-audit --no-fund --silent --omit=dev --prefix runtimes/nodejs
	@touch $@
