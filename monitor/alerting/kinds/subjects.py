"""Defines how a kind of alert condition is asked whose subject is not a flow's runs. Pure.

Such a kind has a `load` beside its `condition`: it names the subjects of an account with the material that each is
evaluated by. Everything else is as for the kinds over runs (`interface`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from monitor.alerting.kinds.interface import AlertStanding, Evaluation
    from monitor.models import ZohoAccount

# What names a subject kind in `AlertState.subject_kind`, and in links.
ACCOUNT, CONNECTION, CRM_RULE, PROBLEM = "account", "connection", "crm_rule", "problem"


@dataclass(frozen=True, slots=True)
class AlertSubject:
    """Names what an alert is about where it is no flow.

    Attributes:
        kind: one of the constants above.
        key: its primary key, as text.
        name: for everybody's eyes: masked.
    """

    kind: str
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class SubjectMaterial:
    """Holds a subject with what it is evaluated by.

    Attributes:
        subject: which.
        material: as the kind's condition takes it.
        unread: why it cannot be evaluated by what is mirrored; empty where it can.
    """

    subject: AlertSubject
    material: Any
    unread: str = ""


class SubjectCondition(Protocol):
    """Evaluates one subject. An implementation is a frozen dataclass of its options."""

    kind: ClassVar[str]

    def evaluate(self, material: Any, at: datetime, standing: AlertStanding) -> Evaluation:
        """Returns what is found of the material at a moment."""
        ...


class SubjectLoader(Protocol):
    """Is a kind's `load.subjects`."""

    def __call__(
        self, account: ZohoAccount, conditions: Sequence[Any], now: datetime, stale: str
    ) -> list[SubjectMaterial]:
        """Returns the subjects of an account, in few statements however many they are.

        Args:
            account: whose.
            conditions: of the kind's enabled rules.
            now: the time of the evaluation.
            stale: why the account's mirror is too old to go by; empty while it is not.
        """
        ...
