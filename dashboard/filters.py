"""Query string ⇄ dataclass: each view of a list is an address that can be passed on.

What cannot be read is an error beside its field (and a 400), never a 500 and never silently another list.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone

from monitor.models import Flow, ZohoAccount
from monitor.queries.executions import DERIVED, OTHER, STUCK, WAITING, ExecutionFilter, Key
from monitor.queries.flows import SORTS, FlowFilter

BIGGEST_ID = 2**63 - 1
FIRST_YEAR, LAST_YEAR = 2000, 2100
MOST_FLOWS_OFFERED = 500
TIME_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"]


class TimeField(forms.DateTimeField):
    """A time on the viewer's wall clock, between 2000 and 2100."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    default_error_messages = {"invalid": "Give a time such as 2026-11-22T14:05 or a day such as 2026-11-22."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=TIME_FORMATS, required=False, **kwargs)

    def to_python(self, value: Any) -> datetime | None:
        try:
            result: datetime | None = super().to_python(value)
        except (OverflowError, OSError):  # the year 1 in a zone east of Greenwich
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None
        if result is not None and not FIRST_YEAR <= result.year <= LAST_YEAR:
            raise forms.ValidationError(f"Give a year between {FIRST_YEAR} and {LAST_YEAR}.", code="range")
        return result


class IdField(forms.TypedChoiceField):
    """One of some rows by primary key. An id that is not offered is still let through: it may name a row
    that the choices leave out, and at worst the list is empty, as for any address that has grown old."""

    default_error_messages = {"invalid_choice": "This is not an id."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(coerce=int, empty_value=None, required=False, **kwargs)

    def valid_value(self, value: Any) -> bool:
        text = str(value)
        return text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= BIGGEST_ID


def encode_key(key: Key) -> str:
    """A place in the list as a part of an address: microseconds since 1970 (or n) and the primary key."""
    if key.started is None:
        return f"n-{key.pk}"
    since = key.started - datetime(1970, 1, 1, tzinfo=UTC)
    return f"{since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds}-{key.pk}"


def decode_key(text: str) -> Key:
    """The place that `encode_key` wrote.

    Raises:
        ValueError: it did not write this.
    """
    stamp, _, pk = text.partition("-")
    if len(text) > 40 or not (pk.isascii() and pk.isdigit()) or int(pk) > BIGGEST_ID:
        raise ValueError("not a place in the list")
    if stamp == "n":
        return Key(None, int(pk))
    if not (stamp.isascii() and stamp.isdigit()):
        raise ValueError("not a place in the list")
    try:
        seconds, micros = divmod(int(stamp), 1_000_000)
        return Key(datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros), int(pk))
    except (OverflowError, OSError) as error:
        raise ValueError("not a place in the list") from error


class KeyField(forms.CharField):
    """A place in the list of executions."""

    def __init__(self) -> None:
        super().__init__(required=False, widget=forms.HiddenInput)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            return decode_key(text)
        except ValueError:
            raise forms.ValidationError("The page's place in the address is damaged.", code="place") from None


class ExecutionFilterForm(forms.Form):
    """The filters above the list of executions."""

    account = IdField()
    flow = IdField()
    status = forms.ChoiceField(
        required=False,
        choices=[
            ("", "All"),
            ("failed", "Failed"),
            ("success", "Success"),
            ("running", "Running"),
            (STUCK, "Stuck"),
            (WAITING, "Failed, Zoho may retry"),
            (OTHER, "Any other"),
        ],
        error_messages={"invalid_choice": "There is no such status."},
    )
    start = TimeField(label="Started from")
    end = TimeField(label="Started before")
    text = forms.CharField(
        required=False, max_length=200, label="Text", widget=forms.TextInput(attrs={"placeholder": "error text or id"})
    )
    after = KeyField()
    before = KeyField()

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.fields["account"].choices = [("", "All"), *ZohoAccount.objects.values_list("pk", "name")]
        flows = Flow.objects.all()
        if data.get("account", "").isdigit() and len(data["account"]) < 19:
            flows = flows.filter(account_id=int(data["account"]))
        offered = list(flows.values_list("pk", "flow_name")[: MOST_FLOWS_OFFERED + 1])
        chosen = data.get("flow", "")
        if chosen and chosen not in {str(pk) for pk, _ in offered} and IdField().valid_value(chosen):
            offered += Flow.objects.filter(pk=int(chosen)).values_list("pk", "flow_name")
        self.fields["flow"].choices = [("", "All"), *offered]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        start, end = cleaned.get("start"), cleaned.get("end")
        if start and end and start >= end:
            self.add_error("end", "This is not after the start.")
        return cleaned

    def wanted(self) -> ExecutionFilter:
        """The filter of a valid form."""
        cleaned = self.cleaned_data
        return ExecutionFilter(
            account_id=cleaned["account"],
            flow_id=cleaned["flow"],
            status=cleaned["status"],
            start=cleaned["start"],
            end=cleaned["end"],
            text=cleaned["text"],
            after=cleaned["after"],
            before=cleaned["before"],
            now=timezone.now() if cleaned["status"] in DERIVED else None,
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter is set."""
        return any(self.data.get(name) for name in ("account", "flow", "status", "start", "end", "text"))


class FlowFilterForm(forms.Form):
    """The filters above the list of flows."""

    text = forms.CharField(
        required=False, max_length=200, label="Search", widget=forms.TextInput(attrs={"placeholder": "name, app or id"})
    )
    status = forms.ChoiceField(
        required=False,
        choices=[("", "All but deleted"), ("active", "Active"), ("inactive", "Inactive"), ("gone", "Deleted in Zoho")],
        error_messages={"invalid_choice": "There is no such status."},
    )
    account = IdField()
    sort = forms.ChoiceField(
        required=False,
        choices=[(name, name) for name in SORTS],
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": "The list cannot be sorted by this."},
    )
    page = forms.IntegerField(required=False, min_value=1, max_value=100_000, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.fields["account"].choices = [("", "All"), *ZohoAccount.objects.values_list("pk", "name")]

    def wanted(self) -> FlowFilter:
        """The filter of a valid form."""
        cleaned = self.cleaned_data
        return FlowFilter(
            text=cleaned["text"],
            status=cleaned["status"],
            account_id=cleaned["account"],
            sort=cleaned["sort"] or "failures",
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter is set."""
        return any(self.data.get(name) for name in ("account", "status", "text"))


def errors_of(form: forms.Form) -> list[str]:
    """The errors of fields that no person sees, as sentences for the top of the page."""
    hidden = {field.name for field in form.hidden_fields()}
    return [str(error) for name in hidden for error in form.errors.get(name, ())]


def zone_name() -> str:
    """The viewer's zone, for the hint beside times."""
    return timezone.get_current_timezone_name()
