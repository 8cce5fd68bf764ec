"""Says what was found of a connection, for mails and pages. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.alerting.kinds import phrases

if TYPE_CHECKING:
    from datetime import tzinfo

    from monitor.alerting.kinds.connection.condition import ConnectionDown
    from monitor.alerting.kinds.interface import Evaluation


def title(condition: ConnectionDown) -> str:
    """Returns what is asked for, as the name of a rule."""
    return "A connection does not work"


def describe(condition: ConnectionDown, evaluation: Evaluation, zone: tzinfo) -> str:
    """Returns what was found, in one sentence without a full stop.

    Args:
        condition: what was asked.
        evaluation: what was found.
        zone: by whose clock times are said.
    """
    numbers, texts = evaluation.numbers, evaluation.texts
    said = []
    if numbers["is_broken"]:
        said.append(f"Zoho calls it “{texts['status']}”")
    if numbers["is_refused"]:
        refused, failed = int(numbers["refused"]), int(numbers["failed"])
        said.append(f"the sign-in of {refused:,} of {phrases.runs(failed)} that failed at its app was refused")
    if not said:
        return f"Zoho calls it “{texts['status']}”, and no sign-in is refused" if texts["status"] else "it works"
    if evaluation.began_at is not None:
        said.append(f"since {phrases.clock(evaluation.began_at, zone)}")
    if numbers["beside"] and not numbers["is_broken"]:
        said.append("its app has more than one connection")
    flows = int(numbers["flows"])
    if flows:
        said.append(f"{flows:,} {'flow uses' if flows == 1 else 'flows use'} its app: {texts['flows']}")
    return "; ".join(said)
