"""Each person reads pages in their own language, and what is done is marked to the last word."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from django.core.signals import setting_changed
from django.test import Client
from django.urls import reverse
from django.utils import translation

from dashboard import remembered
from monitor import languages
from monitor.models import AuditEntry, ConnectedWorkflow, Failure, HookEndpoint, Role, User
from monitor.queries.audit import words as audit_words
from tests import factories
from tests.dashboard import soup
from tests.dashboard.world import World, make_world

pytestmark = pytest.mark.django_db

# Pages whose every word is marked; the next area that is done is added here (docs/translating.md).
DONE = (
    *(
        "profile",
        "account_change_password",
        "overview",
        "flows",
        "executions",
        "execution",
        "rule_audit",
        "rule_finding",
    ),
    *("rules", "rule", "connected_workflows", "connected_workflow", "webhook_failures"),
    *("problems", "problem", "crm_problem", "problem_compared", "problem_records"),
    *("accounts", "account", "connect", "push"),
    *("batches", "batch", "batch_records", "retries_unknown"),
    *("alerts", "alert", "incident", "mails", "mail", "channel_message"),
    *("connections", "connection", "people", "person", "person_add", "audit", "find"),
    *("flow", "flow_webhook_logs"),
    *("retry_policies", "retry_policy", "retry_policy_retries", "retry_policy_of_flow", "retry_policy_of_problem"),
)


@pytest.fixture
def world(at_noon: datetime) -> World:
    return make_world(at_noon)


def address_of(page: str, world: World) -> str:
    of: dict[str, Any] = {"execution": world.execution, "rule": world.rule, "connected_workflow": world.connected}
    of |= dict.fromkeys(("problem", "problem_compared", "problem_records"), world.problem)
    of |= {"account": world.account, "push": world.account}
    of |= {"connection": world.connection, "person": world.person, "flow_webhook_logs": world.flow, "flow": world.flow}
    of |= {"alert": world.alert, "incident": world.incident, "mail": world.mail, "channel_message": world.message}
    of |= {
        "crm_problem": world.crm_problem,
        "retry_policy_of_problem": world.problem,
        "retry_policy_of_flow": world.flow,
    }
    of |= dict.fromkeys(("batch", "batch_records"), world.batch)
    of |= dict.fromkeys(("retry_policy", "retry_policy_retries"), world.policy)
    name = {"crm_problem": "problem"}.get(page, page)
    if page == "rule_finding":
        return reverse(page, args=list(world.finding.values()))
    return reverse(name, args=[of[page].pk] if page in of else [])


def reader(name: str, language: str = "", **kwargs: Any) -> Client:
    client = Client(**kwargs)
    client.force_login(factories.make_user(name, Role.ADMIN, language=language))
    return client


def soup_of(page: str) -> Element:
    reader = soup._Reader()
    reader.feed(page)
    return reader.tree()


def words(page: bytes) -> str:
    return " ".join("".join(soup_of(page.decode()).itertext()).split())


def forget_what_is_painted() -> None:
    remembered.forget()
    setting_changed.send(sender=languages, setting="LANGUAGES", value=languages.LANGUAGES, enter=True)


class TestWhoseLanguage:
    @pytest.mark.parametrize("place", DONE)
    @pytest.mark.parametrize("first", ["de", "en"])
    def test_neither_of_two_readers_sees_the_others_language(
        self, world: World, settings: Any, place: str, first: str
    ) -> None:
        settings.REMEMBER_SECONDS = 60
        remembered.forget()
        clients = {code: reader(f"of_{code}", code) for code, _ in languages.LANGUAGES}
        url = address_of(place, world)
        order = [first, *(code for code in clients if code != first)] * 2
        seen = [(code, clients[code].get(url).content) for code in order]
        remembered.forget()
        for code, content in seen:
            text = words(content)
            assert {"en": b'<html lang="en-GB">', "de": b'<html lang="de">'}[code] in content
            assert ("Übersicht" in text, "Overview" in text) == (code == "de", code == "en")
            assert ("Abmelden" in text, "Sign out" in text) == (code == "de", code == "en")

    def test_a_person_chooses_it_in_the_profile(self, world: World) -> None:
        client = reader("nils")
        chosen = {"timezone": "UTC", "digest_hour": "7", "digest_weekday": "1"}
        assert client.post(reverse("profile"), chosen | {"language": "de"}).status_code == 302
        assert User.objects.get(username="nils").language == "de"
        assert "Ihr Profil ist gespeichert." in words(client.get(reverse("profile")).content)
        assert client.post(reverse("profile"), chosen | {"language": "tlh"}).status_code == 400

    def test_whoever_chose_none_or_one_that_is_gone_reads_what_the_browser_asks_for(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(languages, "COMPLETE", {"en", "de"})
        for name, stored in (("nils", ""), ("olga", "tlh")):
            client = reader(name, stored)
            page = client.get(reverse("profile"), headers={"accept-language": "fr, de-AT;q=0.8, en;q=0.5"})
            assert b'<html lang="de">' in page.content
            assert b'<html lang="en-GB">' in client.get(reverse("profile")).content

    def test_a_language_that_not_every_page_has_is_read_by_choice_alone(self, world: World) -> None:
        for name, stored, said in (("nils", "", b"en-GB"), ("olga", "de", b"de")):
            page = reader(name, stored).get(reverse("profile"), headers={"accept-language": "de"})
            assert b'<html lang="%s">' % said in page.content

    def test_a_choice_goes_before_the_browser(self, world: World) -> None:
        page = reader("nils", "en").get(reverse("profile"), headers={"accept-language": "de"})
        assert b'<html lang="en-GB">' in page.content

    @pytest.mark.parametrize(
        ("url", "said"),
        [("/accounts/login/", "Anmelden"), ("/status/no-such-link/", "")],
    )
    def test_who_is_not_signed_in_reads_what_the_browser_asks_for(self, client: Client, url: str, said: str) -> None:
        page = client.get(url, headers={"accept-language": "de"})
        assert b'<html lang="de">' in page.content
        assert said in words(page.content)
        assert b'<html lang="en-GB">' in client.get(url).content

    def test_error_pages_speak_it_too(self, client: Client, vera: User) -> None:
        User.objects.filter(pk=vera.pk).update(language="de")
        client.force_login(vera)
        page = client.get("/nothing/")
        assert page.status_code == 404
        assert "Hier ist nichts" in words(page.content)

    @pytest.mark.parametrize("header", ["", "*", "xx", ";;;q=", "de" * 5000, "\x00", "q=0.1,,,,"])
    def test_an_odd_header_is_no_error(self, header: str) -> None:
        assert languages.of_browser(header) == "en"

    def test_nothing_is_spoken_on_after_an_answer(self, client: Client) -> None:
        client.get(reverse("account_login"), headers={"accept-language": "de"})
        assert (languages.current(), translation.get_language()) == ("en", "en")


class TestDone:
    """Looks at the pages in a language that puts each text that is marked into brackets."""

    @pytest.fixture
    def bracketed(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        real = translation._trans
        said: dict[str, Callable[..., str]] = {
            "gettext": lambda text: f"⟦{text}⟧" if text else "",
            "pgettext": lambda context, text: f"⟦{text}⟧",
            "ngettext": lambda one, many, count: f"⟦{one if count == 1 else many}⟧",
            "npgettext": lambda context, one, many, count: f"⟦{one if count == 1 else many}⟧",
        }
        for name, say in said.items():
            getattr(real, name)
            monkeypatch.setattr(real, name, say)
        forget_what_is_painted()
        yield
        forget_what_is_painted()

    @pytest.mark.parametrize("place", DONE)
    def test_every_word_that_people_read_is_marked(self, world: World, bracketed: None, place: str) -> None:
        client = reader("nils", "de")
        content = client.get(address_of(place, world)).content.decode()
        assert not list(unmarked(content) - data_of(world)), " ".join(sorted(unmarked(content) - data_of(world)))

    @pytest.mark.parametrize("place", ["batch_preview", "write_off"])
    def test_every_word_of_what_asks_once_more_is_marked(self, world: World, bracketed: None, place: str) -> None:
        # It opens again what the world's policy has been at: else there is nothing to choose.
        Failure.objects.filter(group__problem=world.problem).update(fate=Failure.Fate.OPEN)
        content = reader("nils", "de").post(reverse(place), {"problem": world.problem.pk}).content.decode()
        assert "⟦" in content
        assert not list(unmarked(content) - data_of(world)), " ".join(sorted(unmarked(content) - data_of(world)))


QUIET = ["script", "style", "code", "kbd", "pre", "time"]
SPOKEN = ("aria-label", "title", "placeholder", "alt", "data-label")


def _texts(element: Element) -> Iterator[str]:
    is_zone = element.tag == "option" and "/" in (element.get("value") or "")
    if element.tag not in QUIET and not is_zone:
        yield element.text or ""
        for child in element:
            yield from _texts(child)
            yield child.tail or ""


def unmarked(page: str) -> set[str]:
    """The words of a page that stand in no bracket, in texts and in attributes that are read out."""
    tree = soup_of(page)
    texts = [
        *_texts(tree),
        *(value for one in tree.iter() if one.tag != "time" for name in SPOKEN if (value := one.get(name))),
    ]
    found: set[str] = set()
    # A sentence may hold markup: its brackets open and close in several pieces.
    joined = "\n".join(texts)
    before = None
    while before != joined:
        before, joined = joined, re.sub(r"⟦[^⟦⟧]*⟧", "", joined)
    joined = re.sub(r"⟦[^\n]*", "", joined)  # of a remedy the list shows the first words alone
    for word in re.findall(r"[A-Za-zÄÖÜäöüß]{2,}", joined):
        found.add(word)
    return found


def data_of(world: World) -> set[str]:
    """The words of what is shown and was never ours: names, Zoho's texts, days of the week in German."""
    run = world.execution
    shown = [
        world.account.name,
        world.flow.flow_name,
        world.flow.trigger_app,
        world.view.name,
        world.rule.name,
        world.connection.connection_name,
    ]
    shown += [run.error_code, run.error_message, run.error_details, world.problem.title, world.attempt.reason]
    shown += [world.attempt.requested_by.username, world.crm_problem.title, "nils example com UTC Zoho CRM"]
    shown += [world.rule.module, "Pat Example", *ConnectedWorkflow.objects.values_list("name", flat=True)]
    shown += [world.batch.reason, world.policy.name]
    shown += [world.connection.app, world.connection.auth_type, world.connection.status, world.person.email]
    shown += [*User.objects.values_list("username", flat=True), *User.objects.values_list("email", flat=True)]
    for entry in AuditEntry.objects.all():  # codes, in English (docs/translating.md)
        shown += [entry.actor_name, entry.action, entry.object_type, entry.object_id, *audit_words(entry.detail)]
    shown += [world.mail.subject, world.mail.address, world.mail.message_id, world.channel.name]
    shown += [world.message.title, world.message.message_id, world.message.last_error]
    shown += [attempt.answer for attempt in world.message.send_attempts.all()]
    shown += [world.alert_rule.name, world.snooze.why, world.silence.why, world.correction.why]
    shown += [name for _, name in languages.LANGUAGES]
    shown += [world.account.accounts_url, world.account.client_id, *(hook.name for hook in HookEndpoint.objects.all())]
    shown += ["Mo Di Mi Do Fr Sa So", "% of 32 runs, below 95 %"]  # why an alert fires is stored, in English
    return set(re.findall(r"[A-Za-zÄÖÜäöüß]{2,}", " ".join(shown)))
