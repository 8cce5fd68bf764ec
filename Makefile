# `make` prints the menu. Needs Python 3.11+ with its venv module, and make; nothing else.
PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
STANDIN_PORT ?= 8765
WORKERS ?= 2
ARGS ?=
N ?= 60
SEED ?=

PY := $(VENV)/bin/python
# Named after the content of the lock, so that a second run installs nothing and a changed lock does.
RUNTIME := $(VENV)/.runtime-$(shell cksum < requirements.txt | tr ' ' '-')
DEV := $(VENV)/.dev-$(shell cksum < requirements-dev.txt | tr ' ' '-')
LOCK := uv pip compile --python-version 3.11 --universal --generate-hashes --no-strip-extras --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock" --quiet
# What `check --deploy` is run with: settings as in production, made up on the spot.
PRODUCTION = env -u DEBUG -u DEMO SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(48))')" \
	ENCRYPTION_KEYS="$$($(PY) -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')" \
	PUBLIC_URL=https://monitor.example.com TRUSTED_PROXIES=127.0.0.1 DATABASE_URL=sqlite:///var/check.sqlite3

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset test test-deep test-stories test-browser fuzz-edits fuzz-pages fuzz-retry retry-kills mutants bench bench-alerts bench-grouping bench-pages bench-rules bench-retry bench-memory bench-alert-evaluation bench-alert-latency alerts-faults bench-sync lint types format lock screenshots messages clean

help: ## this menu
	@echo "make demo           the product with a Zoho of its own; PORT=8000 STANDIN_PORT=8765"
	@echo "make demo-reset     throw the demo's data away"
	@echo "make test           the suite on SQLite and PostgreSQL; ARGS=\"-k retry\""
	@echo "make test-deep      fault schedules, mutants, deaths, long properties, kills; FAULT_SCHEDULES=50 KILLS=12 WORKERS=2"
	@echo "make test-stories   real processes from Zoho to the mail and back"
	@echo "make test-browser   the pages in Chromium"
	@echo "make fuzz-pages     20,000 odd requests to every address, on both databases; FUZZ_REQUESTS=… FUZZ_SEED=…"
	@echo "make fuzz-edits     1,000 schedules of changes of automation against the stand-in; EDIT_SCHEDULES=…"
	@echo "make fuzz-retry     10,000 schedules of retries and batches against a ledger; FUZZ_SCHEDULES=…"
	@echo "make retry-kills    kill -9 while batches run: nothing lost, nothing twice; RETRY_KILLS=200"
	@echo "make mutants        faults put into the code one at a time: which does no test notice? N=60 SEED=…"
	@echo "make lint           format, rules, types, imports, templates, settings, migrations, sizes"
	@echo "make types          mypy alone"
	@echo "make format         put the code into its form"
	@echo "make lock           pin the dependencies anew, with hashes"
	@echo "make messages       take up marked texts into the German catalogue, and compile it (docs/translating.md)"
	@echo "make screenshots    docs/*.png from the demo; DEMO_PASSWORD where one is running"
	@echo "make bench          ratios beside a rival in the same run"
	@echo "make bench-alerts   how often conditions of alerts fire falsely and how soon they find what is wrong, beside rivals"
	@echo "make bench-grouping how fast and how well failures are grouped, beside a rival"
	@echo "make bench-pages    what each page costs over HTTP, beside the floor of the server and bare SQL; PAGES_ROWS=…"
	@echo "make bench-rules    what the pages of workflow rules cost with 2,500 rules and 1,000 days of usage; RULES=… RULES_DAYS=…"
	@echo "make bench-retry    what a preview of 5,000 retries costs among a million runs, beside a bare read"
	@echo "make bench-memory   what web and worker hold in memory together, beside a bare Django with its queue"
	@echo "make bench-alert-evaluation  what 1,000 alert rules on 1,000 flows cost, beside a bare read"
	@echo "make bench-alert-latency  seconds from a condition that is committed to the mail server's 250; ALERT_LATENCY_EVENTS=…"
	@echo "make alerts-faults  500 schedules of alerts, faults of mail and webhooks, deaths: nothing lost; ALERT_SCHEDULES=… ALERT_FIRST=…"
	@echo "make bench-sync     the mirror's figures (docs/benchmarks.md), hours of them; one alone: make sync-budget, …"
	@echo "make clean          take away caches; the demo's data and .venv stay"
	@echo "Own Python or environment: make PYTHON=/path/to/python3.12 VENV=/path/to/env …"

$(RUNTIME):
	@$(PYTHON) scripts/venv.py $(VENV) requirements.txt $@

