"""Parts of the frame are painted once for what they show, and show nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.template.context import make_context
from django.test import RequestFactory
from django.utils.safestring import SafeString

from dashboard.templatetags import kept_tags
from monitor.models import User


class Word:
    """Tells how often it was written."""

    def __init__(self) -> None:
        self.written = 0

    def __str__(self) -> str:
        self.written += 1
        return f"<{self.written}>"


def kept(inside: str, values: str = "") -> Template:
    return Template(f"{{% load kept_tags %}}{{% kept {values} %}}{inside}{{% endkept %}}")


def test_a_part_is_painted_once_for_each_value() -> None:
    part, words = kept("{{ word }}", "word=word"), [Word(), Word()]
    painted = [part.render(Context({"word": word})) for word in (words[0], words[1], words[0])]
    assert painted == ["&lt;1&gt;", "&lt;1&gt;", "&lt;1&gt;"]
    assert [word.written for word in words] == [1, 1]


def test_nothing_else_of_the_page_is_known_in_it() -> None:
    context = Context({"word": "seen", "secret": "hidden", "user": "jo"})
    assert kept("{{ word }}{{ secret }}{{ user }}", "word=word").render(context) == "seen"


def test_the_same_words_are_escaped_unless_they_are_safe() -> None:
    part = kept("{{ word }}", "word=word")
    found = [part.render(Context({"word": word})) for word in ("<b>", SafeString("<b>"), "<b>")]
    assert found == ["&lt;b&gt;", "<b>", "&lt;b&gt;"]


def test_numbers_and_yes_are_told_apart() -> None:
    part = kept("{{ word }}", "word=word")
    assert [part.render(Context({"word": word})) for word in (1, True, 1.0)] == ["1", "True", "1.0"]


def test_each_answer_has_a_nonce_and_a_token_of_its_own() -> None:
    part = kept('<i nonce="{{ CSP_NONCE }}">{% csrf_token %}</i>')
    pages = [part.render(Context({"CSP_NONCE": nonce, "csrf_token": f"t{nonce}"})) for nonce in ("a", "b")]
    assert [re.findall(r'nonce="(\w+)"|value="(\w+)"', page) for page in pages] == [
        [("a", ""), ("", "ta")],
        [("b", ""), ("", "tb")],
    ]


def test_a_part_without_a_form_asks_for_no_token() -> None:
    request = RequestFactory().get("/")
    assert kept("word").render(make_context({}, request)) == "word"
    assert "CSRF_COOKIE" not in request.META


def test_it_keeps_no_more_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_tags, "MOST", 3)
    part = kept("{{ word }}", "word=word")
    assert [part.render(Context({"word": number})) for number in range(10)] == [str(number) for number in range(10)]
    node = next(node for node in part.nodelist if isinstance(node, kept_tags.KeptNode))
    assert len(node.painted) <= 3


def test_a_setting_that_changes_paints_it_anew(settings: Any) -> None:
    part, word = kept("{{ word }}", "word=word"), Word()
    part.render(Context({"word": word}))
    settings.DEBUG = not settings.DEBUG
    assert part.render(Context({"word": word})) == "&lt;2&gt;"


def test_what_is_no_value_is_refused() -> None:
    with pytest.raises(TemplateSyntaxError):
        kept("", "menu")


@pytest.mark.django_db
def test_two_people_and_two_pages_never_share_what_is_theirs(vera: User, ada: User, signed_in: Any) -> None:
    pages = {
        (person.username, path): signed_in(person).get(path).content.decode()
        for person in (vera, ada, vera)
        for path in ("/profile/", "/flows/")
    }
    for (name, path), page in pages.items():
        assert f"{name} · " in page
        assert ("Audit trail" in page) == (name == ada.username)
        assert re.findall(r'<a href="([^"]+)"[^>]*aria-current="page"', page)[:1] == [path]
    tokens = {re.search(r'csrfmiddlewaretoken" value="([^"]+)', page)[1] for page in pages.values()}  # type: ignore[index]
    assert len(tokens) == len(pages)
