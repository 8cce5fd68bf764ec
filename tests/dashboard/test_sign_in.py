"""Signing in: guessing is slowed down, nobody is kept out by others, `next` stays here."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from dashboard.client_address import read_trust
from dashboard.people import known_browsers
from dashboard.people.sign_in import AccountAdapter
from monitor.models import AuditEntry, KnownNetwork, User
from monitor.sign_in.how_long_to_wait import LIMITS, WARNED, CountedBy
from tests import factories
from tests.bystander import own

LOGIN = "/accounts/login/"
RIGHT = "correct horse battery"
ATTACKER, HOME, OFFICE = "198.51.100.66", "203.0.113.7", "203.0.113.8"
pytestmark = pytest.mark.usefixtures("at_noon")


@pytest.fixture
def person(db: None) -> User:
    found = factories.make_user("vera")
    found.set_password(RIGHT)
    found.save()
    return found


def try_from(address: str, password: str, *, name: str = "vera", client: Client | None = None, **headers: str) -> Any:
    client = client or Client()
    return client.post(LOGIN, {"login": name, "password": password}, REMOTE_ADDR=address, **headers)


def is_in(response: Any) -> bool:
    return response.status_code == 302 and response["Location"] == "/"


def attack(times: int = 30, address: str = ATTACKER, **more: Any) -> list[int]:
    return [try_from(address, f"guess {number}", **more).status_code for number in range(times)]


class TestGuessing:
    def test_a_guesser_gets_429_with_the_time_to_wait(self, person: User) -> None:
        assert attack(7) == [200] * 5 + [429] * 2
        refused = try_from(ATTACKER, "guess")
        assert refused["Retry-After"] == "5"
        assert "Too many wrong passwords. Try again in 5 s." in refused.content.decode()

    def test_the_right_guess_is_refused_too_while_it_waits_and_let_in_after(self, person: User, now: Any) -> None:
        attack(5)
        assert try_from(ATTACKER, RIGHT).status_code == 429
        with time_machine.travel(now + timedelta(seconds=6), tick=False):
            assert is_in(try_from(ATTACKER, RIGHT))

    def test_a_forged_header_begins_no_new_count(self, person: User) -> None:
        codes = [
            try_from(ATTACKER, "guess", HTTP_X_FORWARDED_FOR=f"192.0.2.{n}", HTTP_FORWARDED=f"for=192.0.2.{n}",
                     HTTP_X_REAL_IP=f"192.0.2.{n}").status_code
            for n in range(7)
        ]  # fmt: skip
        assert codes == [200] * 5 + [429] * 2

    @pytest.mark.parametrize("host", ["localhost", "localhost:81", "LOCALHOST:{n}", "127.0.0.1:{n}"])
    def test_another_host_or_port_begins_no_new_count(self, host: str, person: User) -> None:
        codes = [try_from(ATTACKER, "guess", HTTP_HOST=host.format(n=1000 + n)).status_code for n in range(7)]
        assert codes == [200] * 5 + [429] * 2

    def test_addresses_of_one_subscriber_count_together(self, person: User) -> None:
        codes = [try_from(f"2001:db8:1:2::{n}", "guess").status_code for n in range(7)]
        assert codes == [200] * 5 + [429] * 2

    def test_a_name_that_nobody_has_is_answered_in_the_same_way(self, person: User) -> None:
        vera = [try_from(ATTACKER, "guess") for _ in range(7)]
        nobody = [try_from(ATTACKER, "guess", name="vara") for _ in range(7)]
        for one, other in zip(vera, nobody, strict=True):
            assert one.status_code == other.status_code
            assert said(one) == said(other).replace("vara", "vera")

    @pytest.mark.parametrize("name", ["vera", "nobody", "unusable", "inactive"])
    def test_every_name_costs_one_hash_so_that_time_tells_nobody_apart(
        self, name: str, person: User, monkeypatch: Any
    ) -> None:
        factories.make_user("unusable")
        inactive = factories.make_user("inactive", is_active=False)
        inactive.set_password(RIGHT)
        inactive.save()
        hashes = []
        encode, verify = Argon2PasswordHasher.encode, Argon2PasswordHasher.verify
        monkeypatch.setattr(Argon2PasswordHasher, "encode", lambda *args: hashes.append(1) or encode(*args))
        monkeypatch.setattr(Argon2PasswordHasher, "verify", lambda *args: hashes.append(1) or verify(*args))
        assert try_from(HOME, "guess", name=name).status_code == 200
        assert len(hashes) == 1

    def test_an_answer_as_json_says_429_too(self, person: User) -> None:
        attack(5)
        answer = try_from(ATTACKER, "guess", HTTP_ACCEPT="application/json")
        assert (answer.status_code, answer["Retry-After"]) == (429, "5")


def said(response: Any) -> str:
    return re.sub(r'csrfmiddlewaretoken" value="[^"]+|nonce="[^"]+', "", response.content.decode())


class TestNobodyIsKeptOut:
    def test_the_right_password_from_elsewhere_goes_on_working(self, person: User) -> None:
        attack(60)
        assert is_in(try_from(HOME, RIGHT))

    def test_a_browser_that_signed_in_before_is_let_in_from_the_attackers_own_address(self, person: User) -> None:
        """Everybody behind a proxy that is not trusted has its address."""
        browser = Client()
        assert is_in(try_from(ATTACKER, RIGHT, client=browser))
        browser.post("/accounts/logout/")
        attack(60)
        assert is_in(try_from(ATTACKER, RIGHT, client=browser))

    def test_a_network_where_one_signed_in_before_is_let_in_while_everybody_guesses(self, person: User) -> None:
        assert is_in(try_from(HOME, RIGHT))
        for number in range(60):
            try_from(f"192.0.2.{number}", "guess")
        assert try_from(OFFICE, RIGHT).status_code == 429
        assert is_in(try_from(HOME, RIGHT))

    def test_a_colleague_behind_the_same_address_signs_in_for_the_first_time(self, person: User) -> None:
        for number in range(WARNED.free + 10):
            last = try_from(ATTACKER, "guess", name=f"name {number}")
        assert last.status_code == 429
        assert is_in(try_from(ATTACKER, RIGHT))

    def test_a_flood_of_names_costs_no_more_hashes_than_its_limit(self, person: User, monkeypatch: Any) -> None:
        monkeypatch.setitem(LIMITS, CountedBy.NETWORK, LIMITS[CountedBy.NETWORK].__class__(
            3, timedelta(seconds=1), timedelta(seconds=2)))  # fmt: skip
        hashed = []
        monkeypatch.setattr(User, "set_password", lambda user, raw: hashed.append(raw))
        for number in range(10):
            last = try_from(ATTACKER, "guess", name=f"name {number}")
        assert len(hashed) == 3
        assert last.status_code == 429

    def test_a_cookie_of_one_person_is_worth_nothing_for_another(self, person: User) -> None:
        otto = factories.make_user("otto")
        otto.set_password(RIGHT)
        otto.save()
        browser = Client()
        assert is_in(try_from(OFFICE, RIGHT, name="otto", client=browser))
        browser.post("/accounts/logout/")
        codes = [try_from(ATTACKER, "guess", client=browser).status_code for _ in range(7)]
        assert codes == [200] * 5 + [429] * 2

    @pytest.mark.parametrize("forged", ["", "x", "WyJhIiwgWzFdXQ:1tAbCd:sig", '["a", [1]]', "\x00", "é"])
    def test_a_forged_cookie_is_nobodys(self, forged: str, person: User) -> None:
        request = HttpRequest()
        request.COOKIES["monitor_browser"] = forged
        assert known_browsers.browser_of(request, person) == ""

    def test_a_browser_knows_several_people_and_keeps_its_id(self, person: User) -> None:
        otto = factories.make_user("otto")
        otto.set_password(RIGHT)
        otto.save()
        browser = Client()
        ids = []
        for name in ("vera", "otto"):
            try_from(HOME, RIGHT, name=name, client=browser)
            browser.post("/accounts/logout/")
            request = HttpRequest()
            request.COOKIES["monitor_browser"] = browser.cookies["monitor_browser"].value
            ids.append(known_browsers.browser_of(request, person))
        assert ids[0] == ids[1] != ""
        assert known_browsers.browser_of(request, otto) == ids[0]
        morsel = browser.cookies["monitor_browser"]
        assert morsel["httponly"]
        assert morsel["samesite"] == "Lax"

    def test_behind_a_trusted_proxy_each_client_counts_by_itself(self, person: User, settings: Any) -> None:
        settings.TRUSTED_PROXIES = read_trust("127.0.0.1")
        codes = [
            try_from("127.0.0.1", "guess", HTTP_X_FORWARDED_FOR=f"9.9.9.{n}, {ATTACKER}").status_code for n in range(7)
        ]
        assert codes == [200] * 5 + [429] * 2
        assert is_in(try_from("127.0.0.1", RIGHT, HTTP_X_FORWARDED_FOR=HOME))

    @pytest.mark.parametrize(
        "header", ["HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_PROTO"]
    )
    def test_nobody_is_known_by_the_address_of_a_proxy_that_is_not_named(self, header: str, person: User) -> None:
        """Else all who come through it would be known from everybody's home, guessers too."""
        assert is_in(try_from("10.0.0.1", RIGHT, **{header: HOME}))
        assert not own(KnownNetwork).exists()
        assert is_in(try_from("10.0.0.1", RIGHT))
        assert own(KnownNetwork).get().network == "10.0.0.1"
        assert attack(7, "10.0.0.1", **{header: ATTACKER}) == [200] * 5 + [429] * 2
        assert is_in(try_from("10.0.0.1", RIGHT))

    def test_guesses_at_people_who_are_known_there_count_for_the_network(self, person: User, monkeypatch: Any) -> None:
        monkeypatch.setitem(LIMITS, CountedBy.NETWORK, LIMITS[CountedBy.NETWORK].__class__(
            12, timedelta(seconds=1), timedelta(seconds=2)))  # fmt: skip
        otto = factories.make_user("otto")
        otto.set_password(RIGHT)
        otto.save()
        assert is_in(try_from(OFFICE, RIGHT))
        assert is_in(try_from(OFFICE, RIGHT, name="otto"))
        for name in ("vera", "otto"):
            assert attack(6, OFFICE, name=name) == [200] * 6
        assert try_from(OFFICE, "guess", name="somebody").status_code == 429
        assert is_in(try_from(OFFICE, RIGHT))
        assert is_in(try_from(OFFICE, RIGHT, name="otto"))


