"""A person watches one module, renews its channel or stops it: one request, and a lost answer is settled by reading."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import QuerySet

from monitor.hooks.endpoints import EndpointRefused, choose_module, watch
from monitor.ingest.lists import one_channel
from monitor.ingest.lists.notification_channels import WISHES, plan
from monitor.ingest.lists.one_channel import ByHandAnswer, ask_by_hand
from monitor.models import AuditEntry, User, WatchChannel, WatchChoice, WorkflowRule, ZohoAccount
from tests import factories
from tests.bystander import Bystander, own
from tests.edits.conftest import EditDesk, opened_desk
from tests.fake_zoho.retrying import Crash

pytestmark = pytest.mark.django_db
PATH = "/crm/v8/actions/watch"


@pytest.fixture
def desk(db: None, ada: User, settings: Any) -> Iterator[EditDesk]:
    settings.PUBLIC_URL = "https://monitor.example.com"
    with opened_desk(ada) as found:
        yield found


def ask(desk: EditDesk, act: str, module: str = "Deals") -> ByHandAnswer:
    choose_module(desk.account, module, act, actor=desk.person, now=desk.clock())

    def opened(account: ZohoAccount, *, priority: str, total: float) -> Any:
        return desk.open(account, priority=priority)

    return ask_by_hand(desk.account, module, act, clock=desk.clock, open_account=opened)


def channels(desk: EditDesk) -> QuerySet[WatchChannel]:
    return WatchChannel.objects.filter(account=desk.account)


def upstream(desk: EditDesk) -> dict[str, dict[str, Any]]:
    return {row["channel_id"]: row for row in desk.world.store.collection("watch").values()}


def requests(desk: EditDesk) -> list[str]:
    return [method for method, path, _ in desk.writes if path == PATH]


def test_one_module_is_watched_renewed_and_stopped_with_one_request_each(desk: EditDesk, bystander: Bystander) -> None:
    assert ask(desk, "open") == ByHandAnswer("done", "Deals is watched now.")
    (row,) = channels(desk)
    there = upstream(desk)[row.channel_id]
    assert (there["events"], there["token"]) == (["Deals.all"], row.token)
    assert row.expires_at == desk.clock() + WISHES[0]  # type: ignore[operator]

    desk.clock.advance(3600)
    assert ask(desk, "renew") == ByHandAnswer("done", "Deals was renewed.")
    (again,) = channels(desk)
    assert (again.channel_id, again.granted_at) == (row.channel_id, desk.clock())

    assert ask(desk, "stop") == ByHandAnswer("done", "Deals is not watched any more.")
    assert not channels(desk).exists()
    assert upstream(desk) == {}
    assert requests(desk) == ["POST", "PUT", "DELETE"]
    trail = own(AuditEntry).filter(action__startswith="watch.").order_by("pk")
    assert [(one.action, one.actor, one.detail) for one in trail] == [
        (f"watch.{act}", desk.person, {"module": "Deals"}) for act in ("open", "renew", "stop")
    ]


def test_channels_of_other_modules_are_left_alone(desk: EditDesk, bystander: Bystander) -> None:
    ask(desk, "open", "Leads")
    before = channels(desk).values().get()
    shown = upstream(desk)
    for act in ("open", "renew", "stop"):
        ask(desk, act)
    assert channels(desk).values().get() == before
    assert upstream(desk) == shown


@pytest.mark.parametrize("where", ["after", "before"])
@pytest.mark.parametrize("act", ["open", "renew", "stop"])
def test_a_lost_answer_is_sent_no_second_time_and_settled_by_the_next_reading(
    desk: EditDesk, act: str, where: str
) -> None:
    if act != "open":
        ask(desk, "open")
    desk.clock.advance(600)
    sent = len(requests(desk))
    desk.lose = lambda: where
    assert ask(desk, act).state == "unknown"
    desk.lose = lambda: ""
    assert len(requests(desk)) == sent + 1
    assert channels(desk).get().open_act == act
    again = ask(desk, act)
    assert (again.state, len(requests(desk))) == ("refused", sent + 1), "the answer is still to come"

    desk.clock.advance(121)
    desk.sync()
    if act == "stop":
        assert not channels(desk).exists()
        assert upstream(desk) == {}
    else:
        row = channels(desk).get()
        assert row.open_act == ""
        assert set(upstream(desk)) == {row.channel_id}
        assert row.expires_at is not None
        assert row.expires_at > desk.clock()
    if where == "after":
        assert len(requests(desk)) == sent + 1, "what was done is not asked for again"


def test_a_process_that_dies_with_its_request_leaves_an_open_question(desk: EditDesk) -> None:
    desk.lose = lambda: "dies_after"
    with pytest.raises(Crash):
        ask(desk, "open")
    desk.lose = lambda: ""
    assert channels(desk).get().open_act == "open"
    desk.clock.advance(121)
    desk.sync()
    assert channels(desk).get().expires_at is not None
    assert requests(desk) == ["POST"]


def test_a_refusal_is_told_kept_and_tried_again_by_the_worker_only(desk: EditDesk) -> None:
    desk.lose = lambda: "refused"
    found = ask(desk, "open")
    assert found.state == "refused"
    assert "NO_PERMISSION" in found.words
    row = channels(desk).get()
    assert (row.open_act, row.refused_at, row.tries) == ("", desk.clock(), 1)
    assert row.retry_at == desk.clock() + timedelta(minutes=1)


def test_what_nothing_was_done_of_leaves_no_refusal(desk: EditDesk) -> None:
    desk.lose = lambda: "busy"
    found = ask(desk, "open")
    assert (found.state, found.words.startswith("Nothing was done")) == ("refused", True)
    row = channels(desk).get()
    assert (row.open_act, row.reason, row.tries) == ("", "", 0)


def test_a_channel_that_zoho_has_forgotten_counts_as_stopped_and_is_opened_again_after_a_renewal(
    desk: EditDesk,
) -> None:
    for act in ("renew", "stop"):
        ask(desk, "open")
        for row in list(desk.world.store.collection("watch")):
            desk.world.store.remove("watch", row)
        found = ask(desk, act)
        if act == "renew":
            assert found.state == "refused"
            assert channels(desk).get().expires_at is None
            desk.sync()
            assert channels(desk).get().expires_at is not None
        else:
            assert found.state == "done"
    assert not channels(desk).exists()


def test_the_worker_keeps_to_what_people_chose_by_hand(desk: EditDesk) -> None:
    ask(desk, "open")
    desk.sync()
    assert [row.module for row in channels(desk)] == ["Deals"], "one module is watched, though not all are"
    watch(desk.account, on=True, actor=desk.person, now=desk.clock())
    assert not own(WatchChoice).exists(), "the switch for all ends what was chosen for one"
    desk.clock.advance(400)
    desk.sync()
    modules = {row.module for row in channels(desk)}
    assert modules == set(
        WorkflowRule.objects.filter(account=desk.account, active=True).values_list("module", flat=True)
    )
    ask(desk, "stop")
    desk.clock.advance(400)
    desk.sync()
    assert {row.module for row in channels(desk)} == modules - {"Deals"}


def test_a_channel_with_an_open_request_is_neither_opened_nor_renewed_nor_closed(account: ZohoAccount) -> None:
    now = factories.NOON
    rows = [
        WatchChannel(module="Leads", open_act="open"),
        WatchChannel(
            module="Leads", open_act="renew", granted_at=now - timedelta(days=6), expires_at=now + timedelta(1)
        ),
        WatchChannel(module="Gone", open_act="stop", granted_at=now, expires_at=now + timedelta(1)),
    ]
    found = plan(rows, {"Leads"}, now)
    assert (found.open, found.renew, found.close) == ([], [], [])


def test_what_there_is_no_channel_of_is_not_asked_about(desk: EditDesk) -> None:
    for act in ("renew", "stop"):
        assert ask(desk, act) == ByHandAnswer("refused", "There is no channel of Deals.")
    assert requests(desk) == []


@pytest.mark.parametrize("lacks", ["crm", "https", "active"])
def test_what_cannot_be_is_refused_before_anything_is_written(desk: EditDesk, lacks: str, settings: Any) -> None:
    account = desk.account
    if lacks == "https":
        settings.PUBLIC_URL = "http://127.0.0.1"
    account.crm_url = "" if lacks == "crm" else account.crm_url
    account.is_active = lacks != "active"
    with pytest.raises(EndpointRefused):
        choose_module(account, "Deals", "open", actor=desk.person, now=desk.clock())
    assert not own(WatchChoice).exists()
    assert not own(AuditEntry).filter(action__startswith="watch.").exists()
    assert one_channel.LONGEST_CALL < 45
