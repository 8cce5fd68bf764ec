"""Run by test_many_processes: processes of their own that need an access token at the same moment.

Takes one JSON object: `base_url`, `client_id`, `client_secret`, `refresh_token`, `count`. Prints one with the
outcomes. It is a program, not a test: the processes are forked from here, where no test's database is open.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import django


def now() -> datetime:
    return datetime.now(UTC)


def expire() -> None:
    from monitor.models import ApiToken

    ApiToken.objects.update(expires_at=now() - timedelta(seconds=1), access_token="1000.expired", refreshes=[])


def by_monitor(account: Any) -> str:
    from monitor.connection import open_account

    with open_account(account) as clients:
        return clients.tokens.current()


def by_store(account: Any) -> str:
    from monitor.connection.token_store import TokenStore

    found = TokenStore().usable(str(account.token.pk))
    return found.access_token if found is not None else ""


def one_of_many(number: int, barrier: Any, results: Any) -> None:
    """Half of them are the monitor's own, half another script's on the token store."""
    from monitor.models import ZohoAccount

    account = ZohoAccount.objects.select_related("token").get()
    barrier.wait(30)
    try:
        results.put((by_monitor if number % 2 else by_store)(account))
    except Exception as problem:  # noqa: BLE001 - the test looks at whatever it was
        results.put(f"{type(problem).__name__}: {problem}")


def killed_before_saving() -> None:
    from monitor.connection.tokens import DatabaseTokens
    from monitor.models import ZohoAccount

    DatabaseTokens._save = lambda *args: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign,assignment]
    by_monitor(ZohoAccount.objects.get())


def after_the_kill() -> dict[str, Any]:
    """The next one, on a clock that only its own waiting moves: how long until it has a token?"""
    from monitor.connection.tokens import DatabaseTokens
    from monitor.models import ZohoAccount
    from monitor.zoho import OAuthClient, Origins, Transport, Wait

    account, waited = ZohoAccount.objects.get(), [0.0]

    def pause(seconds: float) -> None:
        waited[0] += seconds

    begun = now()
    with Transport(allow_loopback=True) as transport:
        origins = Origins(account.accounts_url, None, None)
        oauth = OAuthClient(transport, origins, account.client_id, account.client_secret)
        tokens = DatabaseTokens(account, oauth, lambda: begun + timedelta(seconds=waited[0]), pause=pause)
        while waited[0] < 600:
            try:
                return {"token": tokens.current(), "waited": waited[0]}
            except Wait as told:
                pause(told.retry_after or 1.0)
    return {"token": "", "waited": waited[0]}


def main(given: dict[str, Any]) -> dict[str, Any]:
    from django.apps import apps
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    from tests.factories import make_account

    # The tables as the models have them: migrations have tests of their own and take seconds.
    settings.MIGRATION_MODULES = {config.label: None for config in apps.get_app_configs()}
    call_command("migrate", run_syncdb=True, verbosity=0)
    url = given["base_url"]
    account = make_account(
        "Acme",
        accounts_url=url,
        crm_url=url,
        flow_url=url,
        client_id=given["client_id"],
        client_secret=given["client_secret"],
    )
    account.token.refresh_token = given["refresh_token"]
    account.token.save()
    expire()
    connections.close_all()
    forked = multiprocessing.get_context("fork")
    barrier, results = forked.Barrier(given["count"]), forked.Queue()
    children = [forked.Process(target=one_of_many, args=(n, barrier, results)) for n in range(given["count"])]
    for child in children:
        child.start()
    tokens = [results.get(timeout=60) for _ in children]
    for child in children:
        child.join()
    expire()
    connections.close_all()
    victim = forked.Process(target=killed_before_saving)
    victim.start()
    victim.join()
    return {"tokens": tokens, "killed_by": -(victim.exitcode or 0), "after": after_the_kill()}


if __name__ == "__main__":
    django.setup()
    print(json.dumps(main(json.loads(sys.argv[1]))))
