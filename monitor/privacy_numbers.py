"""Judges numbers, addresses of computers and random text for masking: what may be a person's is hidden. Pure.

`monitor.privacy` asks; what the patterns are stands in `monitor.privacy_rules`.
"""

from __future__ import annotations

import ipaddress
import re

from monitor import privacy_rules as rules

SECRET = "[secret]"  # noqa: S105 - what stands in its place


def ip_address(match: re.Match[str]) -> str:
    """Hides what is an address of version 6, in whichever form; a time of day and a name in code are none."""
    bare = match[0].partition("%")[0].strip("[]")
    try:
        ipaddress.IPv6Address(bare)
    except ValueError:
        return match[0]
    return "[IP address]"


def dotted_run(match: re.Match[str]) -> str:
    """Hides an address of version 4; a version of a program is written alike and stays where it is called so."""
    is_version = rules.VERSION_BEFORE.search(match.string[max(0, match.start() - 16) : match.start()])
    return match[0] if is_version else "[IP address]"


def mixed_run(match: re.Match[str]) -> str:
    """Letters and digits mixed are a token or a key; words, however long, and codes of words and numbers stay."""
    run = match[0]
    is_mixed = any(char.isdecimal() for char in run) and any(char.isalpha() for char in run)
    return SECRET if is_mixed and not rules.is_words(run) else run


def random_run(match: re.Match[str]) -> str:
    return SECRET if rules.is_random(match[0]) else match[0]


def long_number(match: re.Match[str]) -> str:
    """Long numbers may be anybody's; dates and amounts are nobody's."""
    text, start, end = match.string, match.start(), match.end()
    around = text[max(0, start - 24) : start], text[end : end + 24]
    is_nobody_s = rules.is_amount(match[0], *around) or rules.is_counted(match[0], *around)
    return match[0] if is_nobody_s else "[number]"


def number(match: re.Match[str]) -> str:
    run, text = match[0], match.string
    digits = digits_of(run)
    if rules.is_counted(run, text[max(0, match.start() - 24) : match.start()], text[match.end() : match.end() + 24]):
        return run
    if len(digits) < 7 or rules.DATE.fullmatch(run) or rules.AMOUNT.fullmatch(run):
        return run
    if rules.is_card(digits, is_bare=run.isdecimal()) and not run.startswith("+"):
        return "[card]"
    if len(digits) > 15 and any(char.isspace() for char in run):
        return several_numbers(run)
    return "[phone]" if rules.is_phone(run, len(digits)) else run


def several_numbers(run: str) -> str:
    """Judges numbers with only spaces between them apart, where one is too long for a telephone."""
    shown: list[str] = []
    waiting: list[str] = []
    pieces = run.split()
    for piece in [*pieces, "0" * 16]:
        if len(digits_of(piece)) < 14:
            waiting.append(piece)
            continue
        if waiting:
            shown.append(rules.NUMBER.sub(number, " ".join(waiting)) if len(waiting) < len(pieces) else "[phone]")
            waiting = []
        shown.append("[card]" if rules.is_card(digits_of(piece), is_bare=piece.isdecimal()) else piece)
    return " ".join(shown[:-1])


def digits_of(text: str) -> str:
    return "".join(str(int(char)) for char in text if char.isdecimal())