class TestOneTimePasswords:
    @pytest.fixture
    def handed_out(self, signed_in: Any, ada: User) -> str:
        shown = signed_in(ada).post(
            reverse("person_add"), {"username": "nina", "email": "n@example.com", "role": "viewer"}
        )
        return re.search(r'id="one-time-password">([^<]+)<', shown.content.decode())[1]

    def test_every_page_leads_to_the_change_until_it_is_done(self, handed_out: str) -> None:
        nina = Client()
        assert is_in(try_from(HOME, handed_out, name="nina", client=nina))
        for page in ("/", "/executions/", "/profile/", "/people/", "/accounts/login/?next=/flows/"):
            assert nina.get(page, follow=True).redirect_chain[-1] == ("/accounts/password/change/", 302)
        assert nina.post("/profile/", {"timezone": "Asia/Kolkata"})["Location"] == "/accounts/password/change/"
        assert User.objects.get(username="nina").timezone == "UTC"
        assert "Choose a password of your own first" in nina.get("/accounts/password/change/").content.decode()
        assert nina.get("/healthz/live").status_code == 200
        same = {"oldpassword": handed_out, "password1": handed_out, "password2": handed_out}
        assert b"choose another one" in nina.post("/accounts/password/change/", same).content
        new = {"oldpassword": handed_out, "password1": RIGHT, "password2": RIGHT}
        assert nina.post("/accounts/password/change/", new)["Location"] == "/profile/"
        assert nina.get("/").status_code == 200
        assert is_in(try_from(HOME, RIGHT, name="nina"))
        assert not own(User).filter(username="nina").exclude(one_time_until=None).exists()

    def test_it_lets_in_once(self, handed_out: str) -> None:
        assert is_in(try_from(HOME, handed_out, name="nina"))
        again = try_from(HOME, handed_out, name="nina")
        assert again.status_code == 200
        assert b"used up or has ended" in again.content

    def test_it_ends_after_72_hours(self, handed_out: str, now: Any) -> None:
        with time_machine.travel(now + timedelta(hours=72), tick=False):
            assert b"used up or has ended" in try_from(HOME, handed_out, name="nina").content

    def test_a_reset_password_is_one_too_and_a_second_reset_a_new_one(
        self, person: User, signed_in: Any, ada: User
    ) -> None:
        for _ in range(2):
            shown = signed_in(ada).post(reverse("person_password", args=[person.pk]))
            password = re.search(r'id="one-time-password">([^<]+)<', shown.content.decode())[1]
            vera = Client()
            assert is_in(try_from(HOME, password, client=vera))
            assert vera.get("/").status_code == 302
            assert get_user(vera).pk == person.pk

    def test_the_people_page_says_who_has_not_used_it(
        self, handed_out: str, signed_in: Any, ada: User, now: Any
    ) -> None:
        def shown() -> str:
            return signed_in(ada).get("/people/").content.decode()

        assert "One-time password, ends" in shown()
        with time_machine.travel(now + timedelta(hours=73), tick=False):
            assert "The one-time password has ended, unused" in shown()
        try_from(HOME, handed_out, name="nina")
        assert "no own one yet" in shown()


