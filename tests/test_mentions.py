"""Who is mentioned in a person's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.mentions import is_mentioned, mentions


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@olga, have a look", [("olga",)]),
        ("ask @olga.", [("olga.", "olga")]),
        ("(@olga) and @o.meier-x", [("olga",), ("o.meier-x",)]),
        ("@olga @olga", [("olga",)]),
        ("@olga's turn; @Élodie", [("olga",), ("Élodie",)]),
        ("@E\u0301lodie", [("Élodie",)]),
        ("@olga@example.com knows", [("olga@example.com",)]),
        ("write to jane@example.com", []),
        ("https://example.com/@olga", []),
        ("a @ b, @@, @., @-", []),
        ("", []),
    ],
)
def test_a_mention_is_an_at_sign_and_a_name_and_not_an_address(text: str, names: list[tuple[str, ...]]) -> None:
    assert mentions(text) == names


@given(
    name=st.from_regex(r"\A[a-zA-Z0-9]([a-z0-9_.+-]{0,20}[a-z0-9])?\Z"),
    after=st.sampled_from(["", ".", ", ", "!", ")"]),
)
def test_any_username_is_found_whatever_closes_the_sentence(name: str, after: str) -> None:
    assert is_mentioned(name, f"Please, @{name}{after}")
    assert is_mentioned(name.upper(), f"@{name}{after} see above")
    assert not is_mentioned(name, f"mail{'@'}{name}{after}")


@given(st.text())
def test_any_text_is_read_and_its_names_stand_in_it(text: str) -> None:
    for readings in mentions(text):
        assert 1 <= len(readings) <= 2
        assert all(name.startswith(readings[-1]) for name in readings)
