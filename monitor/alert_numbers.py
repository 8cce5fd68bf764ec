"""Names the numbers of an alert that more than one stage reads."""

from __future__ import annotations

from datetime import timedelta

# Among the numbers of an evaluation: whether it explains other alerts, as the kind's `cause` says; 1 where left out.
EXPLAINS = "explains"

# What has fired for so long without a break is an outage, however often the alert came and went before.
STEADY = timedelta(minutes=30)
