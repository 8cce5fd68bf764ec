"""A batch's reason hides whom the pages of its runs hide, wherever it is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.urls import reverse

from monitor import named_people
from monitor.batch_outcomes import Progress
from monitor.models import Execution, Flow, RetryBatch, User
from monitor.named_people import people_named
from monitor.notify.kinds.batch_ended import _rows
from monitor.retry.batches import request_batch
from tests.triage.conftest import Fail, Triage, fail, flow, triage

__all__ = ["fail", "flow", "triage"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def runs(fail: Fail, triage: Triage) -> list[Execution]:
    names = ("Quilla Zorn", "Ned Wixley", "Olga Prune")
    made = [fail(minutes_ago=3000 + n, trigger_data={"name": name, "id": n}) for n, name in enumerate(names)]
    triage(*made)
    return made


def confirmed(runs: list[Execution], person: User, reason: str, now: datetime) -> RetryBatch:
    keys = [run.pk for run in runs]
    return request_batch(
        account=runs[0].account, executions=keys, user=person, reason=reason, client_token="named", now=now
    )


def test_a_name_that_the_page_of_one_of_its_runs_hides_stands_on_no_page_of_the_batch(
    runs: list[Execution], ada: User, vera: User, signed_in: Any, at_noon: datetime
) -> None:
    batch = confirmed(runs, ada, "Made anew for Ned Wixley and for Quilla Zorn, says Bob", at_noon)
    client = signed_in(vera)
    assert "Wixley" not in str(_rows(batch, Progress(), UTC))
    for address in (reverse("batches"), batch.get_absolute_url()):
        page = client.get(address).content.decode()
        assert "Made anew for [hidden] and for [hidden], says Bob" in page
        assert "Wixley" not in page


def test_names_are_found_in_all_runs_however_many_and_kept_when_their_data_goes(
    runs: list[Execution], ada: User, at_noon: datetime, monkeypatch: pytest.MonkeyPatch, flow: Flow
) -> None:
    monkeypatch.setattr(named_people, "CHUNK", 2)
    keys = [run.pk for run in runs]
    assert people_named("for olga prune", keys) == ["Olga Prune", "Prune", "Olga"]
    assert people_named("nobody", keys) == []
    batch = confirmed(runs, ada, "for Olga Prune", at_noon)
    Execution.objects.filter(flow=flow).update(trigger_data=None)
    batch.refresh_from_db()
    assert batch.people == ["Olga Prune", "Prune", "Olga"]
