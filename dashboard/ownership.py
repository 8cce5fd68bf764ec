"""Shows and takes who looks after a flow or workflow rule, and its tags; narrows lists by both."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from dashboard import remembered
from dashboard.filters import ANY, NOBODY, FilterForm, NameField, OwnerField
from monitor.access import may, who_may
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy
from monitor.models import Flow, Ownership, User, WorkflowRule
from monitor.ownership import NO_ADDRESS, Guidance, OwnershipRefused, is_web_address, ownership_of, set_ownership
from monitor.tags import BadTag, read_tags, tag_of

LONGEST_LINE = 1000


class OwnershipForm(forms.Form):
    """Asks who looks after a thing, and for its tags. An owner who is gone may stay."""

    owner = forms.ModelChoiceField(
        User.objects.none(), required=False, label=gettext_lazy("Owner"), empty_label=gettext_lazy("Nobody")
    )
    tags = forms.CharField(
        label=gettext_lazy("Tags"),
        required=False,
        max_length=LONGEST_LINE,
        help_text=gettext_lazy("Short plain words, apart by spaces, such as: orders billing."),
    )
    runbook = forms.CharField(
        label=gettext_lazy("Runbook"),
        required=False,
        max_length=500,
        help_text=gettext_lazy("The address of what to do when it fails."),
    )
    value = forms.CharField(
        label=gettext_lazy("Value"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("What one successful run is worth or means, such as: one order reaches the books."),
    )
    note = forms.CharField(
        label=gettext_lazy("Note"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, data: Any = None, *, thing: Flow | WorkflowRule) -> None:
        known = ownership_of(thing)
        initial = {"owner": known.owner, "tags": " ".join(known.tags)} | asdict(known.guidance)
        super().__init__(data, auto_id="ownership_%s", initial=initial)
        people = Q(pk=known.owner.pk) if known.owner is not None else Q()
        self.fields["owner"].queryset = User.objects.filter(who_may("acknowledge") | people).order_by("username")

    def clean_tags(self) -> list[str]:
        try:
            return read_tags(self.cleaned_data["tags"])
        except BadTag as fault:
            raise forms.ValidationError(str(fault)) from None

    def clean_runbook(self) -> str:
        address: str = self.cleaned_data["runbook"]
        if address and not is_web_address(address):
            raise forms.ValidationError(_(NO_ADDRESS))
        return address


def shown(request: HttpRequest, thing: Flow | WorkflowRule, form: OwnershipForm | None = None) -> dict[str, Any]:
    """Returns what the card of owner and tags needs.

    Args:
        request: of the person who looks.
        thing: with its account.
        form: one that was sent and found wanting.
    """
    may_set = may(request.user, "ownership", thing.account)
    return {
        "owned": ownership_of(thing),
        "may_set_ownership": may_set,
        "ownership_form": form or (OwnershipForm(thing=thing) if may_set else None),
    }


def take(request: HttpRequest, thing: Flow | WorkflowRule) -> tuple[OwnershipForm, str] | HttpResponse:
    """Sets what the form of a thing says; returns the form with what is wrong where it was not set."""
    form = OwnershipForm(request.POST, thing=thing)
    if not {"owner", "tags"} <= set(request.POST) or not form.is_valid():
        return form, _("Fix what the form says.")
    said = form.cleaned_data
    try:
        guidance = _guidance(said, request.POST.keys(), thing)
        is_new = set_ownership(thing, said["owner"], said["tags"], request.user, timezone.now(), guidance)
    except OwnershipRefused as refusal:
        return form, str(refusal)
    messages.success(request, _("It is set.") if is_new else _("It is as it was."))
    return redirect(f"{thing.get_absolute_url()}?tab=alerts" if isinstance(thing, Flow) else thing)


def _guidance(said: dict[str, Any], sent: Collection[str], thing: Flow | WorkflowRule) -> Guidance:
    """Returns what a form says of a thing; what it does not name stays as it is."""
    known = asdict(ownership_of(thing).guidance)
    return Guidance(**{name: said[name] if name in sent else before for name, before in known.items()})


class OwnedFilterForm(FilterForm):
    """Reads what a list is narrowed to by owner and tag."""

    owner = OwnerField(label=gettext_lazy("Owner"))
    tag = NameField(label=gettext_lazy("Tag"))

    # Where the list's ownership hangs: the name of its link.
    owned_by = "flow"

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        known = remembered.of(("owners and tags", self.owned_by), self._known)
        owners = sorted({(name, pk) for pk, name, __ in known if pk is not None})
        tags = sorted({tag for *_, tag in known if tag is not None})
        self.offer("owner", [(NOBODY, _("Nobody")), *((pk, name) for name, pk in owners)], _("Anybody"))
        self.offer("tag", [(tag, tag) for tag in tags], ANY)
        # Where nobody has set any there is nothing to narrow by.
        for name, offered in (("owner", owners), ("tag", tags)):
            if not offered and not data.get(name):
                self.fields[name].widget = forms.HiddenInput()

    def _known(self) -> set[tuple[int | None, str | None, str | None]]:
        """Reads who owns what is listed, and its tags: owner, owner's name, tag."""
        set_here = Ownership.objects.exclude(**{self.owned_by: None}).order_by()
        return set(set_here.values_list("owner", "owner__username", "tags__name").distinct())

    def clean_tag(self) -> str:
        word: str = self.cleaned_data["tag"]
        try:
            return tag_of(word) if word else ""
        except BadTag as fault:
            raise forms.ValidationError(str(fault)) from None
