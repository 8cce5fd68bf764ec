"""Sends one wished edit: look first, commit the intent, one request, write down what its end proves.

Source: docs/reference/edits.md, "What an answer to an edit proves" and "Invariants of an edit". No transaction is open
while Zoho is asked. A process that dies at any line leaves a row that says the truth: `wished` when nothing can have
left, `sending` when something may have (the sweep makes `unknown` of that).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from monitor.access import may
from monitor.connection import organisation
from monitor.connection.lost_answer import Proof, proof_of
from monitor.edits.ask_zoho import NOT_THERE, NoProduct, crm_client, facts_for, look
from monitor.edits.body import is_shown_in
from monitor.edits.check import rule_objections
from monitor.edits.client import EditClients, OpenForEdits
from monitor.edits.lost_answer import SeenThing, next_check
from monitor.edits.refusals import explain
from monitor.edits.transition import STATES, amend, load, move, move_late
from monitor.models import Edit
from monitor.privacy import mask_text
from monitor.sent_once import sending
from monitor.sent_once.sending import CalledOffError
from monitor.sent_once.timing import MAX_SENDS, back_off
from monitor.vault import VaultError
from monitor.zoho.errors import BadAnswer, ClientRefused, GrantRevoked, NotFound, Refused, ScopeMissing, ZohoError
from monitor.zoho.read_answer import SERVER_CODES
from monitor.zoho.shapes.crm_common import WriteResult

log = logging.getLogger(__name__)
State, Subject, Act = Edit.State, Edit.Subject, Edit.Act
Clock = Callable[[], datetime]


def send(edit_id: int, *, open_account: OpenForEdits, now_fn: Clock) -> Edit:
    """Sends a wished edit if it is due and still right; anything else is left alone.

    Must not be called inside a transaction: the intent has to be committed before the request.

    Args:
        edit_id: primary key; running it twice, or in two processes, sends once.
        open_account: see `client.OpenForEdits`.
        now_fn: returns the present, aware.

    Returns:
        The edit as this process left it.
    """
    edit = load(edit_id)
    now = now_fn()
    if not sending.is_due(edit, STATES, now):
        return edit
    try:
        _check(edit, now)
        with open_account(edit.account, priority="people") as clients:
            _send_through(edit, clients, now_fn)
    except CalledOffError as reason:
        _call_off(edit, str(reason), now_fn(), code=reason.code)
    except NoProduct as reason:
        _call_off(edit, str(reason), now_fn(), code="not_connected")
    except (GrantRevoked, ClientRefused, ScopeMissing) as error:
        _call_off(edit, f"Nothing was sent: {words_of(error)}. {error.hint}", now_fn(), code="not_connected")
    except (ZohoError, VaultError) as error:
        sending.postpone(STATES, edit, error, mask_text(f"Zoho could not be asked: {words_of(error)}"), now_fn())
    return edit


def _call_off(edit: Edit, reason: str, now: datetime, *, code: str) -> None:
    sending.call_off(STATES, edit, answer=mask_text(reason), note=code, code=code, now=now)


def _check(edit: Edit, now: datetime) -> None:
    """Checks everything that could have changed since the click, from our own tables."""
    if sending.is_expired(edit, now):
        raise CalledOffError(sending.why_expired(edit), "expired")
    if not edit.account.is_active:
        raise CalledOffError("Nothing was sent: the account is paused.", "account_paused")
    if organisation.is_foreign(edit.account):
        text = "Nothing was sent: Zoho answers for another organisation than this account's."
        raise CalledOffError(text, "not_connected")
    if not may(edit.requested_by, "edits", edit.account):
        raise CalledOffError("The person who asked for it may no longer change automation.", "not_permitted")


def _send_through(edit: Edit, clients: EditClients, now_fn: Clock) -> None:
    _compare(edit, look(edit, clients))
    if edit.subject == Subject.RULE and edit.act in (Act.CHANGE, Act.CREATE):
        _check_with_zoho(edit, clients)
    clients.tokens.current()  # before the intent: that a token cannot be had is then known to be harmless
    fresh = Edit.objects.select_related("account", "requested_by").filter(pk=edit.pk).first()
    if fresh is None:
        return
    _check(fresh, now_fn())
    if sending.claim(STATES, edit, edit.requested_by, now_fn()):
        _post(edit, clients, now_fn)


def _compare(edit: Edit, seen: SeenThing) -> None:
    """Compares what Zoho shows right before the request with what the person saw.

    Raises:
        CalledOffError: it was changed or deleted in Zoho meanwhile, or is there already; nothing is lost.
    """
    if edit.act == Act.CREATE:
        if seen.candidates:
            raise CalledOffError("Nothing was sent: there is one of this name in Zoho already.", "name_taken")
        return
    if edit.subject == Subject.ORDER:
        missing = [rule_id for rule_id in edit.wanted if rule_id not in seen.places]
        if missing:
            raise CalledOffError(f"Nothing was sent: Zoho no longer has the rule {missing[0]} there.", "moved")
        return
    if seen.definition is None:
        raise CalledOffError("Nothing was sent: Zoho no longer has it.", "gone")
    if seen.sha256 != edit.base_sha256:
        text = (
            "Nothing was sent: it was changed in Zoho since it was read here. It is read anew: look at it, then decide."
        )
        raise CalledOffError(text, "moved")


def _check_with_zoho(edit: Edit, clients: EditClients) -> None:
    """Asks once more what rules of the module may have: minutes may lie between the page and this.

    Raises:
        CalledOffError: Zoho would refuse it.
    """
    facts = facts_for(edit.wanted, crm_client(clients))
    if objections := rule_objections(edit.base, edit.wanted, facts):
        raise CalledOffError(f"Nothing was sent: {objections[0].message}", objections[0].code)


def _post(edit: Edit, clients: EditClients, now_fn: Clock) -> None:
    """Sends the request and records its end."""
    if sending.is_too_late(edit, now_fn()):
        _not_sent(edit, "this process was too slow to send it", now_fn(), counts=True)
        return
    for client in (clients.crm, clients.flow):
        if client is not None:
            client.sends_writes_once = True
    try:
        made = call(edit, clients)
    except Exception as error:  # noqa: BLE001 - whatever it is: without proof the outcome is unknown
        _record_error(edit, error, now_fn())
        return
    changes: dict[str, Any] = {"answered_at": now_fn(), "answer": "Zoho did it.", "code": "SUCCESS"}
    if edit.act == Act.CREATE and made:
        changes["subject_id"] = made[:64]
    if move_late(edit, State.DONE, now_fn(), **changes):
        read_back(edit, clients)


def call(edit: Edit, clients: EditClients) -> str:
    """Makes the one request of an edit. Returns Zoho's id of what was made, "" where it names none.

    Raises:
        ZohoError: what it proves is for `proof_of_change`.
    """
    if edit.subject == Subject.FLOW:
        _call_flow(edit, clients)
        return ""
    crm, act, key = crm_client(clients), edit.act, edit.subject_id
    if edit.subject == Subject.ORDER:
        _judge_order(crm.reorder_workflow_rules(key, edit.wanted), len(edit.wanted))
        return ""
    if edit.subject == Subject.CONNECTED:
        return _call_connected(edit, clients)
    if act == Act.CREATE:
        return crm.create_workflow_rule(edit.body).id
    if act == Act.DELETE:
        return crm.delete_workflow_rule(key).id
    return crm.update_workflow_rule(key, edit.body).id


def _judge_order(results: Sequence[WriteResult], rules: int) -> None:
    """Takes a reordering for done only if Zoho says so of each rule, and for refused only if it says that of all.

    Raises:
        Refused: each result is a refusal.
        BadAnswer: some of it may have been done.
    """
    refused = [one for one in results if not one.ok]
    if refused and len(refused) == len(results):
        error = Refused(f"reorder: {refused[0].code}: {refused[0].message}", code=refused[0].code)
        error.said = refused[0].message
        raise error
    if refused or len(results) != rules:
        raise BadAnswer(f"Zoho's answer says of {len(results) - len(refused)} of {rules} rules that it was done.")


def _call_connected(edit: Edit, clients: EditClients) -> str:
    crm, key = crm_client(clients), edit.subject_id
    if edit.act == Act.CREATE:
        module, body = edit.body.get("primary_module") or {}, edit.body
        return crm.create_connected_workflow(body["name"], module.get("api_name", ""), body.get("description", "")).id
    if edit.act == Act.ACTIVATE:
        return crm.activate_connected_workflow(key).id
    if edit.act == Act.DEACTIVATE:
        return crm.deactivate_connected_workflow(key).id
    if edit.act == Act.DELETE:
        return crm.delete_connected_workflow(key).id
    return crm.update_connected_workflow(key, edit.body).id


def _call_flow(edit: Edit, clients: EditClients) -> None:
    flow = clients.flow
    assert flow is not None  # noqa: S101 - `look` has just asked it
    if edit.act == Act.ACTIVATE:
        flow.enable(edit.subject_id)
    elif edit.act == Act.DEACTIVATE:
        flow.disable(edit.subject_id)
    elif edit.act == Act.TEST_TRIGGER:
        flow.test_trigger(edit.subject_id)
    else:
        flow.test_action(edit.subject_id, edit.body.get("sample_data") or {})


def read_back(edit: Edit, clients: EditClients) -> None:
    """Keeps what Zoho shows after an edit was done, and says where it is not what was wanted.

    That it cannot be read changes nothing of what was done; the mirror reads it, too.
    """
    if edit.subject == Subject.ORDER or edit.act == Act.DELETE:
        return
    try:
        seen = look(edit, clients) if edit.act != Act.CREATE else _made(edit, clients)
    except (ZohoError, VaultError, NoProduct, ValueError) as error:  # the last: an id that no address can hold
        log.warning("edit %s: what became of it could not be read back: %s", edit.pk, error)
        return
    changes: dict[str, Any] = {"result": dict(seen.definition) if seen.definition is not None else None}
    if seen.definition is not None and edit.subject == Subject.RULE:
        fields = [name for name in edit.body if name in edit.wanted]
        differing = [name for name in fields if not is_shown_in(edit.wanted[name], seen.definition.get(name))]
        if differing:
            changes["answer"] = f"Zoho did it, but shows it otherwise than was sent: {', '.join(differing)}."
    amend(edit, **changes)


def _made(edit: Edit, clients: EditClients) -> SeenThing:
    """Returns what was created, by the id that Zoho gave it; where it gave none, by its name, which was free before."""
    if not edit.subject_id:
        named = look(edit, clients)
        if named.candidates != 1:
            return NOT_THERE
        amend(edit, subject_id=named.id[:64])
    found = load(edit.pk)
    found.act = Act.CHANGE
    return look(found, clients)


def proof_of_change(error: Exception) -> Proof:
    """Returns what an error of an edit's request proves.

    Args:
        error: raised by `call`.
    """
    if isinstance(error, GrantRevoked | ClientRefused):
        # A token was had before: these come after a 401 to the request itself, which need not be its refusal.
        return Proof.NOTHING
    if isinstance(error, Refused | NotFound) and error.status is None and error.code:
        # One result of a 2xx that says that this very thing was not done.
        return Proof.NOTHING if error.code.upper() in SERVER_CODES else Proof.REJECTED
    return proof_of(error)


def words_of(error: Exception) -> str:
    """Returns what Zoho itself says of an error, with its code; where it says nothing, what happened."""
    if not isinstance(error, ZohoError):
        return str(error) if isinstance(error, VaultError) else type(error).__name__
    if not error.said:
        return error.message
    return f"{error.said} ({error.code})" if error.code else error.said


def _record_error(edit: Edit, error: Exception, now: datetime) -> None:
    told = words_of(error)
    code = error.code[:64] if isinstance(error, ZohoError) else ""
    place, said = (error.place, error.said) if isinstance(error, ZohoError) else ("", "")
    proof = proof_of_change(error)
    pause = sending.pause_of(error)
    if proof is Proof.HELD_BACK and pause is not None:
        _not_sent(edit, told, now, counts=False, until=now + pause)
    elif proof is Proof.NOT_SENT:
        _not_sent(edit, told, now, counts=True)
    elif proof is Proof.REFUSED_FOR_NOW and edit.sends < MAX_SENDS:
        until = sending.within_the_hour(edit, now + (pause or back_off(1)))
        answer = mask_text(f"Zoho did not take it yet: {told}")[:500]
        values: dict[str, Any] = {"answered_at": now, "not_before": until, "answer": answer}
        move(edit, State.WISHED, now=now, actor=None, note=code, lease_until=None, **values)
    elif proof in (Proof.REFUSED_FOR_NOW, Proof.REJECTED):
        found = explain(edit.subject, code, said or told, place)
        answer = f"{found.message} Zoho's words: {mask_text(said)}"[:500] if said else found.message
        move_late(edit, State.REFUSED, now, note=code, answered_at=now, answer=answer, code=code)
    else:
        if not isinstance(error, ZohoError):
            log.error("edit %s: the request ended in an error of ours", edit.pk, exc_info=error)
        check = next_check(edit.sent_at or now, now)
        answer = mask_text(f"{sending.why_unknown(error, 'it was done')}: {told}")
        sending.to_unknown(STATES, edit, answer=answer, note=code, now=now, check=check, code=code)


def _not_sent(edit: Edit, told: str, now: datetime, *, counts: bool, until: datetime | None = None) -> None:
    answer = mask_text(f"Nothing was sent: {told}")
    sending.put_back(STATES, edit, answer=answer, note="not sent", now=now, counts=counts, until=until)
