"""Paints the small parts that every page repeats: icons, pills, tags, times. Pure; icons are painted once.

The template tags and the rows of the lists are thin layers over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from functools import lru_cache
from html import escape

from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide as lucide_svg

from dashboard import formats, status_labels
from monitor.languages import gettext as _
from monitor.ownership import Owned


@lru_cache(maxsize=512)
def icon(name: str, size: int = 16) -> SafeString:
    """Paints a lucide icon as inline SVG. It only accompanies words, so assistive technology skips it."""
    return SafeString(lucide_svg(name, size=size, **{"class": "icon", "aria-hidden": "true", "focusable": "false"}))


def pill(status: str, label: str = "") -> SafeString:
    """Paints a status of ours: icon, word and colour."""
    return _pill(status_labels.look(status, label))


def zohos_pill(kind: str, status: str) -> SafeString:
    """Paints a status in Zoho's words, of a run, a connection or a connected workflow."""
    return _pill(status_labels.look_of_zohos(kind, status))


def _pill(look: status_labels.Look) -> SafeString:
    # Words are not remembered: they may be Zoho's or people's.
    return safe(f"{_beginning(look.tone, look.icon)}{escape(look.label)}</span>")


@lru_cache(maxsize=512)
def _beginning(tone: str, icon_name: str) -> str:
    return f'<span class="pill pill--{tone}">{icon(icon_name, 14)}'


def tag(words: str, title: str = "") -> SafeString:
    """Paints words as a tag, with what they mean in the tooltip."""
    tooltip = f' title="{escape(title)}"' if title else ""
    return safe(f'<span class="tag"{tooltip}>{escape(words)}</span>')


def owned_line(owned: Owned) -> SafeString:
    """Paints owner and tags of a row of a list in one line; nothing where there are none."""
    if owned.owner is None and not owned.tags:
        return safe("")
    gone = f" ({_('gone')})" if owned.is_gone else ""
    who = f"{escape(owned.name)}{gone}" if owned.owner is not None else ""
    tags = "".join(f' <span class="tag">{escape(word)}</span>' for word in owned.tags)
    return safe(f'<div class="small muted">{who}{tags}</div>')


def count(number: float | None, href: str, tone: str = "") -> SafeString:
    """Paints a number as a link to exactly what it counts; none is no link.

    Args:
        number: how many.
        href: the address of these; empty where there is none.
        tone: a class of the number.
    """
    text = formats.number(number)
    if not number:
        return safe(text)
    if not href:
        return safe(f'<span class="{escape(tone)}">{text}</span>' if tone else text)
    return safe(f'<a class="{escape(tone)}" href="{escape(href)}">{text}</a>')


def table_rows(rows: Iterable[Sequence[tuple[str, str]]]) -> SafeString:
    """Paints the rows of a table of figures: a template that does so cell by cell takes several times as long.

    Args:
        rows: of cells, each its text and where it leads, "" for nowhere; the first one names the row.
    """
    return safe("\n".join(f'<tr><th scope="row">{escape(row[0][0])}</th>{_figures(row[1:])}</tr>' for row in rows))


def _figures(cells: Iterable[tuple[str, str]]) -> str:
    return "".join(f'<td class="num">{_linked(*cell)}</td>' for cell in cells)


def _linked(text: str, href: str) -> str:
    return f'<a href="{escape(href)}">{escape(text)}</a>' if href else escape(text)


def when(at: datetime, zone: tzinfo, this_year: int) -> SafeString:
    """Paints "22 Nov 12:00:05", with the whole date and the zone in the tooltip.

    Args:
        at: the time.
        zone: the viewer's.
        this_year: as it is in that zone, and goes without saying.
    """
    local = timezone.localtime(at, zone)
    return _time(at, local, formats.moment(local, this_year))


def ago(at: datetime, now: datetime, zone: tzinfo) -> SafeString:
    """Paints "5 min ago" with the exact time in the tooltip."""
    return _time(at, timezone.localtime(at, zone), formats.relative(at, now))


def day(at: datetime, zone: tzinfo) -> SafeString:
    """Paints "22 Nov 2026" with the exact time in the tooltip."""
    local = timezone.localtime(at, zone)
    return _time(at, local, formats.date(local))


def _time(at: datetime, local: datetime, words: str) -> SafeString:
    # The parts are our own digits and words and the zone's name for its clock; none can hold markup.
    return safe(f'<time datetime="{at.isoformat()}" title="{formats.exact(local)}">{words}</time>')


def safe(markup: str) -> SafeString:
    """Says of markup that each of its parts is ours or escaped."""
    return mark_safe(markup)  # noqa: S308 - that is what it says
