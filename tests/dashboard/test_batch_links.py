"""The counts on a batch's page open exactly the items that they count."""

from __future__ import annotations

import html
import re

import pytest
from django.urls import reverse

from monitor.models import Execution, RetryItem
from tests.dashboard.test_batch_pages import batch, client, runs
from tests.triage.conftest import fail, flow, triage

__all__ = ["batch", "client", "fail", "flow", "runs", "triage"]
pytestmark = pytest.mark.usefixtures("at_noon")


def test_one_reason_for_skipping_lists_its_items_alone_whatever_the_notes_hide(client, batch, now) -> None:
    """Two notes that are alike once the names are hidden are one reason; another reason is not in it."""
    items = list(batch.items.order_by("position")[:4])
    notes = ("No contact Quilla Zorn", "No contact Ned Wix", "Changed.", "Changed.")
    for item, note in zip(items, notes, strict=True):
        if note.startswith("No contact"):
            Execution.objects.filter(pk=item.execution_id).update(trigger_data={"name": note[11:]})
        RetryItem.objects.filter(pk=item.pk).update(state="skipped", note=note, ended_at=now)
    page = client.get(reverse("batch", args=[batch.pk])).content.decode()
    addresses = set(re.findall(r'href="([^"]*why=[^"]*)">2</a> × ', page))
    listed = [client.get(html.unescape(address)).content.decode() for address in addresses]
    assert sorted([f">{item.execution.execution_id}<" in one for item in items] for one in listed) == [
        [False, False, True, True],
        [True, True, False, False],
    ]
    assert "Quilla" not in page + "".join(addresses)
    nothing = client.get(reverse("batch", args=[batch.pk]), {"why": "0" * 12}).content.decode()
    assert "/executions/" + str(items[0].execution_id) not in nothing
    assert client.get(reverse("batch", args=[batch.pk]), {"why": "x"}).status_code == 400
