"""Hostile text costs in proportion to its length: Zoho's texts are not to be trusted with our CPU."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from monitor import privacy_rules
from monitor.privacy import SecretMask, mask_log, mask_name, mask_text

SHORT, LONG = 5_000, 20_000
# Four times the text takes four times as long, and sixteen times with a quadratic pattern.
MOST_GROWTH = 12
# What takes less is never a quadratic pattern at work: that took seconds.
NOTHING = 0.02
PIECES = [
    " ", '"', "1", "_", "a", "aB3", "key=", "@", ".", "-", "=", ":", "/", "\\", "\n", "    ", "+", "(", "1 ", "1.",
    "a-", "a=", "a@", "token=", 'token: "', "DE89 ", "eyJ-", "-eyJaaaaaaaa", "basic ", "x://", "http://", "https://a:",
    "/webhook/a", "hook", "/hook",
    "-----BEGIN PRIVATE KEY-----", "[secret:", "1 12345678901234567 ", 'password="\\', "name=token,", "2026-11-22 ",
    "authorization", "authorization ", "File \"", "    a = b", "{", "[", "&#64", "é", "1000.",
    "姓名：", "имяИ", "ß", "pass: 1 ", "a\u0301", "密码",
]  # fmt: skip
HEADS = ["", "authorization", 'authorization"', "authorization=", "bearer", "token=", "a", "1", "https://"]
TEXTS: dict[str, Callable[[int], str]] = {
    f"{head}{piece}..": lambda size, head=head, piece=piece: (head + piece * (size // len(piece)))[:size]  # type: ignore[misc]
    for head in HEADS
    for piece in (PIECES if not head else [" ", '"', "1", "_", "a", "."])
}
MASKS: dict[str, Callable[[str], object]] = {
    name: pattern.findall for name, pattern in vars(privacy_rules).items() if isinstance(pattern, re.Pattern)
} | {
    "mask_text": mask_text,
    "mask_definition": lambda text: mask_text(text, definition=True),
    "mask_name": mask_name,
    "mask_log": mask_log,
    "kept": SecretMask(None).text,
}


def cost(mask: Callable[[str], object], text: str) -> float:
    """Returns CPU time."""
    started = time.process_time()
    mask(text)
    return time.process_time() - started


def grows_too_fast(mask: Callable[[str], object], make: Callable[[int], str]) -> bool:
    """Whether it does each of three times: others at work on the machine may be to blame for one."""
    for _ in range(3):
        long = cost(mask, make(LONG))
        if long < NOTHING:
            return False
        # The cheapest of three: a short one that was held up once would hide that the long one costs too much.
        short = min(cost(mask, make(SHORT)) for _ in range(3))
        if long <= MOST_GROWTH * short:
            return False
    return True


@pytest.mark.parametrize("name", MASKS)
def test_four_times_the_text_costs_no_more_than_in_proportion(name: str) -> None:
    assert [text for text, make in TEXTS.items() if grows_too_fast(MASKS[name], make)] == []


def test_a_quadratic_pattern_would_be_found() -> None:
    quadratic = re.compile(r"authorization\s*[=: ]\s*\"")
    assert grows_too_fast(quadratic.findall, TEXTS["authorization .."])
