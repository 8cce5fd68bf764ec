"""Asks for changes: what is to be, what that changes, and whether it is really wanted. The worker sends them.

Three steps at one address: the form (GET), what it changes (POST, step "preview"), and the wish (POST, step "confirm").
What needs no form begins with the second. Nothing is written before the third.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from django_q.tasks import async_task

from dashboard.access import get_or_404, requires
from dashboard.context import age_of, frame_at
from dashboard.edits.builder_forms import PartsForm, RuleChangeForm, RuleForm
from dashboard.edits.forms import RULE_LIMITS, ConfirmForm, DefinitionForm, DescribeForm, NewRuleForm, WishForm
from monitor.connection import open_account
from monitor.edits import drafts
from monitor.edits.acts import kind_of, scopes_of
from monitor.edits.ask_zoho import facts_of_account
from monitor.edits.check import NOTHING_KNOWN, KnownFacts
from monitor.edits.drafts import EditDraft
from monitor.edits.requests import EditRefused, request_edit
from monitor.models import Edit, WorkflowRule, ZohoAccount
from monitor.privacy import mask_name
from monitor.queries import edits as queries
from monitor.queries import rules
from monitor.queries.rule_sentences import in_words
from monitor.queries.scopes import MissingScopes, granted_to, lacking_of

Act, Subject = Edit.Act, Edit.Subject
RULE_ACTS = (Act.ACTIVATE, Act.DEACTIVATE, Act.DESCRIBE, Act.CHANGE, Act.DELETE)
IN_FIELDS = "fields"  # in an address: the same change, asked in fields instead of JSON
METHODS = ["GET", "HEAD", "POST"]
MOVED = "It was changed in Zoho since this form was shown. Below it stands as it is now: make your change anew."
NOT_ASKED = KnownFacts(not_read=("what Zoho allows for it: it is asked before the change is sent",))


@dataclass
class AskedChange:
    """Holds what a page of a change asks.

    Attributes:
        heading: of the page.
        back: where "Cancel" leads.
        draft: from what the person wants, and what is known of Zoho, to the edit.
        form: what is to be; None where there is nothing to choose.
        judged_on: the digest of the definition that the form was filled from; "" where it was from none.
        anew: makes the form again, as the definition is now.
        reads_zoho: whether the preview asks Zoho what rules of the module may have.
        account: whose automation it is; None where the form asks for it.
        needs: the scopes that the change needs; none where the draft is to say.
        context: what the page needs besides.
    """

    heading: str
    back: str
    draft: Callable[[WishForm | None, KnownFacts], EditDraft]
    form: WishForm | None = None
    judged_on: str = ""
    anew: Callable[[], WishForm] | None = None
    reads_zoho: bool = False
    account: ZohoAccount | None = None
    needs: tuple[str, ...] = ()
    context: dict[str, Any] = field(default_factory=dict)

    def of_definition(self, make: Callable[[Any], WishForm], request: HttpRequest, digest: str) -> None:
        """Asks by a form that is filled from a definition, and taken only as long as that is the newest.

        Args:
            make: makes the form of what was sent, or of nothing.
            request: what was sent.
            digest: of the definition.
        """
        self.form, self.judged_on, self.anew = make(request.POST or None), digest, lambda: make(None)


@require_http_methods(METHODS)
def rule_edit(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Changes a workflow rule: activate, deactivate, describe, change or delete."""
    rows = WorkflowRule.objects.select_related("account").defer("account__client_secret")
    rule = get_or_404(request.user, rows, pk, action="edits")
    if act not in (*RULE_ACTS, IN_FIELDS):
        raise Http404
    base, digest = drafts.newest_of(rule)
    forms: dict[str, Callable[[Any], WishForm]] = {
        Act.DESCRIBE: lambda data: DescribeForm(data, base=base, longest=RULE_LIMITS),
        Act.CHANGE: lambda data: DefinitionForm(data, base=base),
        IN_FIELDS: lambda data: RuleChangeForm(data, base=base, account=rule.account_id),
    }
    make = forms.get(act)
    act = Act.CHANGE if act == IN_FIELDS else act

    def draft(wanted: WishForm | None, facts: KnownFacts) -> EditDraft:
        return drafts.rule_draft(rule, act, wanted.wish() if wanted else {}, facts)

    heading = kind_of(Subject.RULE, act).asks.format(name=rule.shown_name)
    asked = AskedChange(heading, rule.get_absolute_url(), draft, reads_zoho=act == Act.CHANGE)
    asked.account, asked.needs = rule.account, scopes_of(Subject.RULE, act)
    if make is not None:
        asked.of_definition(make, request, digest)
    asked.context = age_of(rule.account_id) | {"thing": rule, "act": act, "up_label": rule.shown_name}
    return answer(request, asked)


