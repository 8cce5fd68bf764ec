"""The preview of a bulk retry counts by problem and by flow."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from monitor.models import Execution, Failure, User
from tests import factories
from tests.bystander import own
from tests.triage.conftest import fail, flow, problem, triage

__all__ = ["fail", "flow", "triage"]
pytestmark = pytest.mark.usefixtures("at_noon")


@pytest.fixture
def runs(fail: Any, triage: Any) -> list[Execution]:
    """Six runs that failed days ago for one cause, oldest last: safe to retry."""
    made = [fail(minutes_ago=(n + 3) * 1440) for n in range(6)]
    triage(*made)
    return made


@pytest.fixture
def client(signed_in: Any, ada: User) -> Client:
    return signed_in(ada)


def look(client: Client, **chosen: Any) -> Any:
    return client.post(reverse("batch_preview"), chosen)


def test_the_preview_says_by_problem_and_flow_what_is_safe_risky_and_impossible(
    runs, flow, fail, triage, client
) -> None:
    other = fail("Token of jane@example.com revoked by the other side", error_code="RATE_LIMIT", minutes_ago=5)
    done = fail("Token of jane@example.com revoked by the other side", error_code="RATE_LIMIT", minutes_ago=5000)
    tax = problem()
    triage(other, done)
    unjudged = factories.make_execution(flow, "failed", started_time=runs[0].started_time)
    own(Failure).filter(execution=done).update(fate="written_off")
    shown = look(client, run=[*(run.pk for run in runs), other.pk, done.pk, unjudged.pk])
    found = {row.title: (row.total, dict(row.counts)) for row in shown.context["problems"]}
    assert found[tax.title] == (6, {"safe": 6})
    assert [row.problem for row in shown.context["problems"]].count(None) == 1
    assert sum(total for total, _ in found.values()) == 9
    [(total, counts)] = [of for title, of in found.items() if "[e-mail]" in title or "revoked" in title]
    assert (total, counts) == (2, {"risky": 1, "refused": 1})
    page = shown.content.decode()
    assert "jane@example.com" not in page
    assert page.index(">By problem<") < page.index(">By flow<")
    # One problem's failures need no table of it.
    assert ">By problem<" not in look(client, problem=tax.pk).content.decode()
