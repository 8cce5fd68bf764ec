"""Rows without an order can be shuffled, so that whatever takes the first of them is found out."""

from __future__ import annotations

from monitor.models import Execution
from tests.unordered import unordered


def test_only_what_asks_for_no_order_is_shuffled() -> None:
    rows = Execution.objects.filter(status="failed")
    with unordered():
        assert "RAND" in str(rows.query)
        assert "RAND" not in str(rows.order_by("pk").query)
        assert "RAND" not in str(rows.values("status").distinct().query)
        assert "RAND" not in str(Execution.objects.filter(pk__in=rows.values("pk")).order_by("pk").query)
