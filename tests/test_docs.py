"""What the documents say is so."""

from __future__ import annotations

import re

from tests.realprocess import ROOT

SETTINGS = (ROOT / "docs" / "settings.md").read_text()
READERS = re.compile(r"\b(?:text|boolean|words|whole_days)\(\s*\"([A-Z_]+)\"")


def read_in_code() -> set[str]:
    files = (ROOT / "dashboard" / "environment.py", ROOT / "dashboard" / "settings.py")
    return {name for file in files for name in READERS.findall(file.read_text())}


def in_the_table() -> set[str]:
    return set(re.findall(r"^\| `([A-Z_]+)` \|", SETTINGS, re.MULTILINE))


def test_the_environment_is_read_in_one_place_only():
    elsewhere = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "dashboard").rglob("*.py")
        if path.name != "environment.py" and re.search(r"os\.(environ\b(?!\.setdefault)|getenv)", path.read_text())
    ]
    assert elsewhere == []


def test_every_setting_is_described_and_nothing_else_is():
    assert len(read_in_code()) >= 11
    assert in_the_table() == read_in_code()


def test_every_relative_link_in_the_documents_leads_somewhere():
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{document.name}: {target}"
        for document in documents
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text())
        if "://" not in target and not target.endswith(".png") and not (document.parent / target).exists()
    ]
    assert broken == []


def test_the_readme_begins_with_the_two_commands():
    first = (ROOT / "README.md").read_text().split("```")[1]
    assert [line.split("#")[0].strip() for line in first.strip().splitlines()] == ["make demo", "make test"]


def test_every_command_of_the_makefile_is_in_its_menu():
    makefile = (ROOT / "Makefile").read_text()
    phony = set(re.findall(r"^\.PHONY: (help .+)$", makefile, re.MULTILINE)[0].split()) - {"help"}
    assert phony == set(re.findall(r'@echo "make ([a-z-]+) ', makefile))


def test_every_file_that_a_document_or_docstring_names_exists():
    named = re.compile(r"`((?:monitor|dashboard|standin|tests|scripts|templates|docs)/[\w./-]*\w(?:\.\w+|/))`")
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    code = [path for tree in ("monitor", "dashboard", "standin") for path in (ROOT / tree).rglob("*.py")]
    missing = [
        f"{page.relative_to(ROOT)}: {path}"
        for page in [*pages, *code]
        for path in named.findall(page.read_text())
        if not (ROOT / path).exists()
    ]
    assert missing == []