class TestPresentPassword:
    """Whoever came by somebody's open session may not guess the password where it is changed."""

    CHANGE = "/accounts/password/change/"
    NEW = "staple paper clip"

    def change(self, client: Client, present: str, new: str = NEW, address: str = ATTACKER) -> Any:
        form = {"oldpassword": present, "password1": new, "password2": new}
        return client.post(self.CHANGE, form, REMOTE_ADDR=address)

    def guess(self, client: Client, times: int, address: str = ATTACKER) -> list[int]:
        return [self.change(client, f"guess {number}", address=address).status_code for number in range(times)]

    def test_guesses_wait_and_stand_in_the_trail(self, person: User, signed_in: Any) -> None:
        client = signed_in(person)
        assert self.guess(client, 7) == [200] * 5 + [429] * 2
        refused = self.change(client, RIGHT)
        assert (refused.status_code, refused["Retry-After"]) == (429, "5")
        assert "Too many wrong passwords. Try again in 5 s." in refused.content.decode()
        person.refresh_from_db()
        assert person.check_password(RIGHT)
        entries = own(AuditEntry).filter(action__startswith="person.change_password").order_by("pk")
        assert [(entry.action, entry.actor, entry.object_id, entry.address) for entry in entries] == [
            (f"person.change_password.{what}", person, str(person.pk), ATTACKER) for what in ("failed", "delayed")
        ]

    def test_guesses_here_and_at_sign_in_count_together(self, person: User, signed_in: Any) -> None:
        assert self.guess(signed_in(person), 3) == [200] * 3
        assert attack(4) == [200] * 2 + [429] * 2

    def test_another_session_begins_no_new_count(self, person: User, signed_in: Any) -> None:
        assert [self.guess(signed_in(person), 1)[0] for _ in range(7)] == [200] * 5 + [429] * 2

    def test_the_person_changes_it_while_a_thief_guesses(self, person: User) -> None:
        home = Client()
        assert is_in(try_from(HOME, RIGHT, client=home))
        thief = Client()
        thief.cookies[settings.SESSION_COOKIE_NAME] = home.cookies[settings.SESSION_COOKIE_NAME].value
        assert self.guess(thief, 30)[-1] == 429
        assert self.change(home, RIGHT, address=HOME)["Location"] == "/profile/"

    def test_the_right_one_forgives_the_slips_and_makes_no_place_known(self, person: User, signed_in: Any) -> None:
        client = signed_in(person)
        assert self.guess(client, 4) == [200] * 4
        assert self.change(client, RIGHT)["Location"] == "/profile/"
        assert not own(KnownNetwork).exists()
        assert self.guess(client, 5) == [200] * 5

    @pytest.mark.parametrize("present", ["", "guess"])
    def test_the_field_of_the_new_one_answers_no_guess(self, present: str, person: User, signed_in: Any) -> None:
        """It said that the new one is the present one, whatever stood in the other field."""
        assert b"choose another one" not in self.change(signed_in(person), present, RIGHT).content

    def test_an_answer_as_json_says_429_too(self, person: User, signed_in: Any) -> None:
        client = signed_in(person)
        self.guess(client, 5)
        answer = client.post(
            self.CHANGE, {"oldpassword": "guess"}, REMOTE_ADDR=ATTACKER, HTTP_ACCEPT="application/json"
        )
        assert (answer.status_code, answer["Retry-After"]) == (429, "5")

    def test_whoever_is_not_signed_in_gets_no_form(self, person: User) -> None:
        assert Client().get(self.CHANGE)["Location"] == f"{LOGIN}?next={self.CHANGE}"


