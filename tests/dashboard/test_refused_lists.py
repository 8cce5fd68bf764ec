"""A list that shows why something was not done leads on as the list itself does, though its address is another one."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from dashboard import lists
from monitor.models import Problem, RetryAttempt, RetryBatch, User
from tests.bystander import own
from tests.dashboard.world import World, make_world
from tests.triage.conftest import Fail, Triage, fail, flow, triage

__all__ = ["fail", "flow", "triage"]
pytestmark = pytest.mark.usefixtures("at_noon")


@pytest.fixture
def client(signed_in: Any, ada: User) -> Client:
    return signed_in(ada)


@pytest.fixture
def world(at_noon: datetime) -> World:
    return make_world(at_noon)


def refused(client: Client, world: World, which: str) -> tuple[Any, str]:
    """What is answered where it cannot be done, and the address of the list."""
    if which == "problems":
        return client.post(reverse("problems_act"), {"act": "take"}), reverse("problems")
    if which == "a batch":
        own(RetryBatch).filter(pk=world.batch.pk).update(state="finished")
        return client.post(reverse("batch_suspend", args=[world.batch.pk])), world.batch.get_absolute_url()
    if which == "unknown outcomes":
        attempt = own(RetryAttempt).first()
        return client.post(reverse("retry_settle", args=[attempt.pk])), reverse("retries_unknown")
    if which == "records":
        problem = own(Problem).first()
        address = reverse("problem_records_csv", args=[problem.pk])
        return client.post(address, {"unmasked": "1", "reason": ""}), reverse("problem_records", args=[problem.pk])
    return client.post(reverse("silence_add"), {}), reverse("silences")


@pytest.mark.parametrize("which", ["problems", "a batch", "unknown outcomes", "records", "silences"])
def test_its_filters_and_pages_lead_to_the_list(client: Client, world: World, which: str) -> None:
    answer, address = refused(client, world, which)
    page = answer.content.decode()
    assert answer.status_code in (400, 409)
    forms = re.findall(r'<form class="card filters"[^>]*action="([^"]*)"', page)
    asked = re.findall(r'<button[^>]*hx-get="([^"]*)"', page)
    assert set(forms) <= {address}
    assert [one.partition("?")[0] for one in asked] == [address]
    assert 'href="?' not in page
    assert client.get(asked[0]).status_code == 200


def test_the_pages_of_a_refused_list_are_those_of_the_list(
    fail: Fail, triage: Triage, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PAGE_SIZE", 2)
    for reads in (lists.numbered, lists.ask_numbered):
        monkeypatch.setattr(reads, "__kwdefaults__", {"per_page": 2})
    triage(*(fail(f"The {word} is gone") for word in ("token", "mailbox", "quota", "folder", "template")))
    ticked = client.get(reverse("problems"), {"state": "all", "owner": "nobody"}).context["rows"][0].problem
    [done_before, *_] = own(Problem).exclude(pk=ticked.pk)
    own(Problem).filter(pk=done_before.pk).update(state="resolved")
    given = {"act": "resolve", "problem": [ticked.pk, done_before.pk], "text": ""}
    answer = client.post(f"{reverse('problems_act')}?state=all&owner=nobody", given)
    page = answer.content.decode()
    assert answer.status_code == 409
    [following] = re.findall(r'rel="next" href="([^"]*)"', page)
    assert following.replace("&amp;", "&") == f"{reverse('problems')}?state=all&owner=nobody&page=2"
    assert re.search(rf'value="{ticked.pk}" form="many" checked', page)
    # Done, the list is shown as it was.
    listed = client.get(following.replace("&amp;", "&")).content.decode()
    [action] = re.findall(r'id="many" method="post" action="([^"]*)"', listed)
    done = client.post(action.replace("&amp;", "&"), given | {"problem": [ticked.pk]})
    assert done["Location"] == f"{reverse('problems')}?state=all&owner=nobody&page=2"