$(DEV):
	@$(PYTHON) scripts/venv.py $(VENV) requirements-dev.txt $@ $(RUNTIME)

demo: $(RUNTIME)
	@exec $(PY) manage.py demo --port $(PORT) --standin-port $(STANDIN_PORT) $(ARGS)

demo-reset: $(RUNTIME)
	@$(PY) manage.py demo --reset

test: $(DEV)
	@exec $(PY) scripts/test.py --workers $(WORKERS) $(ARGS)

# Both parts run, also where the first has failed. The kills are timed: they have the machine for themselves.
DEEP_PARTS := deep-faults deep-kills
.PHONY: $(DEEP_PARTS)

test-deep: $(DEV)
	@$(MAKE) --no-print-directory --keep-going -j1 $(DEEP_PARTS)

$(DEEP_PARTS): $(DEV)

deep-faults:
	@HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-deep} $(PY) scripts/test.py --mark "deep or property" \
		--workers $(WORKERS) --migrations --dist loadgroup $(ARGS)

deep-kills:
	@$(PY) scripts/test.py --mark kills --workers 0 -s -p no:randomly -o faulthandler_timeout=14400 $(ARGS)

test-stories: $(DEV)
	@DJANGO_ALLOW_ASYNC_UNSAFE=1 exec $(PY) scripts/test.py --at-once --mark story --workers 0 -s -p no:randomly $(ARGS)

test-browser: $(DEV)
	@DJANGO_ALLOW_ASYNC_UNSAFE=1 exec $(PY) scripts/test.py --mark browser --workers $(WORKERS) --database sqlite $(ARGS)

fuzz-edits: $(DEV)
	@EDIT_SCHEDULES=$${EDIT_SCHEDULES:-1000} exec $(PY) scripts/test.py --database sqlite --workers 0 --mark property \
		-o faulthandler_timeout=14400 tests/edits/test_edit_machine.py $(ARGS)

fuzz-pages: $(DEV)
	@FUZZ_REQUESTS=$${FUZZ_REQUESTS:-20000} exec $(PY) scripts/test.py --mark deep --workers $(WORKERS) tests/dashboard/test_fuzz_pages.py $(ARGS)

fuzz-retry: $(DEV)
	@HYPOTHESIS_PROFILE=nightly exec $(PY) scripts/test.py --database postgresql --workers 0 --mark property -o faulthandler_timeout=14400 \
		tests/retry/test_machine_of_batches.py $(ARGS)

retry-kills: $(DEV)
	RETRY_KILLS=$${RETRY_KILLS:-200} $(PY) scripts/test.py --mark kills --workers 0 --require-postgres --database postgresql \
		-s -p no:randomly -o faulthandler_timeout=14400 tests/stories/test_retry_kills.py $(ARGS)

mutants: $(DEV)
	@PYTHONPATH=scripts exec $(PY) -m mutants --count $(N) --seed "$(SEED)" $(ARGS)

bench: $(DEV)
	@exec $(PY) scripts/test.py --mark bench --workers 0 -s $(ARGS)

bench-alerts: $(DEV)
	@exec $(PY) scripts/test.py --mark bench --workers 0 -s -p no:randomly --database sqlite \
		tests/benchmarks/test_alert_conditions.py $(ARGS)

bench-grouping: $(DEV)
	@exec $(PY) scripts/test.py --mark bench --workers 0 -s -p no:randomly --database sqlite tests/benchmarks/test_grouping.py $(ARGS)

# PAGES_ROWS="50000 1000000 5000000" for three sizes; ARGS="--database sqlite" with PAGES_ROWS=200000 for that one.
bench-pages: $(DEV)
	@exec $(PY) scripts/test.py --mark bench --workers 0 -s -p no:randomly --require-postgres --database postgresql \
		tests/benchmarks/test_pages.py $(ARGS)

bench-rules: $(DEV)
	@exec $(PY) scripts/test.py --mark bench --workers 0 -s -p no:randomly --require-postgres --database postgresql \
		tests/benchmarks/test_rules_page.py $(ARGS)

bench-retry: $(DEV)
	@exec $(PY) scripts/test.py --mark bench --workers 0 -s -p no:randomly --require-postgres --database postgresql \
		tests/benchmarks/test_bulk_retry.py $(ARGS)

bench-memory: $(DEV)
	@exec $(PY) scripts/test.py --mark bench --workers 0 -s -p no:randomly --database sqlite tests/benchmarks/test_memory.py $(ARGS)

