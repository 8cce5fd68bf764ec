"""Mirrors Zoho's automation: asks Zoho, counts and watches the answers, alerts people, retries for them.

    zoho ──▶ ingest ──▶ rollups ──▶ alerting ──▶ notify ──▶ a person
                                                               │
    zoho ◀── connection ◀── retry ◀────────────────────────────┘

    zoho ──▶ hooks: callbacks are hints; ingest takes them up and reads sooner

Stages never import each other. A stage hands over by writing a row; the next one claims it with a
conditional UPDATE. Each table has exactly one writing stage (see `monitor.models`).
"""

import sys

# httpx brings its command line along wherever it can, and with it rich, pygments and click: 4 MiB in each process.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
