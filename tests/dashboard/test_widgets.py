"""Fields of forms are written as Django's own templates write them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django import forms
from django.conf import settings
from django.forms.renderers import DjangoTemplates
from django.utils.safestring import SafeString
from hypothesis import given
from hypothesis import strategies as st

from dashboard.widgets import LeanRenderer, paint_field

WORDS = st.text("ab<>&\"' é", max_size=12)
SAFE = WORDS.map(lambda word: SafeString(f"<b>{word}</b>"))
VALUES = WORDS | SAFE | st.integers() | st.booleans() | st.none()
ATTRIBUTES = st.dictionaries(st.sampled_from(("id", "class", "required", "max")), VALUES, max_size=4)
INPUTS: list[type[forms.Widget]] = [
    forms.TextInput, forms.NumberInput, forms.EmailInput, forms.URLInput, forms.PasswordInput, forms.HiddenInput,
    forms.DateInput, forms.DateTimeInput, forms.TimeInput, forms.CheckboxInput, forms.Textarea,
]  # fmt: skip


BETWEEN_OPTIONS = re.compile(r"\n *\n")  # each option's own template ends in an empty line


def lean(widget: forms.Widget, value: Any, attrs: dict[str, Any]) -> str:
    return BETWEEN_OPTIONS.sub("\n", widget.render("name<", value, attrs, LeanRenderer()))


def usual(widget: forms.Widget, value: Any, attrs: dict[str, Any]) -> str:
    return BETWEEN_OPTIONS.sub("\n", widget.render("name<", value, attrs, DjangoTemplates()))


@given(kind=st.sampled_from(INPUTS), value=VALUES, attrs=ATTRIBUTES)
def test_an_input_is_written_as_django_writes_it(kind: type[forms.Widget], value: Any, attrs: dict[str, Any]) -> None:
    assert lean(kind(), value, attrs) == usual(kind(), value, attrs)


OPTIONS = st.tuples(WORDS | st.integers(), WORDS | SAFE | st.integers())
GROUPS = st.tuples(WORDS, st.lists(OPTIONS, max_size=2))


@given(choices=st.lists(OPTIONS | GROUPS, max_size=3), value=WORDS | st.integers() | st.none(), attrs=ATTRIBUTES)
def test_a_select_is_written_as_django_writes_it(choices: list[Any], value: Any, attrs: dict[str, Any]) -> None:
    one, many = forms.Select(choices=choices), forms.SelectMultiple(choices=choices)
    assert lean(one, value, attrs) == usual(one, value, attrs)
    assert lean(many, [value], attrs) == usual(many, [value], attrs)


def test_an_empty_choice_and_ticks_are_written_as_django_writes_them() -> None:
    empty, ticks = forms.NullBooleanSelect(), forms.CheckboxSelectMultiple(choices=[("a", "A"), ("b", "<B>")])
    assert lean(empty, "true", {"id": "x"}) == usual(empty, "true", {"id": "x"})
    assert lean(ticks, ["b"], {"id": "x"}) == usual(ticks, ["b"], {"id": "x"})


@pytest.mark.parametrize("kind", [*INPUTS, forms.Select])
def test_what_is_written_lean_needs_no_template(kind: type[forms.Widget], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any, name: str) -> Any:
        raise AssertionError(f"{name} was loaded")

    monkeypatch.setattr(LeanRenderer, "get_template", refuse)
    assert "name" in kind().render("name", "1", {}, LeanRenderer())
    assert settings.FORM_RENDERER == "dashboard.widgets.LeanRenderer"


class Asked(forms.Form):
    """One field of each look."""

    name = forms.CharField(label="Name <b>", help_text="As it <i> is", max_length=3)
    agrees = forms.BooleanField(label="I agree", required=False)


def test_a_field_is_painted_with_its_label_help_and_errors_tied_to_it() -> None:
    form = Asked({"name": "<long>"})
    painted = paint_field(form["name"], wide=True)
    assert painted.startswith('<div class="field field--wide">\n<label for="id_name">Name &lt;b&gt;</label>\n<input ')
    assert 'aria-describedby="id_name_helptext' in painted
    assert '<div class="help" id="id_name_helptext">As it &lt;i&gt; is</div>' in painted
    assert '<div class="error" id="id_name_error"><div>Ensure this value has at most 3 characters' in painted
    assert "<long>" not in painted


def test_a_tick_stands_before_its_label() -> None:
    painted = paint_field(Asked()["agrees"])
    assert painted.startswith('<div class="field field--check">\n<input type="checkbox"')
    assert painted.endswith('>\n<label for="id_agrees">I agree</label>\n</div>')
