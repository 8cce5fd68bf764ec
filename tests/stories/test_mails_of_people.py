"""A problem is given to somebody; processes that send the mail die at two places, and it arrives all the same."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.models import Delivery, Occasion, Problem, ZohoAccount
from tests import factories
from tests.notify.sink import Sink, free_port, listening
from tests.realprocess import ALIAS, Stage, rows, second_connection, throw_away_database, wait_for

pytestmark = pytest.mark.story
SENDS = ("shell", "--no-imports", "-v0", "-c", "from monitor.pipeline import deliver; deliver()")
LONG_AGO = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


class Mute(Sink):
    """A server that takes the mail and never says so."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        await asyncio.sleep(600)
        return "250 OK"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def stage(tmp_path: Path, django_db_blocker: Any, port: int) -> Iterator[Stage]:
    with throw_away_database(tmp_path) as url, django_db_blocker.unblock():
        stage = Stage(tmp_path, url, EMAIL_URL=f"smtp://127.0.0.1:{port}")
        stage.migrate()
        with second_connection(url):
            try:
                yield stage
            finally:
                stage.close()
        assert stage.left() == []


def make_problem() -> Problem:
    account = ZohoAccount.objects.using(ALIAS).create(name="Acme", data_center="eu", client_id="1000.ACME")
    at = factories.NOON
    seen = {"first_seen_at": at, "last_seen_at": at, "state_since": at}
    return Problem.objects.using(ALIAS).create(account=account, title="It failed", remedy="unknown", **seen)


def kill_while_sending(stage: Stage, taken: Any) -> None:
    """Starts to send, waits until the mail is on its way, and ends the process as a power cut would."""
    process = stage.start(*SENDS)
    wait_for("a mail on its way", lambda: rows(Delivery, state="sending").exists() and taken(), timeout=60)
    process.kill()
    process.wait()
    # Its lease runs out after some minutes, which nobody here waits for.
    assert rows(Delivery, state="sending").update(lease_until=LONG_AGO) == 1


def test_a_mail_survives_the_death_of_its_senders_and_arrives_twice_at_most_as_one_message(
    stage: Stage, port: int
) -> None:
    problem = make_problem()
    stage.must(
        *("createsuperuser", "--noinput", "--username", "otto", "--email", "otto@example.com"),
        DJANGO_SUPERUSER_PASSWORD="a-password-for-this-story-only",
    )
    stage.must("problems", "assign", str(problem.pk), "--owner", "otto")
    assert rows(Occasion).get().dispatch_state == "new"

    with socket.create_server(("127.0.0.1", port), backlog=5):  # takes connections and says nothing
        kill_while_sending(stage, lambda: True)
    mute = Mute()
    with listening(mute, port):
        kill_while_sending(stage, lambda: mute.mails)
    sink = Sink()
    with listening(sink, port):
        stage.must(*SENDS)
        stage.must(*SENDS)

    assert [mail["Subject"] for mail in sink.mails] == ["[Yours] It failed"]
    assert {mail["Message-ID"] for mail in [*mute.mails, *sink.mails]} == {rows(Delivery).get().message_id}
    assert len(mute.mails) == 1
    assert (rows(Delivery).get().state, rows(Delivery).get().attempts) == ("sent", 3)
