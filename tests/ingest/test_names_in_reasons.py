"""What a sweep says of a thing names it as its page does: an address in a name is in no reason, on no page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from monitor.models import StreamState, SyncState, User, ZohoAccount
from monitor.zoho.errors import BadAnswer, NotAvailable, Refused, ZohoError
from tests.bystander import own
from tests.commands.commandline import run
from tests.fake_zoho import FakeFlow, Run, Zoho, a_connected, a_rule, a_task, a_usage, sync

ADDRESS = "quilla.zorn@example.com"
NAME = f"Mails of {ADDRESS} to the desk"
SHOWN = "Mails of [e-mail] to the desk"


def lost_run(zoho: Zoho) -> None:
    zoho.flows[0].runs.pop()
    zoho.flows[0].before = (3, 0)


def refused(what: str, error: ZohoError) -> Callable[[Zoho], None]:
    def refuse(zoho: Zoho) -> None:
        def raise_it(number: int, call: str) -> None:
            if call.startswith(what):
                raise error

        zoho.before_call = raise_it

    return refuse


TROUBLES: dict[str, Callable[[Zoho], None]] = {
    "a hole": lost_run,
    "executions": refused("executions", NotAvailable("no", status=403)),
    "usage": refused("usage", Refused("not for this trigger")),
    "usage, unreadable": refused("usage", BadAnswer("no counters")),
    "definitions": refused("flow ", BadAnswer("no flow")),
}


@pytest.mark.django_db
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_reason_names_nobody_whom_the_thing_itself_hides(
    account: ZohoAccount, zoho: Zoho, signed_in: Any, vera: User, trouble: str
) -> None:
    runs = [Run(zoho.clock() - timedelta(hours=n)) for n in range(1, 6)]
    zoho.flows.append(FakeFlow(name=NAME, runs=runs))
    zoho.rules.append(a_rule(NAME))
    zoho.usage = {rule["id"]: a_usage() for rule in zoho.rules}
    zoho.connected.append(a_connected(NAME))
    if trouble in ("a hole", "executions"):
        sync(account, zoho)
        sync(account, zoho)
        zoho.clock.pause(3600)
        zoho.flows[0].runs.append(Run(zoho.clock() - timedelta(minutes=2)))
    TROUBLES[trouble](zoho)
    said: list[str] = []
    for patience in (None, a_task(zoho)):
        found = sync(account, zoho, patience=patience)
        said += [*found.missing, *found.unreadable, own(SyncState).get().reason]
        said += own(StreamState).values_list("reason", flat=True)
    assert SHOWN in " ".join(said)
    assert "quilla" not in " ".join(said)
    assert "quilla" not in run("status").out
    for address in ("/", "/flows/", "/rules/", account.get_absolute_url()):
        assert "quilla" not in signed_in(vera).get(address).content.decode()
