"""Makes the template of a message: what all failures of one cause say, with `<*>` for what differs. Pure.

First values of the trigger data, then words with a digit (`digits`), then all the rest (`masks`), which is remembered
by the text as it is once the digits are gone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from monitor.triage.clean import clean
from monitor.triage.digits import cheap_form
from monitor.triage.masks import masked, shortened
from monitor.triage.structure import told
from monitor.triage.trigger_values import parameters_of, without

REMEMBERED = 8_192
LONGEST_REMEMBERED = 2_000  # characters: what is remembered is at most some megabytes


def cheap_texts(values: tuple[Any, ...], trigger_data: Any) -> tuple[str, ...]:
    """Takes values of the trigger data and words with a digit out of messages.

    Args:
        values: each what JSON can hold; None where there is no message.
        trigger_data: what JSON can hold; None where nothing is known of it.
    """
    texts = tuple(map(clean, values))
    if trigger_data and any(texts):
        parameters = parameters_of(trigger_data, "\n".join(texts))
        texts = tuple(without(text, parameters) for text in texts)
    return tuple(cheap_form(text) if text else "" for text in texts)


def template_of(cheap_text: str) -> str:
    """Makes the template of a text in cheap form, with signs for its parameters."""
    return _remembered(cheap_text) if len(cheap_text) <= LONGEST_REMEMBERED else _made(cheap_text)


def _made(cheap_text: str) -> str:
    return shortened(told(cheap_text, masked))


_remembered = lru_cache(REMEMBERED)(_made)
