"""Gives templates Django's `translate` and `blocktranslate`, which cost nothing where English is read.

They are there without a `load`. Django's own ask four times on the way to each text whether it has a translation.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import template
from django.template.base import Parser, Token, render_value_in_context
from django.template.context import Context
from django.templatetags import i18n
from django.utils.safestring import SafeString
from django.utils.translation import trim_whitespace

from monitor import languages, sentences

register = template.Library()


@register.simple_tag
def page_language() -> str:
    """Writes the page's language, for the `lang` of its markup."""
    return languages.of_page()


class LeanTranslateNode(template.Node):
    """Says a text that stands in the template.

    Args:
        node: Django's own, which says it in other languages.
        text: as it is in English.
    """

    def __init__(self, node: i18n.TranslateNode, text: str) -> None:
        self.node, self.text = node, SafeString(text)

    def render(self, context: Context) -> str:
        """Gives the text, or sets the variable that it is for."""
        if languages.current() != languages.SOURCE:
            return self.node.render(context)
        if self.node.asvar:
            context[self.node.asvar] = self.text
            return ""
        return self.text


class LeanBlockNode(template.Node):
    """Says a text with values in it.

    Args:
        node: Django's own, which says it in other languages.
    """

    def __init__(self, node: i18n.BlockTranslateNode) -> None:
        self.node = node
        self.one, self.many = self._message(node.singular), self._message(node.plural)

    def _message(self, tokens: list[Token]) -> tuple[str, list[str]]:
        text, names = self.node.render_token_list(tokens)
        return (trim_whitespace(text) if self.node.trimmed else text), names

    def render(self, context: Context) -> str:
        """Gives the text, or sets the variable that it is for."""
        node = self.node
        if languages.current() != languages.SOURCE:
            return node.render(context)
        with context.push(**{name: value.resolve(context) for name, value in node.extra_context.items()}):
            text, names = self.one
            if node.plural and node.countervar and node.counter:
                count = context[node.countervar] = node.counter.resolve(context)
                if not isinstance(count, int | float | Decimal):
                    raise template.TemplateSyntaxError(f"{node.countervar!r} of a text with a plural is no number")
                text, names = self.one if count == 1 else self.many
            said = text % {name: _shown(context, name) for name in names}
        if node.asvar:
            context[node.asvar] = SafeString(said)
            return ""
        return said


def _shown(context: Context, name: str) -> str:
    missing = context.template.engine.string_if_invalid if context.template else ""
    return str(render_value_in_context(context.get(name, missing), context))


@register.filter
def inside(label: str) -> str:
    """Says the words of a state within a sentence: `{{ incident.get_closed_how_display|inside }}`."""
    return sentences.inside(label)


@register.filter
def in_sentence(words: str) -> str:
    """Writes words that are said already as they stand within a sentence: German nouns keep their capitals."""
    return words.lower() if languages.current() == languages.SOURCE else words


@register.tag
def translate(parser: Parser, token: Token) -> template.Node:
    """Says a text: `{% translate "Sign in" %}`; further words as in Django's own."""
    node = i18n.do_translate(parser, token)
    expression: Any = node.filter_expression
    text = getattr(expression.var, "literal", None)
    return LeanTranslateNode(node, text) if isinstance(text, str) and not expression.filters else node


@register.tag
def blocktranslate(parser: Parser, token: Token) -> template.Node:
    """Says a text with values in it: `{% blocktranslate with n=name %}{{ n }} failed{% endblocktranslate %}`."""
    return LeanBlockNode(i18n.do_block_translate(parser, token))
