# `make run` and `make test` set up all they need on first use; the second time that costs nothing.
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
T ?=
B ?=

.DEFAULT_GOAL := help
.PHONY: help setup lock native run test check format bench docs fuzz sanitize soak clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: $(READY) ## make .venv from requirements.lock; nothing to do the second time

$(READY): requirements.lock pyproject.toml scripts/bootstrap
	@scripts/bootstrap $(VENV)
	@touch $@

lock: $(READY) ## write requirements.lock again (versions at least a week old)
	scripts/lock

native: $(READY) ## the forwarder in Rust, into .venv; nothing to do the second time
	@scripts/build-native $(VENV)

run: $(READY) ## Synapse, the onboarding pages, calls and a sample school on this machine
	@scripts/install-clients || echo "make run: calls work in clients; the page for calls from a browser is missing"
	@scripts/build-native $(VENV) || echo "make run: the native forwarder was not built; calls use the plain one"
	$(VENV)/bin/sferum run

test: $(READY) ## the whole suite; T=tests/test_x.py narrows it
	@scripts/install-services
	@scripts/build-native $(VENV)
	@scripts/test $(PY) $(T)

check: $(READY) ## format, lint, types, imports, shell scripts
	@scripts/check $(VENV)

format: $(READY) ## put the files into the form that check wants
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

bench: $(READY) ## B=name runs bench/name.py; B= lists them
	@if [ -n "$(B)" ]; then $(PY) -m bench.$(B); \
	else echo "make bench B=one of:"; ls bench/*.py bench/*/__main__.py 2>/dev/null | sed 's|bench/\(.*\)\.py|  \1|; s|/__main__||' | grep -v __init__; fi

docs: $(READY) ## links and the HTTP description in docs/
	@scripts/docs $(PY)

fuzz: $(READY) ## parsers against random bytes, longer than in `make test`: in Python, then each in Rust for two minutes
	HYPOTHESIS_PROFILE=fuzz $(PY) -m pytest -k fuzz $(T)
	scripts/fuzz 120

sanitize: ## the tests in Rust under ThreadSanitizer and AddressSanitizer (nightly Rust with rust-src); after work on threads or sys.rs
	scripts/sanitize

soak: $(READY) ## lines that get worse and better under two pages, a call and a broadcast of half an hour each, then hours of ordinary school life
	LINES=all $(PY) -m pytest -q tests/media/lossy/test_conditions.py
	$(PY) -m bench.call_soak
	$(PY) -m bench.broadcast.soak
	$(PY) -m bench.soak

clean: ## remove everything that make made
	rm -rf $(VENV) var build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
