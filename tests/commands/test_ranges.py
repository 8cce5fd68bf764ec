"""A number that an option does not allow: the range is said, before anything is done."""

from __future__ import annotations

import pytest

from monitor.models import RetryAttempt
from tests.bystander import own
from tests.commands.commandline import run
from tests.factories import make_account, make_execution, make_flow

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "86401"])
def test_how_long_a_retry_is_followed(value: str) -> None:
    execution = make_execution(make_flow(make_account()), status="failed")

    ended = run("retry", execution.execution_id, "--reason=again", f"--follow={value}")

    assert ended.error == "--follow must be between 0 and 86400"
    assert not own(RetryAttempt).exists()


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "3601"])
def test_how_long_running_tasks_have_at_the_workers_end(value: str) -> None:
    assert run("worker", f"--grace={value}").error == "--grace must be between 0 and 3600"


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("port", "65536", "--port must be between 0 and 65535"),
        ("flows", "-1", "--flows must be between 0 and 100000"),
        ("rules", "100001", "--rules must be between 0 and 100000"),
        ("executions", "-5", "--executions must be between 0 and 100000000"),
        ("history-days", "0", "--history-days must be between 1 and 3650"),
        ("flow-goes-bad-after", "nan", "--flow-goes-bad-after must be between 0 and 31536000"),
    ],
)
def test_how_large_the_stand_in_may_be(option: str, value: str, said: str) -> None:
    assert run("standin", f"--{option}={value}").error == said
