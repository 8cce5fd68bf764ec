"""Says what was found of a mirror, for mails and pages. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.alerting.kinds import phrases
from monitor.alerting.kinds.interface import ConditionState

if TYPE_CHECKING:
    from datetime import tzinfo

    from monitor.alerting.kinds.interface import Evaluation
    from monitor.alerting.kinds.mirror.condition import MirrorBehind


def title(condition: MirrorBehind) -> str:
    """Returns what is asked for, as the name of a rule."""
    return "The mirror does not follow Zoho"


def describe(condition: MirrorBehind, evaluation: Evaluation, zone: tzinfo) -> str:
    """Returns what was found, in one sentence without a full stop.

    Args:
        condition: what was asked.
        evaluation: what was found.
        zone: by whose clock times are said.
    """
    label, reason = evaluation.texts["label"], evaluation.texts["reason"].rstrip(".")
    if evaluation.found is not ConditionState.BREACHED:
        return f"the mirror is {label[:1].lower()}{label[1:]}"
    said = f"{label}: {reason}" if reason else label
    if evaluation.began_at is None:
        return said
    return f"{said}; since {phrases.clock(evaluation.began_at, zone)}"
