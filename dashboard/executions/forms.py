"""Reads the filters of the list of executions; asks for a retry."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone

from dashboard.columns import NAME as COLUMNS
from dashboard.columns import Column, ColumnsField
from dashboard.executions import search_words
from dashboard.filters import BIGGEST_ID, FilterForm, IdField, OneOfField, PlaceField, TextField, TimeField, is_key
from dashboard.flow_field import FlowField
from dashboard.moments import moment_text, read_moment
from dashboard.period_field import PRESETS, PeriodField
from dashboard.reasons import ReasonForm
from monitor import languages
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy
from monitor.models import Execution, Failure, Problem, ZohoAccount
from monitor.periods import second_moment_of, span_of
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

RUN_COLUMNS = (
    Column("status", gettext_lazy("Status"), ("status",)),
    Column("flow", gettext_lazy("Flow"), ("flow_id", "flow_name")),
    Column("time", gettext_lazy("Run time"), ("duration_ms",)),
    Column("ended", gettext_lazy("Ended"), ("completed_time",), is_usual=False),
    Column("error", gettext_lazy("Error"), ("error_code", "error_message", "error_details")),
    Column("id", gettext_lazy("Zoho's id"), ("execution_id",)),
)
NONE_KNOWN = "none"  # of records, in an address


class RetryForm(ReasonForm):
    """Asks for a retry. The token is created when the form is shown: the same form posted twice is one retry.

    Args:
        asks_risk: whether the verdict is "risky" and the person may accept that.
    """

    client_token = forms.UUIDField(widget=forms.HiddenInput)
    accept_risk = forms.BooleanField(
        label=gettext_lazy("I know that it may run twice and accept that"), required=False, widget=forms.CheckboxInput
    )

    # What the page says of it, which is what is accepted: codes, empty for who posts the form without having it.
    shown = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    field_order = ["reason", "accept_risk", "client_token", "shown"]

    def __init__(self, *args: Any, asks_risk: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = _("Kept in the history and the audit trail.")
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
    return f"{moment_text(key.started)}-{key.pk}"


def decode_key(text: str) -> Key:
    """Reads the place that `encode_key` wrote.

    Raises:
        ValueError: it did not write this.
    """
    stamp, __, pk = text.partition("-")
    if len(text) > 40 or not (pk.isascii() and pk.isdigit()) or int(pk) > BIGGEST_ID:
        raise ValueError("not a place in the list")
    if stamp == "n":
        return Key(None, int(pk))
    return Key(read_moment(stamp), int(pk))


class RecordOfField(IdField):
    """Takes the primary key of a run that was about a record, or "none", which becomes `NO_RECORD`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.coerce = lambda value: NO_RECORD if value == NONE_KNOWN else int(value)

    def valid_value(self, value: Any) -> bool:
        return value == NONE_KNOWN or super().valid_value(value)


@dataclass(frozen=True, slots=True)
class Chip:
    """Holds a filter that is set: what it is, what it is set to, and the query string of the list without it."""

    label: str
    words: str
    query: str


@dataclass(frozen=True, slots=True)
class Preset:
    """Holds a stretch of time that is chosen by one click, and the query string of the list with it."""

    words: str
    query: str
    is_chosen: bool


def _by_keys(found: dict[str, str]) -> dict[str, str]:
    """Puts an account's key for its name.

    Raises:
        SearchError: no account, or more than one, has this name.
    """
    name = found.get("account")
    if name is None or is_key(name):
        return found
    keys = [pk for pk, known in ZohoAccount.objects.values_list("pk", "name") if known.casefold() == name.casefold()]
    if len(keys) != 1:
        raise search_words.SearchError(_("There is no account “%(name)s”.") % {"name": name})
    return found | {"account": str(keys[0])}


def _replaced_by(found: dict[str, str]) -> set[str]:
    """Names the filters that give way to those of a search."""
    times = {"start", "end", "period"}
    return {*found, *(("period",) if times & found.keys() else ()), *(times if "period" in found else ())}


@lru_cache(maxsize=len(languages.LANGUAGES))
def _choices(language: str) -> dict[str, dict[str, str]]:
    """Returns, of each filter that takes one of some words, its codes by how people may write them.

    Args:
        language: the one that is spoken now: words are remembered by it.
    """
    found = {}
    for name in ("status", "outcome"):
        offered = [(str(code), str(words)) for code, words in ExecutionFilterForm.base_fields[name].choices if code]
        found[name] = {words.casefold(): code for code, words in offered} | {code: code for code, __ in offered}
    return found


