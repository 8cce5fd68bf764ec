"""Every source that code and documents cite can be opened: in docs/reference/ by heading or number, or on the web."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.realprocess import ROOT

REFERENCE = ROOT / "docs" / "reference"
SEARCHED = ("monitor", "dashboard", "standin", "tests", "scripts", "templates", "docs")
SUFFIXES = {".py", ".html", ".txt", ".md", ".js", ".css", ".sh"}

# Names of papers that are not in this repository. `--dialect seed` and a generator's seed are no citations.
GONE = re.compile(
    r"""
      \bnotes\b[ ,]*[`/][\w-]+ | \bnotes,\s+(?:section|reliability|zoho) | [Ss]ource(?:\s+of\s+all)?:\s+notes
    | \breliability\.md | \bfield(?:-2026-11)?\.md | (?<!docs/)zoho-api(?:\.md)?`?,?\s+(?:section\s+)?\d
    | \bseeds/ | \bseed,\s+section | \bseeds?\s+[`']?(?:zoho-|token-|create-|workflow-)
    | \b[Tt]he\ seed(?:'s)?\ (?!dialect|of\b)
    | \[SEED\b | \bSEED\ 0\d\d\b | \bseed\ only
    """,
    re.VERBOSE,
)
CITED = re.compile(r"docs/reference/([\w-]+\.md)`?((?:,? (?:and )?(?:\"[^\"]+\"|[FPSRA]\d+(?: to [FPSRA]\d+)?))*)")
NUMBER = re.compile(r"\b([FPSRA])(\d{1,2})\b")
HOMES = {"F": "faults.md", "P": "promises.md", "S": "promises.md", "A": "promises.md", "R": "retries.md"}


def files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--", *SEARCHED, "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found = sorted({ROOT / line for line in listed.splitlines()})
    return [path for path in found if path.suffix in SUFFIXES and path.exists() and path != Path(__file__)]


def text_of(path: Path) -> str:
    """The text in one line, comment signs left out, so that a citation may be broken over lines."""
    return re.sub(r"\s*\n\s*(?:#\s)?\s*", " ", path.read_text())


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def headings(path: Path) -> set[str]:
    return set(re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE))


def numbers(path: Path) -> list[str]:
    return re.findall(r"^\| ([FPSRA]\d+) \|", path.read_text(), re.MULTILINE)


def anchor(heading: str) -> str:
    """The fragment that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def wrong_citations(text: str) -> list[str]:
    wrong = []
    for file, places in CITED.findall(text):
        if not (REFERENCE / file).exists():
            wrong.append(file)
            continue
        known = headings(REFERENCE / file) | set(numbers(REFERENCE / file))
        cited = re.findall(r"\"([^\"]+)\"", places) + ["".join(pair) for pair in NUMBER.findall(places)]
        wrong += [f"{file}, {place}" for place in cited if place not in known]
    return wrong


def test_every_citation_of_the_reference_leads_to_a_heading_or_a_number_of_it():
    wrong = {name(path): found for path in files() if (found := wrong_citations(text_of(path)))}
    assert wrong == {}


def test_many_citations_are_found():
    assert sum(len(CITED.findall(text_of(path))) for path in files() if path.suffix == ".py") > 100


def test_nothing_cites_a_paper_that_is_not_in_the_repository():
    wrong = {}
    for path in files():
        if found := GONE.findall(text_of(path)):
            wrong[name(path)] = found
    assert wrong == {}


@pytest.mark.parametrize(
    "text",
    [
        "Source: notes `reliability.md`, section 4.2.",
        "(notes/zoho-api.md, section 5)",
        "Source: notes, section 1; zoho/crm-oas",
        "of CRM's credits: notes `zoho-api.md`, section 6",
        "seed `zoho-flow-api.md`, section 8",
        "Source: seed, section 8, and Best Practices 4",
        "the seed names it beside the executions",
        "the seed's example",
        "[SEED]",
        "(reliability.md, P9)",
        "notes `field.md` B1",
    ],
)
def test_a_citation_of_the_old_papers_would_be_found(text):
    assert GONE.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "the same seed gives the same calls",
        "--dialect seed",
        "the seed of a schedule",
        'make_world({"seed": 7})',
        "SEEDS",
    ],
)
def test_a_seed_of_chance_is_no_citation(text):
    assert not GONE.search(text)


def test_a_citation_of_a_missing_heading_or_number_would_be_found():
    good = 'See docs/reference/retries.md, "States", "A lost answer" and R3; docs/reference/faults.md, F20 to F22.'
    assert wrong_citations(good) == []
    bad = 'docs/reference/retries.md, "No such heading" and R99; docs/reference/none.md.'
    assert wrong_citations(bad) == ["retries.md, No such heading", "retries.md, R99", "none.md"]


def test_every_number_of_a_promise_or_fault_in_code_has_its_row():
    known = {number for home in set(HOMES.values()) for number in numbers(REFERENCE / home)}
    wrong = {}
    for path in files():
        if path.suffix != ".py":
            continue
        if found := sorted({"".join(pair) for pair in NUMBER.findall(text_of(path))} - known):
            wrong[name(path)] = found
    assert wrong == {}


@pytest.mark.parametrize(("letter", "home", "last"), [
    ("F", "faults.md", 47), ("P", "promises.md", 13), ("S", "promises.md", 13), ("A", "promises.md", 13),
    ("R", "retries.md", 12),
])  # fmt: skip
def test_the_numbers_run_from_one_without_a_hole(letter, home, last):
    assert [n for n in numbers(REFERENCE / home) if n[0] == letter] == [f"{letter}{i}" for i in range(1, last + 1)]


def test_every_link_to_a_heading_leads_to_one():
    broken = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target, fragment in re.findall(r"\]\(([^)#\s]*)#([^)]+)\)", page.read_text()):
            other = (page.parent / target) if target else page
            if "://" not in target and fragment not in {anchor(heading) for heading in headings(other)}:
                broken.append(f"{name(page)}: {target}#{fragment}")
    assert broken == []
