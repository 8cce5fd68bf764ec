"""Names static files in templates."""

from __future__ import annotations

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from dashboard import staticfiles

register = template.Library()


@register.simple_tag
def stylesheets() -> SafeString:
    """Links the style sheets of every page (`dashboard.staticfiles`)."""
    links = ((address,) for address in staticfiles.stylesheets())
    return format_html_join("\n", '<link rel="stylesheet" href="{}">', links)
