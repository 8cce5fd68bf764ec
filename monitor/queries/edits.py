"""Finds people's changes of automation, and puts one into the words of its page, masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from monitor.definition_diff import definition, diff
from monitor.languages import gettext as _
from monitor.models import ConnectedWorkflow, Edit, Flow, WorkflowRule
from monitor.models.asking import Asking, answered, ask
from monitor.models.prepared import Prepared
from monitor.privacy import mask, mask_name
from monitor.queries.execution import as_text
from monitor.queries.shown_names import shows
from monitor.queries.versions import ChangeText, change_text, plain

SHOWN = 5
MOST_CHANGES = 100


@dataclass(frozen=True)
class EditFilter:
    """Holds what a person looks for; empty values do not narrow.

    Attributes:
        state: of `Edit.State`, or "open".
        act: of `Edit.Act`.
    """

    text: str = ""
    state: str = ""
    act: str = ""
    account_id: int | None = None


@dataclass(frozen=True)
class EditDetail:
    """Holds one edit for its page.

    Attributes:
        edit: with account and person.
        name: of the thing, as it is shown.
        url: of the thing's page; "" where it is not mirrored.
        changes: what it changes of the definition, in the order of the paths.
        changes_cut: how many more there are.
        body: what is sent, as JSON.
        result: what was read back, as JSON.
        undone_by: edits that take it back, the newest first.
    """

    edit: Edit
    name: str
    url: str
    changes: list[ChangeText]
    changes_cut: int
    body: str
    result: str
    undone_by: list[Edit]


def all_edits() -> QuerySet[Edit]:
    """Returns edits with the joins that a page needs."""
    rows = Edit.objects.select_related("account", "requested_by", "undoes")
    return rows.defer("account__client_secret")


def search(wanted: EditFilter) -> QuerySet[Edit]:
    """Returns the edits that fit, the newest first."""
    rows = all_edits().defer("body", "base", "wanted", "result", "account__client_secret")
    if wanted.text:
        rows = rows.filter(shows(Edit.objects.all(), wanted.text, "name") | Q(subject_id=wanted.text))
    if wanted.state == "open":
        rows = rows.filter(state__in=Edit.OPEN_STATES)
    elif wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.act:
        rows = rows.filter(act=wanted.act)
    if wanted.account_id is not None:
        rows = rows.filter(account_id=wanted.account_id)
    return rows.order_by("-requested_at", "-pk")


def of_thing(account_id: int, subject: str, subject_id: str) -> list[Edit]:
    """Returns the newest edits of a thing. One statement."""
    return answered(ask_of_thing(account_id, subject, subject_id))


def ask_of_thing(account_id: int, subject: str, subject_id: str) -> Asking[list[Edit]]:
    """Asks for what `of_thing` returns."""
    return (yield from ask(_OF_THING.question(account_id, str(subject), subject_id)))


def _newest_of(account_id: int, subject: str, subject_id: str) -> QuerySet[Edit]:
    rows = Edit.objects.filter(account=account_id, subject=subject, subject_id=subject_id).order_by("-pk")
    shown = ("act", "subject", "state", "requested_at", "answer", "requested_by__username")
    return rows.select_related("requested_by").only(*shown)[:SHOWN]


_OF_THING = Prepared(_newest_of, int, str, str)


def detail(edit: Edit) -> EditDetail:
    """Returns one edit in the words of its page. At most two statements."""
    changes = changes_of(edit.base, edit.wanted) if edit.act not in ("delete", "reorder", "test_actions") else []
    return EditDetail(
        edit=edit,
        name=shown_name(edit),
        url=_url_of(edit),
        changes=changes[:MOST_CHANGES],
        changes_cut=max(len(changes) - MOST_CHANGES, 0),
        body=shown_json(edit.body),
        result=shown_json(edit.result),
        undone_by=list(edit.undone_by.order_by("-pk").only("state", "act", "subject")[:SHOWN]),
    )


def shown_name(edit: Edit) -> str:
    """Returns the name of the thing for pages: masked, and never empty."""
    return mask_name(edit.name) or edit.subject_id or _("without a name")


def changes_of(base: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[ChangeText]:
    """Returns what differs between two definitions, field by field, masked. Pure."""
    return [change_text(change) for change in diff(definition(base), definition(wanted))]


def shown_json(value: Any) -> str:
    """Returns JSON for people, masked; "" for nothing. Pure."""
    return as_text(mask(plain(value), definition=True))[0] if value else ""


def _url_of(edit: Edit) -> str:
    model: Any = {
        Edit.Subject.RULE: WorkflowRule,
        Edit.Subject.CONNECTED: ConnectedWorkflow,
        Edit.Subject.FLOW: Flow,
    }.get(Edit.Subject(edit.subject))
    key = {WorkflowRule: "rule_id", ConnectedWorkflow: "workflow_id", Flow: "flow_id"}.get(model, "")
    if model is None or not edit.subject_id:
        return ""
    row = model.objects.filter(account=edit.account_id, **{key: edit.subject_id}).only("pk").first()
    return row.get_absolute_url() if row is not None else ""