@require_http_methods(METHODS)
@requires("edits")
def rule_new(request: HttpRequest) -> HttpResponse:
    """Creates a workflow rule from what somebody pasted, or from a copy of another rule."""
    start, digest = _copied(request)

    def draft(wanted: WishForm | None, facts: KnownFacts) -> EditDraft:
        assert wanted is not None  # noqa: S101 - this page has a form
        cleaned = wanted.cleaned_data
        return drafts.new_rule_draft(cleaned["account"], cleaned["definition"], facts)

    asked = AskedChange("Create a workflow rule", "", draft, reads_zoho=True)
    asked.of_definition(lambda data: NewRuleForm(data, start=start), request, digest)
    asked.context = frame_at(timezone.now()) | {
        "freshness": None,
        "act": Act.CREATE.value,
        "up_label": "Workflow rules",
    }
    return answer(request, asked)


@require_http_methods(METHODS)
@requires("edits")
def rule_form(request: HttpRequest) -> HttpResponse:
    """Creates a workflow rule by a form."""
    form = RuleForm(request.POST or None)

    def draft(_: WishForm | None, facts: KnownFacts) -> EditDraft:
        return drafts.new_rule_draft(form.cleaned_data["account"], form.definition(), facts)

    asked = AskedChange("Create a workflow rule", "", draft, form, reads_zoho=True)
    asked.context = frame_at(timezone.now()) | {
        "freshness": None,
        "act": Act.CREATE.value,
        "up_label": "Workflow rules",
    }
    return answer(request, asked)


def _copied(request: HttpRequest) -> tuple[dict[str, Any] | None, str]:
    """Returns the definition of the rule that is to be copied, as a new one is made of it, and its digest.

    None and "" where none is named.
    """
    key = request.GET.get("copy", "")
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        return None, ""
    rule = get_or_404(request.user, rules.all_rules(), int(key), action="edits")
    base, digest = drafts.newest_of(rule)
    return drafts.as_copy(base), digest


