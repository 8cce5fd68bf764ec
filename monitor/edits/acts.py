"""Says what can be done to what, in words, and how it is undone. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.languages import gettext_noop
from monitor.models import Edit

Act, Subject = Edit.Act, Edit.Subject


@dataclass(frozen=True, slots=True)
class ActKind:
    """Describes an act on a kind of thing.

    Attributes:
        label: on its button.
        asks: what the page asks before it is done, with {name} for the thing.
        past: what has been done, for the trail and lists.
        runs_work: whether it starts somebody's work, so that it cannot be undone and leaves no trace to settle it by.
        is_final: whether what was there is lost at Zoho.
        is_switch: whether it only switches the thing on or off.
    """

    label: str
    asks: str
    past: str
    runs_work: bool = False
    is_final: bool = False
    is_switch: bool = False


_SWITCH = {
    Act.ACTIVATE: ActKind(gettext_noop("Activate"), gettext_noop("Activate {name}?"), "activated", is_switch=True),
    Act.DEACTIVATE: ActKind(
        gettext_noop("Deactivate"), gettext_noop("Deactivate {name}?"), "deactivated", is_switch=True
    ),
}
_COMMON = {
    **_SWITCH,
    Act.DESCRIBE: ActKind(
        gettext_noop("Rename or describe"), gettext_noop("Rename or describe {name}"), "renamed or described"
    ),
    Act.CREATE: ActKind(gettext_noop("Create"), gettext_noop("Create {name}"), "created"),
    Act.DELETE: ActKind(gettext_noop("Delete"), gettext_noop("Delete {name} in Zoho?"), "deleted", is_final=True),
}
KINDS: dict[tuple[str, str], ActKind] = {
    **{(Subject.RULE, act): kind for act, kind in _COMMON.items()},
    (Subject.RULE, Act.CHANGE): ActKind(
        gettext_noop("Change criteria and actions"), gettext_noop("Change {name}"), "changed"
    ),
    (Subject.ORDER, Act.REORDER): ActKind(
        gettext_noop("Reorder"), gettext_noop("Reorder the rules of {name}"), "reordered"
    ),
    **{(Subject.CONNECTED, act): kind for act, kind in _COMMON.items()},
    (Subject.FLOW, Act.ACTIVATE): ActKind(gettext_noop("Enable"), gettext_noop("Enable {name}?"), "enabled"),
    (Subject.FLOW, Act.DEACTIVATE): ActKind(gettext_noop("Disable"), gettext_noop("Disable {name}?"), "disabled"),
    (Subject.FLOW, Act.TEST_TRIGGER): ActKind(
        gettext_noop("Test the trigger"), gettext_noop("Test the trigger of {name}?"), "trigger tested", runs_work=True
    ),
    (Subject.FLOW, Act.TEST_ACTIONS): ActKind(
        gettext_noop("Test the actions"), gettext_noop("Run the actions of {name}?"), "actions tested", runs_work=True
    ),
}


def kind_of(subject: str, act: str) -> ActKind:
    """Returns what an act is.

    Raises:
        KeyError: nothing of this kind can be done to it.
    """
    return KINDS[(subject, act)]


def scopes_of(subject: str, act: str) -> tuple[str, ...]:
    """Returns the scopes that an act needs (docs/reference/zoho-crm.md and zoho-flow.md, "Scopes")."""
    if subject == Subject.FLOW:
        return ("ZohoFlow.actions.ALL",) if act == Act.TEST_ACTIONS else ("ZohoFlow.flows.ALL",)
    verb = {Act.CREATE: "CREATE", Act.DELETE: "DELETE"}.get(Act(act), "UPDATE")
    of = "connected_workflows" if subject == Subject.CONNECTED else "workflow_rules"
    return (f"ZohoCRM.settings.{of}.{verb}",)


def undo_of(subject: str, act: str) -> str | None:
    """Returns the act that takes another back; None where there is none.

    A deleted rule is made anew, under another id; the order of rules is shown nowhere, so that nobody knows the former.
    """
    if subject == Subject.CONNECTED and act == Act.DELETE:
        return None  # nodes and rules of it are not kept, so that what would come back is another thing
    found = {
        Act.ACTIVATE: Act.DEACTIVATE,
        Act.DEACTIVATE: Act.ACTIVATE,
        Act.DESCRIBE: Act.DESCRIBE,
        Act.CHANGE: Act.CHANGE,
        Act.CREATE: Act.DELETE,
        Act.DELETE: Act.CREATE,
    }.get(Act(act))
    return found.value if found is not None else None