class TestNext:
    @pytest.mark.parametrize("path", ["/flows/", "/executions/?status=failed&page=2", "/", "/flows/1/#runs"])
    def test_a_page_of_ours_is_gone_to(self, path: str, person: User) -> None:
        assert Client().post(LOGIN, {"login": "vera", "password": RIGHT, "next": path})["Location"] == path

    @pytest.mark.parametrize(
        "elsewhere",
        [
            "https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
            "/\\/evil.example", "http://127.0.0.1/", "http://127.0.0.1:9/", "http://localhost/",
            "http://testserver/", "https://testserver/flows/", "http:evil.example", "http:///evil.example",
            "javascript:alert(1)", "data:text/html,x", "/\t/evil.example", "\t//evil.example", "/\n/evil.example",
            " //evil.example", "\u0000//evil.example", "//evil.example\\@testserver/",
            "http://testserver@evil.example/", "//testserver", "evil.example", "flows/", "?x=//evil.example",
            "/ /evil.example", "/%09/evil.example\t", "http://evil.example#@testserver/", "/\u2028/evil", "//[::1",
            "",
        ],
    )  # fmt: skip
    def test_anything_else_leads_to_the_overview(self, elsewhere: str, person: User) -> None:
        form = {"login": "vera", "password": RIGHT, "next": elsewhere}
        location = Client().post(LOGIN, form)["Location"]
        assert location == "/" or (location.startswith("/%") and "\u2028" in elsewhere)
        client = Client()
        client.force_login(person, backend="dashboard.people.backends.PersonBackend")
        assert client.get(LOGIN, {"next": elsewhere})["Location"] == location
        assert client.post("/accounts/logout/", {"next": elsewhere})["Location"] in (LOGIN, location)

    def test_no_address_is_no_page(self) -> None:
        assert not AccountAdapter().is_safe_url(None)


