"""Asks for how often "failing now" may alarm falsely, and what it is to find fastest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from monitor.alerting.kinds.failing_now.condition import (
    LEAST_FALSE_ALERTS,
    MOST_RUNS,
    SHORTEST_RUN_LENGTH,
    FailingNow,
)
from monitor.alerting.kinds.failing_now.healthy_level import HIGHEST
from monitor.alerting.kinds.failing_now.words import delays
from monitor.alerting.kinds.options_form import OptionsForm

if TYPE_CHECKING:
    from monitor.alerting.kinds.interface import Condition

USUAL_FALSE_ALERTS = 1.0
TYPICAL = 0.03  # share that fails of a healthy flow of which nothing is known


class FailingNowForm(OptionsForm):
    """Asks for the budget of false alerts, and which change is worth waking somebody for."""

    kind = FailingNow.kind
    title = "Failing now"
    notices = "Notices within a few runs that a flow fails more often than it usually does."
    fits = "Right for nearly every flow: it learns what is usual from the flow's own last 90 days."
    order = 20

    false_alerts = forms.FloatField(
        label="False alerts a month, at most",
        min_value=LEAST_FALSE_ALERTS,
        max_value=1_000,
        required=False,
        initial=USUAL_FALSE_ALERTS,
        help_text="Over all flows of this rule. Every night the number below is raised as far as their pace of the "
        "last 28 days asks for. Empty: only the number below counts.",
    )
    run_length = forms.IntegerField(
        label="Runs between two false alerts",
        min_value=SHORTEST_RUN_LENGTH,
        max_value=MOST_RUNS,
        help_text="A healthy flow alarms falsely once in so many of its runs in the mean, at the most.",
    )
    worth_waking = forms.FloatField(
        label="Worth waking somebody for (% of runs failing)",
        min_value=5,
        max_value=95,
        help_text="This share is found fastest. For a flow that often fails when it is healthy, 20 % more than that.",
    )
    floor = forms.FloatField(
        label="Taken to fail at least (% of runs)",
        min_value=0.1,
        max_value=100 * HIGHEST,
        help_text="A flow that fails less often when it is healthy is taken to fail so often.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rule = getattr(self, "instance", None)
        if rule is not None and rule.pk:
            self.initial.setdefault("false_alerts", None)  # a rule without a budget keeps having none

    def told(self, condition: Condition) -> list[str]:
        """Says from the exact run length how soon it finds what, and how often it alarms falsely."""
        if not isinstance(condition, FailingNow):
            return []
        condition = condition.at_pace(self.usual.runs_a_month)
        healthy = min(max(self.usual.failing or TYPICAL, condition.floor / 100), HIGHEST)
        found = delays(condition, healthy)
        told = [f"Where {100 * healthy:.1f} % of the runs usually fail, {found}."]
        if self.usual.runs_a_month:
            months = condition.run_length / self.usual.runs_a_month
            told.append(f"At the usual pace of its flows: at most one false alert in {_months(months)}.")
            if condition.false_alerts is not None:
                told.append(f"For that it lets {condition.run_length:,} runs lie between two of them.")
        return told


def _months(months: float) -> str:
    if months < 1:
        return f"{max(round(30 * months), 1)} days"
    return "a month" if months < 1.5 else f"{min(round(months), 1_000):,} months"


FORM = FailingNowForm