@require_http_methods(METHODS)
def edit_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Puts back what a change made of it."""
    edit = get_or_404(request.user, queries.all_edits(), pk, action="edits")
    found = drafts.undo_draft(edit)
    if found is None:
        raise Http404
    facts_matter = found.act in (Act.CHANGE, Act.CREATE)

    def draft(_: WishForm | None, facts: KnownFacts) -> EditDraft:
        made = found if facts is NOTHING_KNOWN else drafts.undo_draft(edit, facts)
        assert made is not None  # noqa: S101 - as it was a moment ago
        return made

    heading = f"Undo: {kind_of(edit.subject, edit.act).past}?"
    asked = AskedChange(heading, edit.get_absolute_url(), draft, None, reads_zoho=facts_matter)
    asked.account, asked.needs = edit.account, scopes_of(found.subject, found.act)
    asked.context = age_of(edit.account_id) | {"act": found.act, "up_label": "The change", "undoes": edit}
    return answer(request, asked)


def answer(request: HttpRequest, asked: AskedChange) -> HttpResponse:
    """Shows the form, or what it changes, or takes the wish."""
    step = request.POST.get("step", "") if request.method == "POST" else ""
    if asked.account is not None and (missing := _lacking(asked, asked.account, asked.needs)):
        return _cannot(request, asked, missing)
    if (form_again := _form_again(request, asked, step)) is not None:
        return form_again
    draft = asked.draft(asked.form, NOTHING_KNOWN)
    if asked.account is None and (missing := _lacking(asked, draft.account, scopes_of(draft.subject, draft.act))):
        return _cannot(request, asked, missing)
    if asked.anew is not None and draft.base_sha256 not in ("", asked.judged_on):
        return _moved(request, asked)  # read anew since this request began
    facts = NOTHING_KNOWN
    if asked.reads_zoho and not draft.objections and step != "confirm":
        # Only a click may cost a call: an address is also loaded by what merely looks at it.
        facts = facts_of_account(draft.account, draft.wanted, open_account) if step == "preview" else NOT_ASKED
        draft = asked.draft(asked.form, facts)
    confirm = _confirm_form(request, asked, draft, is_sent=step == "confirm")
    if step != "confirm":
        is_odd = request.method == "POST" and step != "preview"
        return _preview(request, asked, draft, confirm, facts, status=400 if is_odd else 200)
    if not confirm.is_valid():
        return _preview(request, asked, draft, confirm, facts, status=400)
    if confirm.cleaned_data["judged_on"] != (asked.judged_on or draft.base_sha256):
        text = "The rule has changed since this page was shown: look at what would change now."
        return _preview(request, asked, draft, _confirm_form(request, asked, draft), facts, refusal=text, status=409)
    return _take(request, asked, draft, confirm, facts)


def _lacking(asked: AskedChange, account: ZohoAccount, needed: tuple[str, ...]) -> MissingScopes | None:
    """Looks whether a scope is missing; where Zoho named none at all, the page says that it is not known."""
    granted = granted_to(account)
    asked.context["scopes_unknown"] = "" if granted else " and ".join(needed)
    return lacking_of(account, "edits", needed, granted)


def _cannot(request: HttpRequest, asked: AskedChange, missing: MissingScopes) -> HttpResponse:
    """Says which scope was not granted, before anybody writes a change that Zoho would refuse."""
    status = 409 if request.method == "POST" else 200
    return render(request, "edits/ask.html", _context(asked) | {"lacks": missing}, status=status)


def _form_again(request: HttpRequest, asked: AskedChange, step: str) -> HttpResponse | None:
    """Shows the form where it was not sent yet, is not usable or is to have other parts; None where all is said."""
    if request.POST and asked.judged_on and request.POST.get("judged_on", "") != asked.judged_on:
        return _moved(request, asked)
    if isinstance(asked.form, PartsForm) and (wish := request.POST.get("part", "")):
        asked.form = asked.form.with_parts(wish)
        return render(request, "edits/ask.html", _context(asked), status=400 if asked.form.refusal else 200)
    if asked.form is not None and (step not in ("preview", "confirm") or not asked.form.is_valid()):
        status = 400 if request.method == "POST" else 200
        return render(request, "edits/ask.html", _context(asked), status=status)
    return None


def _moved(request: HttpRequest, asked: AskedChange) -> HttpResponse:
    """Refuses what was written over another definition; the form is shown anew, never with the old text."""
    if asked.anew is not None:
        asked.form = asked.anew()
    return render(request, "edits/ask.html", _context(asked) | {"refusal": MOVED}, status=409)


def _take(
    request: HttpRequest, asked: AskedChange, draft: EditDraft, confirm: ConfirmForm, facts: KnownFacts
) -> HttpResponse:
    said = confirm.cleaned_data
    try:
        with transaction.atomic():
            edit = request_edit(
                draft,
                request.user,  # type: ignore[arg-type]
                said["reason"],
                str(said["client_token"]),
                timezone.now(),
                typed_name=said.get("typed_name", ""),
            )
            # Only a hint: what is due stands in the table. It is enqueued with the row or not at all.
            async_task("monitor.tasks.send_edits")
    except EditRefused as refusal:
        return _preview(request, asked, draft, confirm, facts, refusal=refusal.message, status=409)
    messages.success(request, "The change is on its way. Its state is shown below as it changes.")
    return redirect(edit)


def _confirm_form(request: HttpRequest, asked: AskedChange, draft: EditDraft, *, is_sent: bool = False) -> ConfirmForm:
    name = mask_name(draft.name) or draft.subject_id
    typed = name if kind_of(draft.subject, draft.act).is_final else ""
    initial = {"judged_on": asked.judged_on or draft.base_sha256}
    return ConfirmForm(request.POST if is_sent else None, initial=initial, name=typed, auto_id="confirm_%s")


def _preview(
    request: HttpRequest,
    asked: AskedChange,
    draft: EditDraft,
    confirm: ConfirmForm,
    facts: KnownFacts,
    *,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    shows_changes = draft.act != Act.DELETE and not draft.objections
    changes = queries.changes_of(draft.base, draft.wanted) if shows_changes else []
    context = _context(asked) | {
        "draft": draft,
        "kind": kind_of(draft.subject, draft.act),
        "changes": changes[: queries.MOST_CHANGES],
        "changes_cut": max(len(changes) - queries.MOST_CHANGES, 0),
        "body": queries.shown_json(draft.body),
        "confirm": confirm,
        "words": in_words(draft.wanted) if draft.subject == Subject.RULE and shows_changes else None,
        "not_read": facts.not_read,
        "refusal": refusal,
    }
    return render(request, "edits/confirm.html", context, status=status)


def _context(asked: AskedChange) -> dict[str, Any]:
    return asked.context | {
        "heading": asked.heading,
        "back": asked.back,
        "form": asked.form,
        "judged_on": asked.judged_on,
    }
