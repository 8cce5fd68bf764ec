"""Shows what a flow, a rule or a connected workflow was made of, version by version, masked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import F, Model

from monitor.languages import gettext as _
from monitor.languages import gettext_noop
from monitor.models import (
    ConnectedVersion,
    ConnectedWorkflow,
    DefinitionVersion,
    Flow,
    FlowVersion,
    RuleVersion,
    WorkflowRule,
)
from monitor.models.asking import Asking, answered, ask
from monitor.models.prepared import Prepared
from monitor.privacy import HIDDEN, is_private_key, mask, without_digests
from monitor.queries.execution import as_text

SHOWN = 30
LONGEST_VALUE = 4000  # characters of one value; the whole definition stands below the changes
KINDS = {
    "added": gettext_noop("Added"),
    "removed": gettext_noop("Removed"),
    "changed": gettext_noop("Changed"),
    "moved": gettext_noop("Another order"),
    "secret": gettext_noop("Secret changed"),
}


@dataclass(frozen=True)
class Versions:
    """Holds a thing's newest versions, the newest first, and how many there are."""

    rows: list[Any]
    total: int

    @property
    def more(self) -> int:
        return self.total - len(self.rows)


@dataclass(frozen=True)
class ChangeText:
    """Holds one changed field: where, how, and what stood and stands there, masked; "" where nothing did."""

    path: str
    kind: str
    before: str
    after: str

    @property
    def label(self) -> str:
        return _(KINDS.get(self.kind, self.kind))


@dataclass(frozen=True)
class VersionDetail:
    """Shows one version with its changes and its whole content, masked. `newer`, `older`: its neighbours' numbers."""

    version: Any
    changes: list[ChangeText]
    content: str
    content_cut: bool
    older: int | None
    newer: int | None

    @property
    def left_out(self) -> int:
        """Changes that are counted, but not kept one by one."""
        return int(self.version.change_count) - len(self.changes)


@dataclass(frozen=True)
class LastChange:
    """Holds the newest version of a thing, without its content, and the first of its changes; None for a first one."""

    version: Any
    first: ChangeText | None

    @property
    def more(self) -> int:
        """Returns how many changes there are beside the first."""
        return max(int(self.version.change_count) - 1, 0)


_NEWEST = Prepared(lambda flow: FlowVersion.objects.filter(flow=flow).order_by("-number").defer("content")[:1], int)


def last_change(flow: Flow) -> LastChange | None:
    """Returns what was changed last of a flow; None where its definition was not read yet. One statement."""
    return answered(ask_last_change(flow))


def ask_last_change(flow: Flow) -> Asking[LastChange | None]:
    """Asks for what `last_change` returns."""
    newest = next(iter((yield from ask(_NEWEST.question(flow.pk)))), None)
    if newest is None:
        return None
    changes = [change for change in newest.changes if change.get("path")] if newest.number > 1 else []
    return LastChange(newest, change_text(changes[0]) if changes else None)


def _listed(model: type[DefinitionVersion], link: str) -> Prepared[Any]:
    def newest(pk: int) -> Any:
        rows: Any = model._default_manager.filter(**{link: pk})
        # A flow's page asks what starts it: that part of the content, without the rest.
        more = {"trigger": F("content__trigger")} if model is FlowVersion else {}
        return rows.order_by("-number").defer("content", "changes").annotate(**more)[:SHOWN]

    return Prepared(newest, int)


_LISTED = {
    Flow: _listed(FlowVersion, "flow"),
    WorkflowRule: _listed(RuleVersion, "rule"),
    ConnectedWorkflow: _listed(ConnectedVersion, "workflow"),
}


def of(thing: Flow | WorkflowRule | ConnectedWorkflow) -> Versions:
    """Returns the versions of a flow, rule or connected workflow, without their contents. At most two statements."""
    return answered(ask_of(thing))


def ask_of(thing: Flow | WorkflowRule | ConnectedWorkflow) -> Asking[Versions]:
    """Asks for what `of` returns."""
    newest = yield from ask(_LISTED[type(thing)].question(thing.pk))
    return Versions(newest, len(newest) if len(newest) < SHOWN else thing.versions.count())


def detail(thing: Model, number: int) -> VersionDetail | None:
    """Returns one version of a thing; None where there is none of this number."""
    rows = thing.versions.order_by("number")  # type: ignore[attr-defined]
    version: DefinitionVersion | None = rows.filter(number=number).first()
    if version is None:
        return None
    text, cut = as_text(mask(plain(version.content), definition=True))
    return VersionDetail(
        version=version,
        changes=[change_text(change) for change in version.changes],
        content=text,
        content_cut=cut,
        older=rows.filter(number__lt=number).values_list("number", flat=True).last(),
        newer=rows.filter(number__gt=number).values_list("number", flat=True).first(),
    )


def plain(value: Any) -> Any:
    """Returns the same structure with the marks of secrets as people see them. Pure."""
    if isinstance(value, dict):
        return {without_digests(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return without_digests(value) if isinstance(value, str) else value


def change_text(change: dict[str, Any]) -> ChangeText:
    """Returns a stored change for people. Pure.

    Args:
        change: as `monitor.definition_diff.diff` makes them: path, kind, before, after.
    """
    path = [without_digests(str(part)) for part in change.get("path", [])]
    is_private = any(is_private_key(part, definition=True) for part in path if not part.startswith("["))
    place = "".join(part if part.startswith("[") else f".{part}" for part in path).lstrip(".")
    return ChangeText(
        path=str(mask(place, definition=True)),
        kind=str(change.get("kind", "")),
        before=_value(change, "before", is_private=is_private),
        after=_value(change, "after", is_private=is_private),
    )


def _value(change: dict[str, Any], side: str, *, is_private: bool) -> str:
    if side not in change:
        return ""
    if is_private:
        return HIDDEN
    value = mask(plain(change[side]), definition=True)
    text = value if isinstance(value, str) else as_text(value)[0]
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
