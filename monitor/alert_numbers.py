"""Names the numbers of an alert that more than one stage reads."""

from __future__ import annotations

# Among the numbers of an evaluation: whether it explains other alerts, as the kind's `cause` says; 1 where left out.
EXPLAINS = "explains"
