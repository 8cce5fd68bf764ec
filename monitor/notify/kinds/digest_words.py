"""Puts the facts of a digest into words: sections of lines, the worst first, each with its page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import tzinfo

from monitor.digest_facts import AccountAge, AliveFacts, DigestFacts, NamedPage, PlanUse, WorseFlow
from monitor.figures import rate, span
from monitor.models import DigestSection
from monitor.notify.compose import NAME_LENGTH, in_words
from monitor.notify.words import clean, shorten

SHOWN = 10
LINE_LENGTH = 240
Lines = list[tuple[str, str]]


def says_something(sections: Iterable[DigestSection]) -> bool:
    """Returns whether anything is there that a person may have to do something about."""
    return any(section.is_news for section in sections)


def in_short(sections: Iterable[DigestSection]) -> str:
    """Returns what a digest says, in numbers: for its subject, without anything that came from outside."""
    return ", ".join(section.short for section in sections if section.short) or "nothing to do"


def digest_sections(facts: DigestFacts, zone: tzinfo) -> list[DigestSection]:
    """Returns the parts of a digest that say something; how fresh the data are always comes last.

    Args:
        facts: what there is to say.
        zone: the reader's.
    """
    still_open = sum(count for _, count, _ in facts.open_by_age)
    found = [
        _section("Worse than the week before", [_worse(one) for one in facts.worse], "flow worse", "flows worse"),
        _section(
            "New problems",
            [
                (
                    _line(one.problem, zone, f"{one.failed} failed, {one.still_open} open", "first seen"),
                    one.problem.page,
                )
                for one in facts.problems
            ],
            "new problem",
            "new problems",
        ),
        DigestSection(
            "Open failures, by how long they have been open",
            [(f"{words}: {count:,}", page) for words, count, page in facts.open_by_age if count],
            short=f"{still_open:,} open failure{'s' * (still_open != 1)}",
            is_news=True,
        ),
        _section(
            "Incidents of which no mail came",
            _lines(facts.incidents, zone, "since"),
            "quiet incident",
            "quiet incidents",
        ),
        _plans(facts.plans),
        _section(
            "Connections that do not work",
            _lines(facts.connections, zone, "since"),
            "broken connection",
            "broken connections",
        ),
        *_workflow_rules(facts, zone),
        _section(
            "Alert rules that watch nothing",
            _lines(facts.dormant_alerts, zone, ""),
            "dormant alert rule",
            "dormant alert rules",
        ),
        _ages(facts.ages, zone),
    ]
    return [section for section in found if section.lines]


def _workflow_rules(facts: DigestFacts, zone: tzinfo) -> list[DigestSection]:
    return [
        _section(
            "Workflow rules that are enabled and do not run",
            _lines(facts.dormant_crm, zone, "quiet since"),
            "dormant workflow rule",
            "dormant workflow rules",
        ),
        _section(
            "What the audit of workflow rules finds",
            _lines(facts.rule_findings, zone, ""),
            "finding about workflow rules",
            "findings about workflow rules",
        ),
    ]


def alive_sections(facts: AliveFacts, zone: tzinfo) -> list[DigestSection]:
    """Returns the parts of an "I am alive" mail; the arguments as above."""
    own = [
        (f"The worker has run for {span(facts.up_for.total_seconds(), least='min')}", ""),
        (f"Mails that wait: {facts.waiting:,}", ""),
    ]
    found = [DigestSection("The worker", own, is_news=False), _ages(facts.ages, zone)]
    if facts.troubles:
        troubles = [(_fit(one), "") for one in facts.troubles]
        found.insert(0, DigestSection("What is not well", troubles, short=_count(len(troubles), "trouble", "troubles")))
    return [section for section in found if section.lines]


def _section(title: str, lines: Lines, one: str, many: str) -> DigestSection:
    return DigestSection(title, lines[:SHOWN], max(len(lines) - SHOWN, 0), _count(len(lines), one, many), bool(lines))


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}" if number else ""


def _lines(rows: Sequence[NamedPage], zone: tzinfo, since: str) -> Lines:
    return [(_line(row, zone, row.note, since), row.page) for row in rows]


def _line(row: NamedPage, zone: tzinfo, note: str, since: str) -> str:
    parts = [note, f"{since} {in_words(row.since, zone)}" if row.since is not None and since else ""]
    said = "; ".join(clean(part) for part in parts if part)
    name = shorten(clean(row.name), NAME_LENGTH)
    return _fit(f"{name}: {said}" if said else name)


def _fit(text: str) -> str:
    return shorten(clean(text), LINE_LENGTH)


def _worse(row: WorseFlow) -> tuple[str, str]:
    now, before = row.now, row.before
    said = (
        f"{rate(now.rate)} of {now.finished:,} runs succeeded ({now.failed:,} failed), "
        f"{rate(before.rate)} of {before.finished:,} in the week before ({before.failed:,} failed)"
    )
    if row.left_out:
        said += f"; {row.left_out:,} runs left out by corrections"
    return _fit(f"{shorten(clean(row.flow.name), NAME_LENGTH)}: {said}"), row.flow.page


def _plans(plans: Sequence[PlanUse]) -> DigestSection:
    lines: Lines = []
    for plan in plans:
        name = shorten(clean(plan.account.name), NAME_LENGTH)
        if plan.executions_limit is not None:
            said = f"{plan.executions:,} of {plan.executions_limit:,} executions this month (UTC)"
            if plan.forecast is not None:
                said += f", {plan.forecast:,} foretold by its end"
            lines.append((f"{name}: {said}", plan.account.page))
        if plan.calls_limit is not None:
            lines.append((f"{name}: {plan.calls:,} of {plan.calls_limit:,} API calls of a day", plan.account.page))
    short = sum(plan.is_short for plan in plans)
    words = _count(short, "plan nearly used up", "plans nearly used up")
    return DigestSection("Plans", lines[: 2 * SHOWN], max(len(lines) - 2 * SHOWN, 0), words, bool(short))


def _ages(ages: Sequence[AccountAge], zone: tzinfo) -> DigestSection:
    lines = []
    for one in ages:
        known = f"data as of {in_words(one.as_of, zone)}" if one.as_of is not None else "not read completely yet"
        name = shorten(clean(one.account.name), NAME_LENGTH)
        lines.append((_fit(f"{name}: {known}{f'; {one.trouble}' if one.trouble else ''}"), one.account.page))
    troubled = sum(bool(one.trouble) for one in ages)
    words = _count(troubled, "account out of date", "accounts out of date")
    return DigestSection("Data", lines[:SHOWN], max(len(lines) - SHOWN, 0), words, bool(troubled))