class ExecutionFilterForm(FilterForm):
    """Reads what the list of executions is narrowed to, and the place in it."""

    q = TextField(gettext_lazy("Search"), gettext_lazy("words, or status:failed since:7d"), longest=500)
    text = TextField(gettext_lazy("Error"), gettext_lazy("error text or id"), widget=forms.HiddenInput)
    status = OneOfField(
        [
            ("failed", gettext_lazy("Failed")),
            ("success", gettext_lazy("Success")),
            (FINISHED, gettext_lazy("Finished")),
            ("running", gettext_lazy("Running")),
            (STUCK, gettext_lazy("Stuck")),
            (WAITING, gettext_lazy("Failed, Zoho may retry")),
            (MADE_GOOD, gettext_lazy("Failed, fixed by a retry")),
            (RETRY, gettext_lazy("Run of a retry")),
            (OTHER, gettext_lazy("Any other")),
        ],
        gettext_lazy("Status"),
        gettext_lazy("All"),
    )
    outcome = OneOfField(
        [
            *((code, gettext_lazy(words)) for code, words in Failure.Fate.choices),
            (EVER_FAILED, gettext_lazy("Any, but it failed once")),
        ],
        gettext_lazy("Outcome"),
        gettext_lazy("Any"),
    )
    flow = FlowField()
    start = TimeField(label=gettext_lazy("Started from"))
    end = TimeField(label=gettext_lazy("Started before"))
    period = PeriodField()
    problem = IdField(label=gettext_lazy("Problem"))
    batch = IdField(label=gettext_lazy("Batch"))
    record = RecordOfField(label=gettext_lazy("Record"))
    failed_from = TimeField(label=gettext_lazy("Failed from"))
    failed_before = TimeField(label=gettext_lazy("Failed before"))
    after = PlaceField(decode_key)
    before = PlaceField(decode_key)
    columns = ColumnsField(RUN_COLUMNS, first=("started_time",))
    page = None

    places = ("after", "before")
    folded = ("outcome", "start", "end")
    search_fields = search_words.OFFERED
    # Links from counts set these: they are shown where they are set, so that a person sees what narrows the list.
    set_by_links = ("problem", "batch", "record", "failed_from", "failed_before")
    field_order = ["q", "status", "flow", "account", "outcome", "start", "end", "text", "period", *set_by_links]

    def __init__(self, data: QueryDict) -> None:
        self._q_error = ""
        read = self._read(data)
        super().__init__(read)
        # What was typed as a search stands in the address as the filters that it says; typed times replace a period.
        self._is_rewritten |= read is not data
        problem = data.get("problem", "")
        if problem and self.fields["problem"].valid_value(problem):
            known = Problem.objects.filter(pk=int(problem)).values_list("pk", "title")
            self.offer("problem", [(pk, mask_text(title)) for pk, title in known])
        batch = data.get("batch", "")
        self.offer(
            "batch", [(batch, _("Batch %(key)s") % {"key": batch})] if self.fields["batch"].valid_value(batch) else []
        )
        self.offer("record", self._records(data.get("record", "")))
        for name in self.set_by_links:
            if not data.get(name):
                self.fields[name].widget = forms.HiddenInput()

    def _read(self, data: QueryDict) -> QueryDict:
        """Returns what the address asks for, with the filters that a typed search says instead of the search."""
        typed, read = data.get("q", "").strip(), data
        if typed and len(typed) <= self.base_fields["q"].max_length:
            try:
                found = _by_keys(search_words.read(typed, _choices(languages.current())))
            except search_words.SearchError as error:
                self._q_error = str(error)
                return data
            read = self.own(data, "q", *self.places, *_replaced_by(found))
            for name, value in found.items():
                read[name] = value
        if read.get("period") and (read.get("start") or read.get("end")):
            read = self.own(read, "period", *self.places)
        return read

    def clean_q(self) -> str:
        if self._q_error:
            raise forms.ValidationError(self._q_error, code="search")
        return str(self.cleaned_data["q"])

    @property
    def chips(self) -> list[Chip]:
        """Returns the filters that are set, each with the address of the list without it."""
        kept = self.own(self.data, *self.places)
        return [
            Chip(str(self.fields[name].label), self._shown(name, value), self.own(kept, name).urlencode())
            for name in self.fields
            if name not in ("q", COLUMNS) and (value := kept.get(name))
        ]

    @property
    def as_search(self) -> str:
        """Returns what is set as a search that says the same, for who wants to type the next one."""
        known = {*search_words.FIELDS.values(), "period"}
        kept = {name: value for name, value in self.own(self.data).items() if name in known}
        return search_words.write(kept | ({"flow": self._shown("flow", kept["flow"])} if "flow" in kept else {}))

    @property
    def presets(self) -> list[Preset]:
        """Returns stretches of time that are chosen by one click, with the address of each."""
        kept, chosen = self.own(self.data, "start", "end", "period", *self.places), self.data.get("period", "")
        found = []
        for span, words in PRESETS.items():
            query = kept.copy()
            query["period"] = span
            found.append(Preset(words, query.urlencode(), is_chosen=span == chosen))
        return found

    def _shown(self, name: str, value: str) -> str:
        """Writes what a filter is set to, for people."""
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            return next((str(words) for code, words in field.choices if str(code) == value), value)
        shown = field.words(value) if isinstance(field, PeriodField) else field.prepare_value(value)
        return f"{shown:%Y-%m-%d %H:%M}" if isinstance(shown, datetime) else str(shown)

    def _records(self, chosen: str) -> list[tuple[str, str]]:
        """Returns the choices of records: that of one run is told by the run's id, never by its own."""
        offered = [(NONE_KNOWN, _("None is known"))]
        if chosen and chosen != NONE_KNOWN and self.fields["record"].valid_value(chosen):
            runs = Execution.objects.filter(pk=int(chosen)).values_list("execution_id", flat=True)
            offered += [(chosen, _("That of run %(id)s") % {"id": run}) for run in runs]
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
                self.add_error("end", _("This is not after the start."))
        return cleaned

    def wanted(self) -> ExecutionFilter:
        cleaned, now = self.cleaned_data, timezone.now()
        span = span_of(cleaned["period"], now, timezone.get_current_timezone())
        return ExecutionFilter(
            account_id=cleaned["account"],
            flow_id=cleaned["flow"],
            status=cleaned["status"],
            start=span.start if span else cleaned["start"],
            # What is under way has no end: Zoho's clock may be ahead of ours.
            end=(span.end if span.end < now else None) if span else cleaned["end"],
            text=cleaned["text"],
            outcome=cleaned["outcome"],
            problem_id=cleaned["problem"],
            batch_id=cleaned["batch"],
            record_of=cleaned["record"],
            failed_from=cleaned["failed_from"],
            failed_before=cleaned["failed_before"],
            after=cleaned["after"],
            before=cleaned["before"],
            now=now if cleaned["status"] in DERIVED else None,
        )
