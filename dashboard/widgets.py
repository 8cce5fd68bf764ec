"""Writes the fields of forms: the same markup as Django's own templates for them, without a template for each option.

A select of 600 time zones is 1,200 templates otherwise, and takes ten times as long as the rest of its page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

from django.db.models import Model, QuerySet
from django.forms import BaseForm, BoundField, ModelChoiceField
from django.forms.renderers import DjangoTemplates
from django.forms.widgets import ChoiceWidget
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from dashboard.paint import safe
from monitor.models.asking import read_at_once

_INPUTS = ("text", "number", "email", "url", "password", "hidden", "date", "datetime", "time", "search", "tel")


class LeanRenderer(DjangoTemplates):
    """Renders inputs, selects and text areas in Python, and what is rarer by Django's templates."""

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        write = _WRITERS.get(template_name)
        return write(context["widget"]) if write else super().render(template_name, context, request)


def paint_field(field: BoundField, *, wide: bool = False) -> SafeString:
    """Paints a field with its label, its help and what is wrong with it, tied together for assistive technology.

    Args:
        field: of a form.
        wide: whether it takes the room of two.
    """
    is_tick, shown, errors = field.widget_type == "checkbox", str(field), field.errors
    key = conditional_escape(field.auto_id)
    parts = [f'<div class="field{" field--check" if is_tick else ""}{" field--wide" if wide else ""}">']
    label = f'<label for="{conditional_escape(field.id_for_label)}">{conditional_escape(field.label)}</label>'
    parts += [shown, label] if is_tick else [label, shown]
    if field.help_text:
        parts.append(f'<div class="help" id="{key}_helptext">{conditional_escape(field.help_text)}</div>')
    if errors:
        words = "".join(f"<div>{conditional_escape(error)}</div>" for error in errors)
        parts.append(f'<div class="error" id="{key}_error">{words}</div>')
    parts.append("</div>")
    return safe("\n".join(parts))


def offer_rows(field: ModelChoiceField, rows: Iterable[Model]) -> None:
    """Offers rows in a select that are read already, and spares it its own question: what is sent is still looked up.

    Args:
        field: of a form.
        rows: in their order.
    """
    offered = [(field.prepare_value(row), field.label_from_instance(row)) for row in rows]
    field.choices = [("", field.empty_label), *offered] if field.empty_label is not None else offered


def read_choices(*forms: BaseForm) -> None:
    """Reads what the selects of forms offer in one statement, each of several that offer the same once."""
    asked: dict[tuple[type[Model], str], tuple[QuerySet[Any], list[ModelChoiceField]]] = {}
    for form in forms:
        for field in form.fields.values():
            if isinstance(field, ModelChoiceField) and isinstance(field.widget, ChoiceWidget):
                rows = field.queryset
                asked.setdefault((rows.model, str(rows.query)), (rows, []))[1].append(field)
    found = read_at_once([rows for rows, _ in asked.values()]) if asked else []
    for (_, fields), rows in zip(asked.values(), found, strict=True):
        for field in fields:
            offer_rows(field, rows)


def _input(widget: Mapping[str, Any]) -> str:
    value = widget["value"]
    shown = "" if value is None else f' value="{_escaped(value)}"'
    return f'<input type="{_escaped(widget["type"])}" name="{_escaped(widget["name"])}"{shown}{_attributes(widget)}>'


def _textarea(widget: Mapping[str, Any]) -> str:
    text = _escaped(widget["value"] or "")
    return f'<textarea name="{_escaped(widget["name"])}"{_attributes(widget)}>\n{text}</textarea>'


def _select(widget: Mapping[str, Any]) -> str:
    parts = [f'<select name="{_escaped(widget["name"])}"{_attributes(widget)}>']
    for group, options, _ in widget["optgroups"]:
        if group:
            parts.append(f'\n  <optgroup label="{_escaped(group)}">')
        parts += [_option(option) for option in options]
        if group:
            parts.append("\n  </optgroup>")
    parts.append("\n</select>")
    return "".join(parts)


def _option(option: Mapping[str, Any]) -> str:
    return f'\n  <option value="{_escaped(option["value"])}"{_attributes(option)}>{_escaped(option["label"])}</option>'


def _attributes(widget: Mapping[str, Any]) -> str:
    """Writes attributes: True stands alone, False not at all."""
    return "".join(
        f" {_escaped(name)}" if value is True else f' {_escaped(name)}="{_escaped(value)}"'
        for name, value in widget["attrs"].items()
        if value is not False
    )


def _escaped(value: Any) -> str:
    return value if isinstance(value, SafeString) else escape(str(value))


_WRITERS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    **{f"django/forms/widgets/{kind}.html": _input for kind in (*_INPUTS, "checkbox")},
    "django/forms/widgets/select.html": _select,
    "django/forms/widgets/textarea.html": _textarea,
}
