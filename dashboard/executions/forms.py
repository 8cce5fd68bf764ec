"""Reads the filters of the list of executions; asks for a retry."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone

from dashboard.filters import BIGGEST_ID, FilterForm, IdField, OneOfField, TextField, TimeField
from dashboard.flow_field import FlowField
from dashboard.reasons import ReasonForm
from monitor.models import Execution, Failure, Problem
from monitor.periods import second_moment_of
from monitor.privacy import mask_text
from monitor.queries.executions import (
    DERIVED,
    EVER_FAILED,
    FINISHED,
    MADE_GOOD,
    NO_RECORD,
    OTHER,
    RETRY,
    STUCK,
    WAITING,
    ExecutionFilter,
)
from monitor.queries.places import Key

NONE_KNOWN = "none"  # of records, in an address


class RetryForm(ReasonForm):
    """Asks for a retry. The token is created when the form is shown: the same form posted twice is one retry.

    Args:
        asks_risk: whether the verdict is "risky" and the person may accept that.
    """

    client_token = forms.UUIDField(widget=forms.HiddenInput)
    accept_risk = forms.BooleanField(
        label="I know that it may run twice and accept that", required=False, widget=forms.CheckboxInput
    )

    # What the page says of it, which is what is accepted: codes, empty for who posts the form without having it.
    shown = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    field_order = ["reason", "accept_risk", "client_token", "shown"]

    def __init__(self, *args: Any, asks_risk: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = "Kept in the history and the audit trail."
        self.fields["client_token"].initial = uuid.uuid4
        if not asks_risk:
            del self.fields["accept_risk"]

    def show_anew(self, shown: str) -> None:
        """Has a form that was sent stand beside what the page says by now; what was accepted of another is not."""
        data = self.data.copy()
        if data.get("shown") not in ("", None, shown):
            data.pop("accept_risk", None)
        data["shown"] = shown
        self.data = data


def encode_key(key: Key) -> str:
    """Writes a place in the list as a part of an address: microseconds since 1970 (or n) and the primary key."""
    if key.started is None:
        return f"n-{key.pk}"
    since = key.started - datetime(1970, 1, 1, tzinfo=UTC)
    return f"{since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds}-{key.pk}"


def decode_key(text: str) -> Key:
    """Reads the place that `encode_key` wrote.

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
    """Takes a place in the list of executions."""

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


class RecordOfField(IdField):
    """Takes the primary key of a run that was about a record, or "none", which becomes `NO_RECORD`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.coerce = lambda value: NO_RECORD if value == NONE_KNOWN else int(value)

    def valid_value(self, value: Any) -> bool:
        return value == NONE_KNOWN or super().valid_value(value)


class ExecutionFilterForm(FilterForm):
    """Reads what the list of executions is narrowed to, and the place in it."""

    text = TextField("Search", "error text or id")
    status = OneOfField(
        [
            ("failed", "Failed"),
            ("success", "Success"),
            (FINISHED, "Finished"),
            ("running", "Running"),
            (STUCK, "Stuck"),
            (WAITING, "Failed, Zoho may retry"),
            (MADE_GOOD, "Failed, fixed by a retry"),
            (RETRY, "Run of a retry"),
            (OTHER, "Any other"),
        ],
        "Status",
        "All",
    )
    outcome = OneOfField([*Failure.Fate.choices, (EVER_FAILED, "Any, but it failed once")], "Outcome", "Any")
    flow = FlowField()
    start = TimeField(label="Started from")
    end = TimeField(label="Started before")
    problem = IdField(label="Problem")
    batch = IdField(label="Batch")
    record = RecordOfField(label="Record")
    failed_from = TimeField(label="Failed from")
    failed_before = TimeField(label="Failed before")
    after = KeyField()
    before = KeyField()
    page = None

    places = ("after", "before")
    # Links from counts set these: they are shown where they are set, so that a person sees what narrows the list.
    set_by_links = ("problem", "batch", "record", "failed_from", "failed_before")
    field_order = ["text", "status", "outcome", "flow", "account", "start", "end", *set_by_links]

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        problem = data.get("problem", "")
        if problem and self.fields["problem"].valid_value(problem):
            known = Problem.objects.filter(pk=int(problem)).values_list("pk", "title")
            self.offer("problem", [(pk, mask_text(title)) for pk, title in known])
        batch = data.get("batch", "")
        self.offer("batch", [(batch, f"Batch {batch}")] if self.fields["batch"].valid_value(batch) else [])
        self.offer("record", self._records(data.get("record", "")))
        for name in self.set_by_links:
            if not data.get(name):
                self.fields[name].widget = forms.HiddenInput()

    def _records(self, chosen: str) -> list[tuple[str, str]]:
        """Returns the choices of records: that of one run is told by the run's id, never by its own."""
        offered = [(NONE_KNOWN, "None is known")]
        if chosen and chosen != NONE_KNOWN and self.fields["record"].valid_value(chosen):
            runs = Execution.objects.filter(pk=int(chosen)).values_list("execution_id", flat=True)
            offered += [(chosen, f"That of run {run}") for run in runs]
        return offered

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        start, end = cleaned.get("start"), cleaned.get("end")
        if start and end and end <= start:
            # Typed times that the clock skips are one moment, with nothing between; of one that it shows twice only the
            # second may be after the start.
            again = second_moment_of(end, timezone.get_current_timezone())
            if again is not None and again > start:
                cleaned["end"] = again
            elif end < start or self.data["start"].strip() == self.data["end"].strip():
                self.add_error("end", "This is not after the start.")
        return cleaned

    def wanted(self) -> ExecutionFilter:
        cleaned = self.cleaned_data
        return ExecutionFilter(
            account_id=cleaned["account"],
            flow_id=cleaned["flow"],
            status=cleaned["status"],
            start=cleaned["start"],
            end=cleaned["end"],
            text=cleaned["text"],
            outcome=cleaned["outcome"],
            problem_id=cleaned["problem"],
            batch_id=cleaned["batch"],
            record_of=cleaned["record"],
            failed_from=cleaned["failed_from"],
            failed_before=cleaned["failed_before"],
            after=cleaned["after"],
            before=cleaned["before"],
            now=timezone.now() if cleaned["status"] in DERIVED else None,
        )
