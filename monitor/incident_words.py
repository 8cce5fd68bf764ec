"""Says in words what an incident is about, masked, for pages and mails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from monitor.error_classes import CLASSES
from monitor.languages import gettext as _
from monitor.languages import gettext_noop
from monitor.models import AlertState, Incident, Problem
from monitor.models.asking import Asking, answered, ask
from monitor.privacy import mask_name, mask_text
from monitor.sentences import inside

Cause = Incident.Cause
_PLAIN = {
    Cause.ACCOUNT: gettext_noop("the whole account"),
    Cause.TIME: gettext_noop("they began together"),
    Cause.FIRST: gettext_noop("found by the first look"),
    Cause.ALONE: "",
}


def causes_in_words(incidents: Iterable[Incident], known: Mapping[int, str] | None = None) -> dict[int, str]:
    """Returns what the alerts of incidents have in common, by their keys. One statement at most.

    Args:
        incidents: which.
        known: titles of problems that are read already, by their keys.
    """
    return answered(ask_causes(list(incidents), known))


def ask_causes(rows: Sequence[Incident], known: Mapping[int, str] | None = None) -> Asking[dict[int, str]]:
    """Asks for what `causes_in_words` returns."""
    titles = dict(known or {})
    problems = {int(row.cause_key) for row in rows if row.cause == Cause.PROBLEM and row.cause_key.isdigit()}
    if unknown := problems - titles.keys():
        titles |= dict((yield from ask(Problem.objects.filter(pk__in=unknown).order_by().values_list("pk", "title"))))
    return {row.pk: _in_words(row, titles) for row in rows}


def _in_words(incident: Incident, titles: dict[int, str]) -> str:
    key = incident.cause_key
    if incident.cause == Cause.CONNECTION:
        return _("the sign-in to %(app)s does not work") % {"app": mask_name(key)}
    if incident.cause == Cause.PROBLEM:
        return mask_text(titles.get(int(key), "")) or _("one problem")
    if incident.cause == Cause.ERROR:
        app, __, error = key.rpartition(": ")
        return f"{mask_name(app)}: {inside(CLASSES.get(error, error))}"
    words = _PLAIN[Cause(incident.cause)]
    return _(words) if words else ""


def title_of(alerts: Sequence[AlertState], cause: str) -> str:
    """Returns an incident's name for one line: its one alert's subject, or how many there are and what they share.

    Args:
        alerts: of the incident.
        cause: what they have in common, from `causes_in_words`.
    """
    names = list(dict.fromkeys(alert.shown_name for alert in alerts))
    if len(names) == 1:
        return names[0]
    are_flows = all(alert.flow_id is not None for alert in alerts)
    words = (_("%(n)s flows") if are_flows else _("%(n)s subjects")) % {"n": len(names)}
    return f"{words}: {cause}" if cause else words
