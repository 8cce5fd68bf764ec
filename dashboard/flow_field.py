"""Takes a flow in a filter: by name or id as people type it, by primary key as addresses have it.

A select of all flows would be most of its page. What is typed is suggested from the server where scripts run
(`dashboard.flows.suggest`), and understood by the server in any case.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.urls import reverse_lazy
from django.utils.functional import lazy
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from dashboard import remembered
from dashboard.filters import is_key
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy
from monitor.models import Flow
from monitor.queries import flow_names
from monitor.queries.flow_names import MOST_SUGGESTED, NamedFlow


class FlowInput(forms.TextInput):
    """Shows a text field with the list of suggestions that the server fills as somebody types."""

    def __init__(self) -> None:
        super().__init__(
            {
                "placeholder": gettext_lazy("name or id"),
                "autocomplete": "off",
                "hx-get": reverse_lazy("flow_suggest"),
                "hx-trigger": "focus once, input changed delay:200ms",
                "hx-include": "closest form",
                "hx-params": "flow,account",
                "hx-target": "next datalist",
                "hx-sync": "this:replace",
            }
        )

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        given = context["widget"]["attrs"]
        given["list"] = f"{given.get('id', name)}_suggested"
        return context

    def _render(self, template_name: str, context: dict[str, Any], renderer: Any = None) -> SafeString:
        field = super()._render(template_name, context, renderer)  # type: ignore[misc]
        return format_html('{}<datalist id="{}"></datalist>', field, context["widget"]["attrs"]["list"])


class FlowField(forms.CharField):
    """Takes a flow, and gives its primary key.

    A number that is no flow's key, id or name is taken for the key of a flow that is gone: the list is empty then, as
    for any address that has grown old.

    Attributes:
        data: the form's own filters without the place in the list, for the links that choose one of several flows.
    """

    widget = FlowInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "label": gettext_lazy("Flow"), "max_length": 600} | kwargs)
        self.data = QueryDict()
        self._known: dict[str, NamedFlow | None] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> FlowField:
        result: FlowField = super().__deepcopy__(memo)
        result._known = {}  # of one form and its request alone
        return result

    def clean(self, value: Any) -> int | None:
        """Finds the flow that is meant.

        Raises:
            ValidationError: it names none, or several; the message has links to what may be meant.
        """
        text = super().clean(value)
        if not text:
            return None
        chosen = self._by_key(text)
        if chosen is not None:
            return chosen.pk
        account = self.data.get("account", "")
        found = flow_names.look_up(text, int(account) if is_key(account) else None)
        if len(found.named) == 1:
            self._known[text] = found.named[0]
            return found.named[0].pk
        if not found.named and is_key(text):
            return int(text)
        raise forms.ValidationError(self._meant(found), code="flow")

    def prepare_value(self, value: Any) -> Any:
        """Shows the name of the flow that an address has by its key."""
        chosen = self._by_key(value) if isinstance(value, str) else None
        return value if chosen is None else chosen.words

    def _by_key(self, text: str) -> NamedFlow | None:
        if text not in self._known:
            self._known[text] = _named(int(text)) if is_key(text) else None
        return self._known[text]

    def _meant(self, found: flow_names.MeantFlows) -> SafeString:
        offered = found.named or found.near
        if not offered:
            return SafeString("No flow has this name or id.")
        links = format_html_join(", ", '<a href="?{}">{}</a> ({})', map(self._link, offered[:MOST_SUGGESTED]))
        return self._said(found, links, len(offered))

    @staticmethod
    def _said(found: flow_names.MeantFlows, links: SafeString, count: int) -> SafeString:
        more = count - MOST_SUGGESTED
        end = f" and {more:,} more" if more > 0 else ""
        words = "Several flows have this name or id" if found.named else "No flow has exactly this name. Did you mean"
        return format_html("{}: {}{}?" if not found.named else "{}: {}{}", words, links, end)

    def _link(self, flow: NamedFlow) -> tuple[str, str, str]:
        query = self.data.copy()
        query["flow"] = str(flow.pk)
        return query.urlencode(), flow.words, flow.account


def _either(empty: str) -> str:
    return _("%(none)s; or a name or id") % {"none": empty}


_or_named = lazy(_either, str)  # in the language of who reads the form


class FlowChoiceField(FlowField):
    """Takes a flow in a form that is sent, and gives the flow itself.

    Args:
        empty: what none means, such as "Each flow".

    Attributes:
        flows: those that can be chosen.
    """

    def __init__(self, *, empty: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.flows = Flow.objects.filter(gone_at=None)
        self.widget.attrs["placeholder"] = _or_named(empty)

    def clean(self, value: Any) -> Any:
        """Finds the flow that is meant.

        Raises:
            ValidationError: it names none that can be chosen, or several.
        """
        pk = super().clean(value)
        if pk is None:
            return None
        rows = self.flows.select_related("account").defer("raw", "account__client_secret")
        found = rows.filter(pk=pk).first()
        if found is None:
            raise forms.ValidationError("No flow has this name or id.", code="flow")
        return found

    def prepare_value(self, value: Any) -> Any:
        """Shows the name of the flow that a form is filled in with."""
        return super().prepare_value(str(getattr(value, "pk", value))) if value else value

    def of_account(self, pk: int) -> None:
        """Has flows of one account alone be chosen and suggested."""
        self.flows = self.flows.filter(account=pk)
        self.data = QueryDict(f"account={pk}")
        self.widget.attrs["hx-vals"] = f'{{"account": {pk}}}'

    def _meant(self, found: flow_names.MeantFlows) -> SafeString:
        """Names what may be meant: what is filled in would be lost by a link."""
        offered = found.named or found.near
        if not offered:
            return super()._meant(found)
        names = ((flow.words, flow.account) for flow in offered[:MOST_SUGGESTED])
        return self._said(found, format_html_join(", ", "“{}” ({})", names), len(offered))


class FlowsInput(FlowInput):
    """Shows a text field with suggestions for each of several flows: one, and more behind a line that unfolds them."""

    MOST = 10

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        values = data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])
        return [value for value in values if value.strip()]

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """Shows the fields; whoever has chosen more than fit gets one for each."""
        values = list(value or [])
        count = max(self.MOST, len(values) + 1)
        own = attrs or {}
        fields = []
        for place, text in enumerate([*values, *[""] * (count - len(values))]):
            more = {
                "id": f"{own.get('id', name)}_{place}",
                "aria-label": _("Flow %(number)s") % {"number": place + 1},
                "placeholder": gettext_lazy("name or id"),
            }
            fields.append(super().render(name, text, own | more if place else own, renderer))
        rest = format_html_join("", '<span class="flows-more">{}</span>', ((field,) for field in fields[1:]))
        is_open = SafeString(" open") if len(values) > 1 else ""
        return format_html(
            '{}<details{}><summary class="small">More flows</summary>{}</details>', fields[0], is_open, rest
        )


class FlowsField(FlowChoiceField):
    """Takes several flows in a form that is sent, and gives them in the order in which they were named, each once."""

    widget = FlowsInput

    def clean(self, value: Any) -> Any:
        """Finds the flows that are meant.

        Raises:
            ValidationError: a text names none that can be chosen, or several.
        """
        found = {}
        for text in value or []:
            if (flow := super().clean(text)) is not None:
                found.setdefault(flow.pk, flow)
        return list(found.values())

    def prepare_value(self, value: Any) -> Any:
        """Shows the names of the flows that a form is filled in with."""
        values = value if isinstance(value, list) else [value] if value else []
        return [super(FlowsField, self).prepare_value(one) for one in values]


def _named(pk: int) -> NamedFlow | None:
    """Finds a flow by its key; to tell it from its namesakes all flows are read, for all readers at once."""
    return remembered.of(("name of a flow", pk), lambda: flow_names.by_key(pk))
