"""Each kind of condition has a form that asks for its options and lets nothing through that the condition refuses."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms

from monitor.alerting.kinds import condition_kinds
from monitor.alerting.kinds.interface import at_pace
from monitor.alerting.kinds.options_form import OptionsForm, kind_forms, usual_options
from monitor.alerting.kinds.usual import UsualPace

KINDS = sorted(kind_forms())


def filled_in(kind: str, **fields: Any) -> OptionsForm:
    """A form of a kind as a browser sends it when nothing was changed, but for some fields."""
    empty = kind_forms()[kind]()
    usual = {name: empty.initial.get(name, "") for name in empty.fields}
    return kind_forms()[kind]({name: value for name, value in (usual | fields).items() if value not in (None, "")})


def test_each_kind_has_a_form():
    assert sorted(condition_kinds()) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_says_in_a_sentence_what_it_notices_and_when_it_is_the_right_one(kind):
    form = kind_forms()[kind]
    assert form.kind == kind
    for sentence in (form.notices, form.fits):
        assert sentence.endswith(".")
        assert len(sentence) <= 150


@pytest.mark.parametrize("kind", KINDS)
def test_each_number_says_its_unit_or_what_it_counts(kind):
    for name, field in kind_forms()[kind].base_fields.items():
        assert field.label, name
        assert field.help_text, name


@pytest.mark.parametrize("kind", KINDS)
def test_a_form_that_nobody_changed_makes_the_usual_condition(kind):
    form = filled_in(kind)
    assert form.is_valid(), form.errors
    assert form.condition() == condition_kinds()[kind]()


@pytest.mark.parametrize("kind", KINDS)
def test_the_bounds_of_the_form_are_no_wider_than_those_of_the_condition(kind):
    for name, field in kind_forms()[kind].base_fields.items():
        if name not in usual_options(kind) or not isinstance(field, forms.IntegerField):
            continue
        for bound in (field.min_value, field.max_value):
            form = filled_in(kind, **{name: bound})
            if not form.is_valid():  # two options that do not go together are named at the one that was given
                assert "must be above" in str(form.errors) or "lower than" in str(form.errors), (name, bound)
        assert not filled_in(kind, **{name: field.min_value - 1}).is_valid()
        assert not filled_in(kind, **{name: field.max_value + 1}).is_valid()


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400", "ten", "٣x", "--"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_number_is_refused_in_one_line(kind, value):
    for name, field in kind_forms()[kind].base_fields.items():
        if isinstance(field, forms.IntegerField):
            form = filled_in(kind, **{name: value})
            assert not form.is_valid()
            assert len(form.errors[name]) == 1


def test_options_that_do_not_go_together_are_refused_at_their_field():
    form = filled_in("failing_now", worth_waking="10", floor="12")
    assert not form.is_valid()
    assert form.errors == {"worth_waking": ["Worth waking somebody for (% of runs failing) must be above the floor."]}


def test_failing_now_says_from_the_exact_run_length_how_soon_it_finds_what():
    form = filled_in("failing_now")
    form.usual = UsualPace(runs_a_day=50, failing=0.03)
    assert form.is_valid()
    told = form.told(form.condition())
    assert told[0].startswith("Where 3.0 % of the runs usually fail, a total outage is found after ")
    assert told[1] == "At the usual pace of its flows: at most one false alert in 10 months."


@pytest.mark.parametrize(
    ("runs_a_day", "length", "said"), [(5_000, 150_000, "a month"), (10, 15_000, "50 months"), (0, 15_000, None)]
)
def test_a_budget_of_one_false_alert_a_month_makes_the_run_length_as_long_as_the_pace_asks(runs_a_day, length, said):
    form = filled_in("failing_now", false_alerts="1")
    form.usual = UsualPace(runs_a_day=runs_a_day, failing=0.03)
    assert form.is_valid()
    assert (form.options()["run_length"], form.options()["false_alerts"]) == (15_000, 1.0), "it is kept as a budget"
    found = at_pace(form.condition(), form.usual.runs_a_month).run_length
    assert length <= found <= 1.1 * length
    told = form.told(form.condition())
    assert (told[1:] or None) == (
        said
        and [
            f"At the usual pace of its flows: at most one false alert in {said}.",
            f"For that it lets {found:,} runs lie between two of them.",
        ]
    )


def test_a_window_that_usually_holds_too_few_runs_is_said_beforehand():
    form = filled_in("success_rate", window_hours="24", min_runs="20")
    form.usual = UsualPace(runs_a_day=3)
    assert form.is_valid()
    (said,) = form.told(form.condition())
    assert "the window holds 3.0 runs and 20 are needed" in said
    form.usual = UsualPace(runs_a_day=20)
    assert form.told(form.condition()) == []
