"""The tokens hold to WCAG AA in both schemes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

CSS = Path(settings.BASE_DIR) / "static" / "css"
TOKENS = (CSS / "tokens.css").read_text()
TONES = ("good", "bad", "warn", "info", "quiet")

TEXT_PAIRS = [
    *((text, ground) for text in ("text", "muted", "accent") for ground in ("page", "surface", "raised", "hover")),
    *((tone, f"{tone}-soft") for tone in TONES),
    *((tone, "surface") for tone in ("good", "bad", "warn")),
    ("accent", "accent-soft"),
    ("accent-text", "accent"),
    ("danger-text", "danger"),
]
SHAPE_PAIRS = [
    *((f"chart-{role}", "surface") for role in ("good", "bad", "info", "first", "other", "p50", "p95")),
    ("line-strong", "surface"),
    ("focus", "page"),
    ("focus", "surface"),
]


def scheme(dark: bool) -> dict[str, str]:
    light, _, night = TOKENS.partition("@media screen and (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", light))
    return found | (dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", night)) if dark else {})


def luminance(color: str) -> float:
    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(color[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT_PAIRS)
def test_text_can_be_read(text: str, ground: str, dark: bool) -> None:
    colors = scheme(dark)
    assert contrast(colors[text], colors[ground]) >= 4.5


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("shape", "ground"), SHAPE_PAIRS)
def test_lines_borders_and_focus_can_be_seen(shape: str, ground: str, dark: bool) -> None:
    colors = scheme(dark)
    assert contrast(colors[shape], colors[ground]) >= 3


def test_no_colour_is_written_outside_of_the_tokens() -> None:
    for sheet in CSS.rglob("*.css"):
        if sheet.name != "tokens.css":
            assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", sheet.read_text()), sheet.name


def test_every_token_that_is_used_exists() -> None:
    used = {name for sheet in CSS.rglob("*.css") for name in re.findall(r"var\(--([\w-]+)", sheet.read_text())}
    assert used <= set(re.findall(r"--([\w-]+):", TOKENS))
