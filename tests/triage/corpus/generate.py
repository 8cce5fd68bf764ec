"""Writes the labelled corpus: eight messages of each cause, always the same ones.

A line of `tuned.txt` or `held_out.txt` is a cause: app, action, code, message and details, parted by ` | `; a line of
the `..._logs.txt` is the message of a system's log. All are invented, in the words of Zoho, of apps and of computers.
`{id}` is a slot of `tests.triage.corpus.slots`; a slot in double braces, such as `{{name}}`, is a value of the run's
own trigger data as well. The held-out parts were written before the first rule ran, and no rule was changed for them.
`python -m tests.triage.corpus.generate` writes `messages.ndjson` anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from tests.triage.corpus.slots import filled

FILE = Path(__file__).with_name("messages.ndjson")
OF_EACH = 8
FIELDS = ("app", "action", "error_code", "error_message", "error_details")
PARTS = ("tuned", "held out", "tuned logs", "held out logs")


def causes(part: str) -> Iterator[dict[str, str]]:
    """Yields each cause of a part as the fields that it has, slots unfilled."""
    for line in FILE.with_name(f"{part.replace(' ', '_')}.txt").read_text(encoding="utf-8").splitlines():
        if "logs" in part:
            yield {"error_message": line}
        else:
            texts = [text.strip() for text in line.split(" |")]
            yield {field: text for field, text in zip(FIELDS, texts, strict=True) if text}


def messages(part: str, of_each: int = OF_EACH) -> Iterator[dict[str, Any]]:
    """Yields the labelled messages of a part; `cause` is the number of its line."""
    random = Random(f"corpus of failures: {part}")
    for number, cause in enumerate(causes(part), 1):
        for _ in range(of_each):
            made = {field: filled(text, random) for field, text in cause.items()}
            record: dict[str, Any] = {"part": part, "cause": number} | {
                field: text for field, (text, _) in made.items()
            }
            shared = [value for _, values in made.values() for value in values]
            if shared:
                record["trigger_data"] = {
                    "record": {"id": random.randint(10**17, 10**18), "fields": shared},
                    "ok": True,
                }
            yield record


def written() -> str:
    """Makes the whole file."""
    rows = (record for part in PARTS for record in messages(part))
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