bench-alert-latency: $(DEV)
	@exec $(PY) scripts/test.py --mark bench --workers 0 -s -p no:randomly --require-postgres --database postgresql \
		tests/benchmarks/test_alert_latency.py $(ARGS)

bench-alert-evaluation: $(DEV)
	@exec $(PY) scripts/test.py --mark bench --workers 0 -s -p no:randomly --require-postgres \
		tests/benchmarks/test_alert_evaluation.py $(ARGS)

# ALERT_SEED=7 plays one schedule; ALERT_FIRST=251 ALERT_SCHEDULES=250 the second half; ARGS="--database postgresql" one database.
alerts-faults: $(DEV)
	@ALERT_SCHEDULES=$${ALERT_SCHEDULES:-500} $(PY) scripts/test.py --mark deep --workers $(WORKERS) \
		-p no:randomly tests/notify/test_alert_schedules.py $(ARGS)

# One for each section of docs/benchmarks.md. All of them run, also where one has failed; then make fails too.
SYNC_BENCHES := sync-budget sync-throughput sync-backfill sync-prune sync-faults sync-mutants sync-kills
.PHONY: $(SYNC_BENCHES)
BENCH = $(PY) scripts/test.py --mark bench --workers 0 -s -p no:randomly

bench-sync: $(DEV)
	@$(MAKE) --no-print-directory --keep-going $(SYNC_BENCHES)

$(SYNC_BENCHES): $(DEV)

sync-budget:
	$(BENCH) --database sqlite tests/benchmarks/test_budget_day.py $(ARGS)

sync-throughput:
	$(BENCH) --database postgresql tests/benchmarks/test_throughput.py $(ARGS)

sync-backfill:
	$(BENCH) --database sqlite tests/benchmarks/test_backfill.py $(ARGS)

sync-prune:
	$(BENCH) tests/benchmarks/test_prune.py $(ARGS)

# FAULT_FIRST=501 FAULT_SCHEDULES=500 plays the second half; WORKERS=4 shares them out among four processes.
sync-faults:
	FAULT_SCHEDULES=$${FAULT_SCHEDULES:-1000} $(PY) scripts/test.py --mark deep --workers $(WORKERS) --require-postgres \
		-s -p no:randomly -o faulthandler_timeout=3600 tests/faults/test_schedules.py $(ARGS)

sync-mutants:
	$(PY) scripts/test.py --mark deep --workers 0 -s -p no:randomly --database sqlite tests/faults/test_mutants.py $(ARGS)

sync-kills:
	KILLS=$${KILLS:-200} $(PY) scripts/test.py --mark kills --workers 0 -s -p no:randomly \
		-o faulthandler_timeout=14400 --database postgresql tests/stories/test_kill_suite.py $(ARGS)

LINTS := lint-format lint-rules types lint-imports lint-templates lint-settings lint-migrations lint-locks lint-sizes lint-tree
.PHONY: $(LINTS)

lint: $(DEV)
	@$(MAKE) --no-print-directory --keep-going $(LINTS)

lint-format:
	$(VENV)/bin/ruff format --check .

lint-rules:
	$(VENV)/bin/ruff check .

lint-imports:
	DEBUG=1 $(VENV)/bin/lint-imports

lint-templates:
	$(VENV)/bin/djlint templates --lint --quiet

lint-settings:
	$(PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING

lint-migrations:
	DEBUG=1 $(PY) manage.py makemigrations --check --dry-run

lint-locks:
	@! grep -n '://' requirements.in requirements-dev.in requirements.txt requirements-dev.txt \
		|| { echo "error: requirement files hold no addresses"; exit 1; }

# A link of this name, once committed, takes the place of the folder wherever it is checked out.
lint-tree:
	@[ -z "$$(git ls-files .venv 2>/dev/null)" ] \
		|| { echo "error: .venv is part of the tree: git rm --cached .venv, and commit"; exit 1; }

lint-sizes:
	$(PY) scripts/sizes.py

types: $(DEV)
	DEBUG=1 $(VENV)/bin/mypy

format: $(DEV)
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

lock: $(DEV)
	$(VENV)/bin/$(LOCK) requirements.in -o requirements.txt
	$(VENV)/bin/$(LOCK) requirements-dev.in -o requirements-dev.txt

messages: $(DEV)
	@$(PY) scripts/messages.py

screenshots: $(DEV)
	@exec $(PY) scripts/screenshots.py --port $(PORT) --standin-port $(STANDIN_PORT) $(ARGS)

clean:
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis htmlcov .coverage staticfiles
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
