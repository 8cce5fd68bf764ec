"""Who is mentioned in a person's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.mentions import mentions, split_mentions


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
    assert name in {one for readings in mentions(f"Please, @{name}{after}") for one in readings}
    assert mentions(f"mail@{name}{after}") == []
    assert split_mentions(f"Please, @{name}{after}", [name.upper()]) == ["Please, ", f"@{name}", after]
    assert split_mentions(f"mail@{name}{after}", [name]) == [f"mail@{name}{after}"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("@olga, ask @otto.", ["", "@olga", ", ask ", "@otto", "."]),
        ("@olgas and jane@olga are others", ["@olgas and jane@olga are others"]),
        ('"jane"@example.com', ['"jane"@example.com']),
        ("@olga@example.com", ["@olga@example.com"]),
        ("@jane@example.com", ["@jane@example.com"]),
    ],
)
def test_a_text_is_cut_at_people_and_not_at_what_looks_like_them(text: str, parts: list[str]) -> None:
    assert split_mentions(text, ["olga", "otto", "jane@example.com"]) == parts
    assert split_mentions(text, []) == [text]


@given(st.text())
def test_any_text_is_read_and_its_names_stand_in_it(text: str) -> None:
    for readings in mentions(text):
        assert 1 <= len(readings) <= 2
        assert all(name.startswith(readings[-1]) for name in readings)
