"""Asks for what an alert rule is: all of an account, one flow or other subject, a tag, an owner, a module of CRM."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet

from dashboard.flow_field import FlowChoiceField
from monitor.access import who_may
from monitor.alerting.scope import RuleScope
from monitor.alerting.watched import ask_flows_of_rule
from monitor.models import AlertRule, Connection, Flow, Tag, User, WorkflowRule, ZohoAccount
from monitor.models.asking import Asking
from monitor.privacy import mask_name
from monitor.queries.shown_names import by_shown_name
from monitor.tags import BadTag, tag_of

SUBJECTS = ("workflow_rule", "connection")  # fields of which the rule keeps the key
SCOPES = ("flow", *SUBJECTS, "tag", "owner", "module")
WHICH_FLOWS = "Empty: each flow of the account by itself. The narrower rule wins: flow, tag, owner, account."
ONLY_ONE = "A rule is for one of these: leave the others empty."


class TagField(forms.ModelChoiceField):
    """Takes a tag by its name, in any form that people write it in."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Tag.objects.all(), to_field_name="name", required=False, empty_label="Any", **kwargs)

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(tag_of(value) if isinstance(value, str) and value else value)
        except BadTag as fault:
            raise forms.ValidationError(str(fault)) from None


class ScopedRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """Asks for account and scope of a new rule; a saved one keeps them: its incidents belong to them.

    Attributes:
        scopes: which of `SCOPES` the kind has.
        is_of_flows: whether its subjects are flows.
    """

    kind: str
    is_of_flows: bool
    scopes: ClassVar[tuple[str, ...]]

    workflow_rule = forms.ModelChoiceField(
        WorkflowRule.objects.none(), required=False, label="Workflow rule", empty_label="Each workflow rule"
    )
    connection = forms.ModelChoiceField(Connection.objects.none(), required=False, empty_label="Each connection")
    tag = TagField(label="Tag", help_text="Only what has this tag.")
    owner = forms.ModelChoiceField(
        User.objects.none(),
        required=False,
        label="Owner",
        empty_label="Anybody",
        help_text="Only what this person owns.",
    )
    module = forms.ChoiceField(required=False, label="Module", help_text="Only workflow rules of this module.")

    class Meta:
        model = AlertRule
        fields: ClassVar[list[str]] = ["account", "flow", "tag", "owner", "module"]

    def choose_subjects(self) -> None:
        """Offers what the rule can be for; called once, when the form is made."""
        for name in SCOPES:
            if self.instance.pk or name not in self.scopes:
                del self.fields[name]
        if self.instance.pk:
            del self.fields["account"]
            return
        self.fields["account"].queryset = ZohoAccount.objects.defer("client_secret")
        accounts = list(self.fields["account"].queryset[:2])
        if len(accounts) == 1:
            self.initial.setdefault("account", accounts[0].pk)
        if "flow" in self.fields:
            self.fields["flow"] = FlowChoiceField(empty="Each flow", help_text=WHICH_FLOWS)
        rules = WorkflowRule.objects.filter(gone_at=None).select_related("account")
        rules = rules.defer("raw", "description", "account__client_secret")
        names = by_shown_name(WorkflowRule.objects.all(), "name")
        self._offer("workflow_rule", rules.order_by("account__name", *names))
        connections = Connection.objects.filter(gone_at=None).select_related("account")
        self._offer("connection", connections.defer("raw", "account__client_secret").order_by("account__name", "pk"))
        if "owner" in self.fields:
            self.fields["owner"].queryset = User.objects.filter(who_may("acknowledge")).order_by("username")
        if "module" in self.fields:
            rows = WorkflowRule.objects.filter(gone_at=None).exclude(module="").order_by("module")
            modules = rows.values_list("module", flat=True).distinct()
            self.fields["module"].choices = [("", "Each module"), *((name, mask_name(name)) for name in modules)]

    def _offer(self, name: str, rows: QuerySet[Any]) -> None:
        if name in self.fields:
            self.fields[name].queryset = rows
            self.fields[name].label_from_instance = lambda row: f"{row.account.name}: {shown_subject(row)}"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        chosen = [name for name in SCOPES if data.get(name)]
        for name in chosen[1:]:
            self.add_error(name, ONLY_ONE)
        for name in set(chosen) & {"flow", *SUBJECTS}:
            account, row = data.get("account"), data.get(name)
            if row is not None and account is not None and row.account_id != account.pk:
                said = {"flow": "flow", "workflow_rule": "workflow rule"}.get(name, name)
                self.add_error(name, f"This {said} belongs to another account.")
        for name in SUBJECTS:
            if data.get(name):
                self.instance.subject_key = str(data[name].pk)
        return data

    def chosen(self, name: str) -> Any:
        """Returns what is chosen of a scope, as far as it is: filled in, of the saved rule, or by the address."""
        if self.instance.pk:
            return getattr(self.instance, name, None)
        if self.is_bound:
            return self.cleaned_data.get(name) or None
        return self._named.get(name)

    @cached_property
    def _named(self) -> dict[str, Any]:
        """Reads what the address fills in; what it names and is not there is nothing."""
        found = {}
        for name in SCOPES:
            if name in self.fields and self.initial.get(name):
                try:
                    found[name] = self.fields[name].clean(self.initial[name])
                except forms.ValidationError:
                    continue
        return found

    @property
    def flow(self) -> Flow | None:
        """Is the one flow that it is for, as far as that is chosen; None for each flow of the account."""
        found: Flow | None = self.chosen("flow")
        return found

    @property
    def scope(self) -> RuleScope[str]:
        """Is for what the rule is, as far as that is chosen."""
        tag, owner, subject = self.chosen("tag"), self.chosen("owner"), self.instance.subject_key
        for name in ("flow", *SUBJECTS):
            subject = subject or (str(one.pk) if (one := self.chosen(name)) is not None else "")
        return RuleScope(
            self.instance.pk or 0,
            self.kind,
            subject or None,
            None if tag is None else tag.pk,
            None if owner is None else owner.pk,
            self.chosen("module") or "",
        )

    @property
    def scope_in_words(self) -> str:
        """Is for what the rule is, as it stands in a sentence."""
        what = "flows" if self.is_of_flows else "workflow rules"
        if self.flow is not None:
            return self.flow.shown_name
        if (tag := self.chosen("tag")) is not None:
            return f"{what} with the tag {tag}"
        if (owner := self.chosen("owner")) is not None:
            return f"{what} that {owner.get_username()} owns"
        if module := self.chosen("module"):
            return f"workflow rules of the module {mask_name(module)}"
        return "its subject"

    def ask_flows_of(self, account: ZohoAccount) -> Asking[set[int]]:
        """Asks for the flows that it is for, as they are evaluated once it is saved and enabled."""
        flow = None if self.flow is None else self.flow.pk
        scope = self.scope
        return ask_flows_of_rule(account.pk, RuleScope(scope.rule, scope.kind, flow, scope.tag, scope.owner))


def shown_subject(row: Flow | WorkflowRule | Connection) -> str:
    """Returns the name of what a rule or an alert can be about, as everybody may see it."""
    return mask_name(row.connection_name) or "(without a name)" if isinstance(row, Connection) else row.shown_name
