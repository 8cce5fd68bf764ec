"""Reads the thing of an edit as it is at Zoho, and what rules of a module may have; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monitor.definition_diff import definition, sha256
from monitor.edits.body import name_key
from monitor.edits.check import KnownFacts, kinds_named, module_of, named_of
from monitor.edits.client import EditClients, OpenForEdits
from monitor.edits.lost_answer import SeenThing
from monitor.hide_secrets import mask_of
from monitor.models import SWITCHED_OFF, Edit, ZohoAccount
from monitor.privacy import SecretMask, mask_text
from monitor.vault import VaultError
from monitor.zoho.crm import CrmClient
from monitor.zoho.crm.actions import ActionKind
from monitor.zoho.errors import BadAnswer, NotFound, ScopeMissing, SignIn, Wait, ZohoError
from monitor.zoho.flow import FlowClient

Subject, Act = Edit.Subject, Edit.Act
NOT_THERE = SeenThing(definition=None)
MOST_PAGES = 5  # of a list of shared actions, while a person waits
MOST_PAGES_OF_RULES = 13  # an organisation has 2,500 rules at most
FULL_PAGE = 200


class NoProduct(Exception):  # noqa: N818 - named for what it says
    """Says that the account has no address for the product whose thing is to be changed."""


def look(edit: Edit, clients: EditClients) -> SeenThing:
    """Returns the thing of an edit as Zoho shows it now; of a creation, what bears its name.

    Raises:
        ZohoError: it could not be asked.
        NoProduct: the account does not have it.
    """
    if edit.subject == Subject.FLOW:
        return _flow(edit, _flow_client(clients))
    crm = crm_client(clients)
    if edit.act == Act.CREATE:
        return _by_name(edit, crm)
    if edit.subject == Subject.ORDER:
        return _order(edit, crm)
    ask = crm.get_workflow_rule if edit.subject == Subject.RULE else crm.get_connected_workflow
    try:
        found = ask(edit.subject_id)
    except NotFound:
        return NOT_THERE
    _same_thing(edit, found.id)
    status = getattr(found, "status", None)
    active = found.active if hasattr(found, "active") else (status == "active" if status else None)
    return seen(found.raw, mask_of(edit.account), active=active, identity=found.id)


def _same_thing(edit: Edit, identity: str) -> None:
    """Makes sure that an answer is about the thing that was asked for: only Zoho's word proves that it is not there.

    Raises:
        BadAnswer: it is about another one, or about nothing.
    """
    if identity != edit.subject_id:
        raise BadAnswer("Zoho's answer is about another thing than was asked for.")


def seen(raw: Mapping[str, Any], mask: SecretMask, *, active: bool | None, identity: str) -> SeenThing:
    """Brings what Zoho sent into the form in which the mirror keeps definitions, so that both can be compared."""
    content = mask.hide(definition(raw))
    return SeenThing(definition=content, sha256=sha256(content), active=active, id=identity)


def facts_for(wanted: Mapping[str, Any], crm: CrmClient) -> KnownFacts:
    """Reads what rules of a module may have, and the lists of the shared actions that a rule names.

    What Zoho does not give (no scope, no such list) is not known, and said to be: it is no objection.

    Raises:
        Wait: the calls are used up for now.
        SignIn: Zoho refuses our credentials.
    """
    module, shared, missing = module_of(wanted), {}, []
    configuration = None
    if module:
        try:
            configuration = crm.workflow_configurations(module)
        except ZohoError as error:
            if not _is_of_the_list(error):
                raise
            missing.append(f"what rules of {module} may have ({error.code or 'no answer'})")
    for kind in kinds_named(wanted):
        try:
            ids = _ids(crm, ActionKind(kind), named_of(wanted, kind))
            if ids is None:
                missing.append(f"the whole list of {kind.replace('_', ' ')} (it is too long)")
            else:
                shared[kind] = ids
        except ZohoError as error:
            if not _is_of_the_list(error):
                raise
            missing.append(f"the list of {kind.replace('_', ' ')} ({error.code or 'no answer'})")
    return KnownFacts(configuration, shared, tuple(missing))


def _is_of_the_list(error: ZohoError) -> bool:
    """Returns whether an error is about one list alone: a missing scope is, a refused sign-in is not."""
    return not isinstance(error, Wait | SignIn) or isinstance(error, ScopeMissing)


def facts_of_account(account: ZohoAccount, wanted: Mapping[str, Any], open_account: OpenForEdits) -> KnownFacts:
    """Reads the same for a page: where Zoho cannot be asked now, nothing is known, and the worker asks before it sends.

    Args:
        account: whose rule it is.
        wanted: the rule's definition.
        open_account: see `client.OpenForEdits`.
    """
    try:
        with open_account(account, priority="people") as clients:
            return facts_for(wanted, crm_client(clients))
    except (ZohoError, VaultError, NoProduct) as error:
        why = mask_text(str(error))[:200]
        return KnownFacts(not_read=(f"anything of Zoho: {why} It is asked again before the change is sent",))


def _ids(crm: CrmClient, kind: ActionKind, named: frozenset[str]) -> frozenset[str] | None:
    """Reads a list of shared actions until those that are named were seen; None where it goes on after that."""
    found: set[str] = set()
    for page in range(1, MOST_PAGES + 1):
        answer = crm.list_actions(kind, page=page)
        found |= {one.id for one in answer.items}
        if not answer.more_records or named <= found:
            return frozenset(found)
    return None


def _flow_client(clients: EditClients) -> FlowClient:
    if clients.flow is None:
        raise NoProduct("The account has no address for Zoho Flow.")
    return clients.flow


def crm_client(clients: EditClients) -> CrmClient:
    """Returns the client of CRM.

    Raises:
        NoProduct: the account has none.
    """
    if clients.crm is None:
        raise NoProduct("The account has no address for Zoho CRM.")
    return clients.crm


def _flow(edit: Edit, flow: FlowClient) -> SeenThing:
    try:
        found = flow.get_flow(edit.subject_id)
    except NotFound:
        return NOT_THERE
    _same_thing(edit, found.flow_id)
    active = found.status not in SWITCHED_OFF if found.status else None
    return seen(found.raw, mask_of(edit.account), active=active, identity=found.flow_id)


def _by_name(edit: Edit, crm: CrmClient) -> SeenThing:
    """Finds what bears the name of what is to be created."""
    rows: list[Any]
    if edit.subject == Subject.CONNECTED:
        rows = list(crm.list_connected_workflows().items)
    else:
        rows = _rules(crm, edit.module, name=edit.name)
    rows = [row for row in rows if name_key(row.name) == name_key(edit.name)]
    if not rows:
        return NOT_THERE
    return SeenThing(definition=definition(rows[0].raw), id=rows[0].id, candidates=len(rows))


def _rules(crm: CrmClient, module: str, *, name: str | None = None) -> list[Any]:
    """Reads the whole list of a module's rules: of a part nobody knows what is not there.

    Raises:
        BadAnswer: the list has no end.
    """
    found: dict[str, Any] = {}
    for page in range(1, MOST_PAGES_OF_RULES + 1):
        answer = crm.list_workflow_rules(page, module=module or None, name_contains=name)
        found |= {rule.id: rule for rule in answer.rules}
        if not answer.more_records and len(answer.rules) < FULL_PAGE:
            return list(found.values())
    raise BadAnswer("Zoho's list of rules goes on after the last page that it can have.")


def _order(edit: Edit, crm: CrmClient) -> SeenThing:
    """Reads the places of a module's rules, where Zoho shows them; no document says that it does."""
    rules = _rules(crm, edit.subject_id)
    places = {rule.id: _place(rule.raw.get("module_specific_sequence")) for rule in rules}
    return SeenThing(definition={}, places=places)


def _place(value: Any) -> int | None:
    return int(value) if isinstance(value, int | str) and str(value).isdigit() else None
