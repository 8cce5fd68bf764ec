"""Adds to a row what may be searched of it: its text as people see it, masked beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.db import models

from monitor.privacy import MASKING, mask_text, searchable
from monitor.privacy_people import names_in

if TYPE_CHECKING:
    from monitor.models.executions import Execution


class HasMaskedText(models.Model):
    """Adds the masked text of a row, and by which version of the masking rules it was made.

    The row's own writer writes both together (`masked_columns`), and makes them anew where the rules have changed.
    """

    search_text = models.TextField(blank=True, help_text="masked, in one case: what anybody may search")
    masked_by = models.PositiveIntegerField(
        null=True, help_text="version of the masking rules; empty for no text, 0 for text that is to be masked anew"
    )

    class Meta:
        abstract = True

    def masked_texts(self) -> dict[str, Any]:
        """Makes the columns of the row from its own texts."""
        raise NotImplementedError

    def mask_text(self) -> list[str]:
        """Sets the columns of the row by its own texts; saves nothing. Returns which they are."""
        made = self.masked_texts()
        for name, value in made.items():
            setattr(self, name, value)
        return list(made)


class NamesPeople(models.Model):
    """Adds to a person's words about some runs the people of these runs whom they name.

    Written with the words (`monitor.named_people`): the data of the runs goes by its age, the words stay.
    """

    said_names = models.TextField(
        blank=True, help_text="people of the runs whom the words name, a line each: hidden there"
    )

    class Meta:
        abstract = True

    @property
    def people(self) -> list[str]:
        """Returns the people of the runs whom the words name, each of whom is hidden there."""
        return self.said_names.splitlines()


def masked_run(*texts: str, data: Any, known: str) -> dict[str, Any]:
    """Makes the columns of a run from what Zoho sent.

    Args:
        texts: what is said of it.
        data: what it was about; None where that is not known any more.
        known: its `said_names` so far.
    """
    found = names_in([mask_text(text) for text in texts if text], data, known.splitlines())
    return {"said_names": "\n".join(found)} | masked_columns(*texts, people=found)


def said_of_run(text: str, run: Execution) -> str:
    """Masks what Zoho, or a person, said of a run when it was retried, the people of the run included.

    Args:
        text: an answer of Zoho's, a note, or why somebody asked for the retry.
        run: what it was about is read where there is a text.
    """
    return mask_text(text, people=names_in([text], run.trigger_data, run.people)) if text else ""


def masked_columns(*texts: str, names: Iterable[str] = (), people: Sequence[str] = ()) -> dict[str, Any]:
    """Makes the columns of `HasMaskedText` from what Zoho sent: texts, names of things, people named in texts."""
    text = searchable(*texts, names=names, people=people)
    return {"search_text": text, "masked_by": MASKING if text else None}


def says(text: str) -> models.Q:
    """Makes the condition that the masked text of a row has this in it.

    What was masked by rules of another version is not searched until it is masked anew: those may have hidden less.
    """
    return with_text() & models.Q(search_text__contains=text.casefold())


def with_text() -> models.Q:
    """Makes the condition that a row has masked text that may be searched."""
    return models.Q(masked_by=MASKING)


def stale() -> models.Q:
    """Makes the condition that a row's text waits to be masked anew."""
    return models.Q(masked_by__lt=MASKING) | models.Q(masked_by__gt=MASKING)
