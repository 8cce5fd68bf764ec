"""Opens an account's CRM for a person's question, and finds of which kind the fields of a module are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo

from monitor.connection import AccountClients, open_account
from monitor.connection.organisation import zone_of
from monitor.models import RuleVersion, WorkflowRule
from monitor.privacy import mask_text
from monitor.rule_criteria.coql import is_name
from monitor.rule_criteria.field_kinds import Kinds, kinds_of
from monitor.rule_criteria.of_rule import of_related
from monitor.rule_questions.refusals import NotAnsweredError, sentence_of
from monitor.vault import VaultError
from monitor.zoho.crm import CrmClient
from monitor.zoho.errors import NotAvailable, Refused, ScopeMissing, ZohoError
from monitor.zoho.shapes.rule_definition import RuleDefinition, read_rule_definition

LONGEST_CALL = 10.0  # seconds; a person waits for it
KINDS_UNKNOWN = "Of which kinds the fields are, could not be asked: it is told by the values."


def definition_of(rule: WorkflowRule) -> RuleDefinition | None:
    """Returns the newest mirrored definition; None where none was read. One statement."""
    content = RuleVersion.objects.filter(rule=rule).order_by("-number").values_list("content", flat=True).first()
    return read_rule_definition(content) if content is not None else None


@contextmanager
def crm_of(rule: WorkflowRule) -> Iterator[tuple[CrmClient, tzinfo]]:
    """Opens the rule's account, and closes it at the end.

    Yields:
        The client, and the zone of the organisation's days.

    Raises:
        NotAnsweredError: the account has no CRM, or Zoho did not answer.
    """
    account = rule.account
    clients: AccountClients
    try:
        with open_account(account, priority="people", total=LONGEST_CALL) as clients:
            if clients.crm is None:
                raise NotAnsweredError("The account has no Zoho CRM any more.")
            yield clients.crm, zone_of(account)
    except ZohoError as error:
        raise NotAnsweredError(sentence_of(error), lacks_scope=isinstance(error, ScopeMissing)) from None
    except VaultError as error:
        raise NotAnsweredError(f"The account's sign-in cannot be read: {mask_text(str(error))}") from None


def kinds_in(crm: CrmClient, module: str, notes: list[str]) -> Kinds:
    """Asks of which kinds the fields of a module are; where that is refused it is noted. One call."""
    try:
        fields = crm.list_fields(module).items
    except (ScopeMissing, NotAvailable, Refused):
        notes.append(KINDS_UNKNOWN)
        return {}
    return kinds_of((field.api_name, field.kind) for field in fields)


def module_of(rule: WorkflowRule, definition: RuleDefinition, notes: list[str]) -> str:
    """Returns the module whose records are asked for; that another one's start the rule is noted.

    Raises:
        NotAnsweredError: it is not known.
    """
    if related := of_related(definition):
        notes.append(
            f"A record of {related} starts the rule: the record that it belongs to is asked for, not that one."
        )
    module = definition.module or definition.trigger.module or rule.module
    if not is_name(module):
        raise NotAnsweredError("Zoho does not say of which module the rule is, so that nothing can be asked.")
    return module


def stamp(at: datetime) -> str:
    """Writes a moment as a day, for people."""
    return at.date().isoformat()