class TestTheTrail:
    def test_a_wrong_password_is_written_down_with_address_and_request_id(self, person: User, now: Any) -> None:
        answer = try_from(ATTACKER, "guess")
        entry = own(AuditEntry).get()
        assert (entry.action, entry.actor, entry.actor_name) == ("sign_in.failed", None, "visitor")
        assert (entry.object_type, entry.object_id, entry.detail) == ("person", str(person.pk), {"name": "vera"})
        assert (entry.address, entry.request_id) == (ATTACKER, answer["X-Request-ID"])
        assert entry.at == now

    def test_a_name_that_nobody_has_is_not_repeated(self, person: User) -> None:
        try_from(ATTACKER, "guess", name="my-secret-password")
        entry = own(AuditEntry).get()
        assert (entry.object_type, entry.detail) == ("", {"name": "of nobody"})

    def test_waits_and_sign_ins_are_written_down(self, person: User) -> None:
        attack(6)
        try_from(HOME, RIGHT)
        found = own(AuditEntry).order_by("pk").values_list("action", "actor_name")
        assert list(found) == [("sign_in.failed", "visitor"), ("sign_in.delayed", "visitor"), ("sign_in", "vera")]

    def test_each_sign_in_is_written_down_by_itself(self, person: User) -> None:
        for address in (HOME, HOME, OFFICE):
            assert is_in(try_from(address, RIGHT))
        found = own(AuditEntry).filter(action="sign_in", actor=person).order_by("pk")
        assert list(found.values_list("address", flat=True)) == [HOME, HOME, OFFICE]

    def test_a_right_password_of_somebody_who_may_not_sign_in_is_written_down(self, person: User) -> None:
        User.objects.filter(pk=person.pk).update(is_active=False)
        attack(3)
        assert not is_in(try_from(HOME, RIGHT))
        entry = own(AuditEntry).order_by("pk").last()
        assert entry is not None
        assert (entry.action, entry.detail) == ("sign_in.failed", {"name": "vera", "why": "the person may not sign in"})
        assert not own(KnownNetwork).exists()

    def test_a_flood_of_wrong_passwords_makes_few_rows_with_their_number(self, person: User) -> None:
        attack(120)
        rows = own(AuditEntry).filter(action="sign_in.delayed").order_by("pk")
        assert [row.detail.get("times", 1) for row in rows] == [1, 10, 100]
        assert rows[2].detail["in the hour from"] == "2026-11-22 12:00 UTC"

    @pytest.mark.parametrize("who", ["vera", "otto"])
    def test_a_refused_page_is_written_down(self, who: str, request: Any, signed_in: Any) -> None:
        user = request.getfixturevalue(who)
        answer = signed_in(user).get("/people/", REMOTE_ADDR=OFFICE)
        assert answer.status_code == 403
        entry = own(AuditEntry).get()
        assert (entry.action, entry.actor) == ("refused", user)
        assert (entry.object_type, entry.object_id) == ("person", str(user.pk))
        assert entry.detail == {"page": "people", "method": "GET"}
        assert (entry.address, entry.request_id) == (OFFICE, answer["X-Request-ID"])

    def test_a_form_from_elsewhere_is_written_down(self, db: None) -> None:
        answer = Client(enforce_csrf_checks=True).post(LOGIN, {"login": "vera", "password": RIGHT})
        assert answer.status_code == 403
        assert own(AuditEntry).get().detail == {"page": "account_login", "method": "POST"}

    def test_what_a_person_does_on_a_page_has_address_and_request_id(self, signed_in: Any, ada: User) -> None:
        form = {"username": "nina", "email": "n@example.com", "role": "viewer"}
        answer = signed_in(ada).post(reverse("person_add"), form, REMOTE_ADDR=OFFICE)
        entry = own(AuditEntry).get()
        assert (entry.action, entry.address, entry.request_id) == ("person.add", OFFICE, answer["X-Request-ID"])

    @pytest.mark.parametrize("spelling", ["2001:db8::5", "2001:DB8:0:0::5", "[2001:db8::5]"])
    def test_an_address_is_found_in_every_spelling(
        self, spelling: str, person: User, signed_in: Any, ada: User
    ) -> None:
        try_from("2001:db8:0:0:0:0:0:5", "guess")
        page = signed_in(ada).get("/audit/", {"address": spelling})
        assert [entry.action for entry in page.context["rows"]] == ["sign_in.failed"]

    def test_the_page_shows_from_where_and_narrows_to_it(self, person: User, signed_in: Any, ada: User) -> None:
        try_from(ATTACKER, "guess")
        try_from(HOME, "slip")
        page = signed_in(ada).get("/audit/", {"address": ATTACKER})
        assert [entry.address for entry in page.context["rows"]] == [ATTACKER]
        assert ATTACKER in page.content.decode()
        assert HOME not in page.content.decode()
