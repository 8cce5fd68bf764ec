"""What is stored of retries is said in the reader's language, and each form is one that is written somewhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from monitor import languages
from monitor.retry import safety, words

ROOT = Path(words.__file__).parent
UNTIL = (
    "Der Fehler sieht nicht dauerhaft aus: Bis %(end)s wiederholt Zoho sie womöglich von selbst; sie könnte also"
    " doppelt laufen."
)
# Of sentences that are put together from pieces: the step, or how it went, and the rest.
BREAKS = (
    r"%\(\w+\)s|(?<=Half or more of )|(?<=Nothing was sent: )|(?<=tell whether )"
    r"| did not succeed|: ask again|It ran and \w+(?: again)?"
)
WRITERS = [*ROOT.glob("*.py"), *(ROOT.parent / "sent_once").glob("*.py")]


def written() -> str:
    """All texts of what writes such sentences; a text in braces of an f-string is left out."""
    nodes = (node for path in WRITERS if path.name != "words.py" for node in ast.walk(ast.parse(path.read_text())))
    found = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return "\n".join(found)


@pytest.mark.parametrize("form", words.FORMS)
def test_each_form_is_written_by_something(form: str) -> None:
    texts = written()
    pieces = re.split(BREAKS, form)
    assert [piece for piece in pieces if piece.strip(" .:()") and piece.strip(" .:()") not in texts] == []


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (
            "Its policy was switched off: nothing was sent.",
            "Ihre Richtlinie wurde ausgeschaltet: Nichts wurde gesendet.",
        ),
        ("vera has retried it since the preview.", "vera hat sie seit der Vorschau erneut ausgeführt."),
        (
            "It ran and succeeded (the run it caused).",
            "Sie lief und gelang (die dadurch verursachte Ausführung).",
        ),
        (
            "Half or more of the rest did not succeed: 1,200 of 2,000 failed or stayed unknown.",
            "Die Hälfte des Rests oder mehr ist nicht gelungen: 1.200 von 2.000 schlugen fehl oder blieben unbekannt.",
        ),
        (
            "This is itself the retry of execution 12: retry that one.",
            "Dies ist selbst die erneute Ausführung von 12: Führen Sie jene erneut aus.",
        ),
        (
            (safety.RERUNS[False, False, True] + " Only an admin may accept that.") % {"end": "2026-11-23 12:00 UTC"},
            (UNTIL + " Nur ein Admin darf das annehmen.") % {"end": "23.11.2026, 12:00 UTC"},
        ),
        ("What Zoho said, in Zoho's words", "What Zoho said, in Zoho's words"),
    ],
)
def test_a_stored_sentence_is_said_in_german(stored: str, said: str) -> None:
    assert words.say(stored) == stored
    with languages.speaking("de"):
        assert words.say(stored) == said


def test_the_verdict_itself_is_said_in_german() -> None:
    facts = safety.RetryFacts(status="success")
    with languages.speaking("de"):
        verdict = safety.judge(facts, None)  # type: ignore[arg-type] # refused before time counts
    assert verdict.reasons == ["Nur eine fehlgeschlagene Ausführung lässt sich erneut ausführen; diese ist „success“."]
