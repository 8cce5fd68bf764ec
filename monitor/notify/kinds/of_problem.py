"""Says what all mails about a problem say of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import tzinfo

from django.db.models import Count, Sum

from monitor.mentioned import shown_words
from monitor.models import CrmFailure, Failure, Occasion, Problem, ProblemAct, User
from monitor.notify.compose import NAME_LENGTH, in_words
from monitor.notify.facts import as_of
from monitor.notify.words import clean, shorten
from monitor.privacy import mask_text

QUOTE_LENGTH = 1000
TITLE_LENGTH = 200


def act_of(occasion: Occasion) -> ProblemAct:
    """Returns the line of the log that an occasion is about.

    Raises:
        ValueError: it is about something else.
    """
    if occasion.act is None:
        raise ValueError("the occasion is not about a problem")
    return occasion.act


def problem_of(occasion: Occasion) -> Problem:
    """Returns the problem that an occasion is about; one that was merged away meanwhile is the one that took it in.

    Raises:
        ValueError: it is about something else.
    """
    problem = act_of(occasion).problem
    while problem.merged_into is not None:
        problem = problem.merged_into
    return problem


def title(problem: Problem, length: int = NAME_LENGTH) -> str:
    """Returns the name of a problem, for one line."""
    return shorten(mask_text(clean(problem.title)), length) or f"problem {problem.pk}"


def who(person: User | None) -> str:
    """Returns how a person is called on the pages."""
    return clean(person.get_username()) if person is not None else "Somebody"


def quote(text: str, known: Collection[str] = (), people: Collection[str] = ()) -> str:
    """Returns a person's words, line by line, without personal data.

    Args:
        text: the words.
        known: usernames of people whom they mention. A mention has the look of an address, and is none.
        people: of the runs that the words are about, who are hidden.
    """
    lines = "\n".join(clean(line) for line in text.splitlines())
    return shorten(shown_words(lines, known, people).strip(), QUOTE_LENGTH)


def rows(problem: Problem, zone: tzinfo) -> tuple[tuple[str, str], ...]:
    """Returns what is known of a problem, as labels and values."""
    counts = fates(problem)
    found = as_of(problem.account_id)
    return (
        ("Problem", title(problem, TITLE_LENGTH)),
        ("State", problem.get_state_display()),
        (_noun(problem), f"{counts.total()}, of which {counts[Failure.Fate.OPEN]} are open"),
        ("First seen", in_words(problem.first_seen_at, zone)),
        ("Last seen", in_words(problem.last_seen_at, zone)),
        ("Data as of", in_words(found, zone) if found else "the account has not been read completely yet"),
        ("Account", clean(problem.account.name)),
    )


def _noun(problem: Problem) -> str:
    return "Failures" if problem.source == Problem.Source.CRM else "Failed runs"


def fates(problem: Problem) -> Counter[str]:
    """Counts the failures of a problem by how they ended. One statement."""
    if problem.source == Problem.Source.CRM:
        of_crm = CrmFailure.objects.filter(group__problem=problem).order_by().values_list("fate")
        return Counter(dict(of_crm.annotate(count=Sum("count"))))
    ended = Failure.objects.filter(group__problem=problem).order_by().values_list("fate")
    return Counter(dict(ended.annotate(count=Count("pk"))))
