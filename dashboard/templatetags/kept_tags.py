"""Keeps parts of the frame that are the same again and again: each is painted once for what it shows."""

from __future__ import annotations

import secrets
from typing import Any

from django import template
from django.core.signals import setting_changed
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.template.context import Context
from django.utils.safestring import SafeString

from monitor import languages

MOST = 256  # of one part; what a person's own name stands in is kept for so many people
# What is another one in each answer: in what is kept stand these, which nobody can know and write.
_PUT_IN = {name: f"{name}-{secrets.token_hex(16)}" for name in ("CSP_NONCE", "csrf_token")}

register = template.Library()


class KeptNode(template.Node):
    """Paints what is between `kept` and `endkept`, or gives what it painted of the same values before."""

    def __init__(self, values: dict[str, FilterExpression], nodelist: NodeList) -> None:
        self.values, self.nodelist = values, nodelist
        self.painted: dict[tuple[Any, ...], str] = {}
        # Settings change in tests alone, and parts show some.
        setting_changed.connect(self.forget)

    def forget(self, **_: Any) -> None:
        """Lets all of it be painted anew."""
        self.painted.clear()

    def render(self, context: Context) -> SafeString:
        """Gives the part with this answer's own nonce and token."""
        values = {name: value.resolve(context) for name, value in self.values.items()}
        # Words that are safe as they are, and the same ones that are not, are equal.
        key = (languages.current(), *((type(value), value) for value in values.values()))
        painted = self.painted.get(key)
        if painted is None:
            # Nothing else of the page is there: the part cannot show what it is not kept by.
            painted = self.nodelist.render(context.new({**values, **_PUT_IN}))
            if len(self.painted) >= MOST:
                self.painted.clear()
            self.painted[key] = painted
        for name, stand_in in _PUT_IN.items():
            if stand_in in painted:
                painted = painted.replace(stand_in, str(context.get(name, "")))
        return SafeString(painted)


@register.tag
def kept(parser: Parser, token: Token) -> KeptNode:
    """Keeps a part by what it shows: `{% kept menu=menu name=user.username %} … {% endkept %}`.

    Between the two nothing of the page is known but these values, the nonce and the token of forms. They have to be
    hashable, and the part may not go by the time, the viewer's zone or a setting.
    """
    bits = token.split_contents()[1:]
    values = token_kwargs(bits, parser)
    if bits:
        raise template.TemplateSyntaxError(f"kept takes name=value, not {bits}")
    nodelist = parser.parse(("endkept",))
    parser.delete_first_token()
    return KeptNode(values, nodelist)
