"""People and profiles: who may sign in, and that somebody always can administer."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from monitor.models import AuditEntry, User, system_user
from monitor.notify.kinds import KINDS
from tests import factories
from tests.bystander import own


def change(client: Any, person: User, **fields: Any) -> Any:
    data = {"email": person.email, "role": person.role} | ({"is_active": "on"} if person.is_active else {}) | fields
    return client.post(reverse("person", args=[person.pk]), {k: v for k, v in data.items() if v is not None})


def password_in(response: Any) -> str:
    return re.search(r'id="one-time-password">([^<]+)<', response.content.decode())[1]


def can_sign_in(username: str, password: str) -> bool:
    client = Client()
    client.post(reverse("account_login"), {"login": username, "password": password})
    return "_auth_user_id" in client.session


def test_a_new_person_signs_in_with_the_password_shown_once(signed_in, ada):
    client = signed_in(ada)
    data = {"username": "nina", "email": "nina@example.com", "role": "operator"}
    shown = client.post(reverse("person_add"), data)
    password = password_in(shown)
    assert len(password) >= 16
    assert can_sign_in("nina", password)
    assert password not in client.get(reverse("people")).content.decode()
    entry = own(AuditEntry).get(action="person.add")
    assert password not in str(entry.detail)
    assert entry.object_id == str(User.objects.get(username="nina").pk)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"username": "ADA"}, "username"),
        ({"username": "no spaces"}, "username"),
        ({"email": "ADA@example.com"}, "email"),
        ({"email": "nonsense"}, "email"),
        ({"email": ""}, "email"),
        ({"role": "king"}, "role"),
    ],
)
def test_a_person_that_cannot_be_is_refused(fields, wrong, signed_in, ada):
    data = {"username": "nina", "email": "nina@example.com", "role": "viewer"} | fields
    response = signed_in(ada).post(reverse("person_add"), data)
    assert response.status_code == 400
    assert wrong in response.context["form"].errors
    assert own(User).count() == 1


def test_extra_fields_make_nobody_a_superuser(signed_in, ada, vera):
    data = {"username": "nina", "email": "nina@example.com", "role": "viewer", "is_superuser": "on", "is_staff": "on"}
    signed_in(ada).post(reverse("person_add"), data)
    change(signed_in(ada), vera, is_superuser="on", username="root")
    assert not own(User).filter(is_superuser=True).exists()
    assert User.objects.filter(username="vera").exists()


def test_a_role_is_changed_and_audited_from_what_to_what(signed_in, ada, vera):
    assert change(signed_in(ada), vera, role="operator").status_code == 302
    vera.refresh_from_db()
    assert vera.role == "operator"
    entry = own(AuditEntry).get(action="person.change")
    assert entry.detail == {"role": {"from": "viewer", "to": "operator"}}
    assert entry.object_type == "person"


def test_an_address_is_changed_without_standing_in_the_trail(signed_in, ada, vera):
    change(signed_in(ada), vera, email="new@example.com")
    vera.refresh_from_db()
    assert vera.email == "new@example.com"
    assert own(AuditEntry).get().detail == {"email": "changed"}


@pytest.mark.parametrize("fields", [{"role": "viewer"}, {"is_active": None}])
def test_nobody_takes_their_own_rights_away(fields, signed_in, ada):
    factories.make_user("second", "admin")
    assert change(signed_in(ada), ada, **fields).status_code == 400
    ada.refresh_from_db()
    assert ada.is_active
    assert ada.role == "admin"


@pytest.mark.parametrize("fields", [{"role": "viewer"}, {"is_active": None}])
def test_the_last_admin_stays_one(fields, signed_in, ada):
    """Reached when two admins demote each other at once: the second finds nobody left."""
    second = factories.make_user("second", "admin")
    client = signed_in(ada)
    system_user()  # an admin by role, but nobody who could sign in
    factories.make_user("locked", "admin", is_active=False)
    User.objects.filter(pk=ada.pk).update(role="viewer", is_superuser=True)
    assert change(client, second, **fields).status_code == 302  # a superuser is an admin
    User.objects.filter(pk=second.pk).update(role="admin", is_active=True)
    form_by_nobody = _form_for(second, by=factories.make_user("ghost"), **fields)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert not form_by_nobody.is_valid()
    assert "last admin" in str(form_by_nobody.errors)


def _form_for(person: User, *, by: User, **fields: Any) -> Any:
    from dashboard.people.forms import PersonForm

    data = {"email": person.email, "role": "admin", "is_active": "on"} | fields
    return PersonForm({k: v for k, v in data.items() if v is not None}, instance=person, by=by)


def test_a_locked_out_person_is_out_at_once(signed_in, ada, vera):
    client = signed_in(vera)
    assert client.get(reverse("alerts")).status_code == 200
    change(signed_in(ada), vera, is_active=None)
    assert client.get(reverse("alerts")).status_code == 302


def test_a_reset_password_ends_the_sessions_of_that_person(signed_in, ada, vera):
    vera.set_password("the-old-one-of-vera")
    vera.save()
    client = signed_in(vera)
    assert client.get(reverse("alerts")).status_code == 200
    shown = signed_in(ada).post(reverse("person_password", args=[vera.pk]))
    assert client.get(reverse("alerts")).status_code == 302
    assert not can_sign_in("vera", "the-old-one-of-vera")
    assert can_sign_in("vera", password_in(shown))
    assert own(AuditEntry).filter(action="person.reset_password").count() == 1


def test_the_command_lines_own_user_is_not_among_the_people(signed_in, ada):
    row = system_user()
    client = signed_in(ada)
    assert row not in client.get(reverse("people")).context["rows"]
    assert client.post(reverse("person_password", args=[row.pk])).status_code == 404


def test_the_profile_sets_the_time_zone_of_the_pages_and_the_mails(signed_in, vera):
    client = signed_in(vera)
    execution = factories.make_execution()
    assert client.post(reverse("profile"), {"timezone": "Asia/Kolkata"}).status_code == 302
    vera.refresh_from_db()
    assert (vera.timezone, vera.wants_mail) == ("Asia/Kolkata", False)
    assert (vera.digest_hour, vera.digest_weekday) == (7, 0), "what is not sent stays"
    assert "16:30:00" in client.get(execution.get_absolute_url()).content.decode()


OFF_AT_FIRST = {"digest_daily", "alive"}


def test_each_kind_of_mail_has_a_switch_that_is_on_until_the_person_turns_it_off(signed_in, vera):
    client = signed_in(vera)
    page = client.get(reverse("profile")).content.decode()
    of_others = {"alive", "change_unknown"}
    assert not [kind for kind in of_others if f"wants_{kind}" in page], "a viewer cannot have them"
    for kind in {*KINDS, "mail"} - of_others:
        box = re.search(f'<input[^>]*name="wants_{kind}"[^>]*>', page)
        assert (" checked" in box[0]) is (kind not in OFF_AT_FIRST)
    on = {f"wants_{kind}": "on" for kind in KINDS if kind != "note"}
    assert client.post(reverse("profile"), {"timezone": "UTC", "wants_mail": "on"} | on).status_code == 302
    vera.refresh_from_db()
    assert (vera.wants_mail, vera.unwanted_mails) == (True, ["alive", "note"])
    page = client.get(reverse("profile")).content.decode()
    assert not re.search('<input[^>]*name="wants_note"[^>]* checked', page)
    assert client.post(reverse("profile"), {"timezone": "UTC", "wants_note": "on"} | on).status_code == 302
    vera.refresh_from_db()
    assert (vera.wants_mail, vera.unwanted_mails) == (False, ["alive"])


@pytest.mark.parametrize("role", ["viewer", "admin"])
def test_the_profile_says_where_mails_go(db, role, signed_in):
    person = factories.make_user("pat", role)
    assert "Mails go to pat@example.com." in signed_in(person).get(reverse("profile")).content.decode()
    User.objects.filter(pk=person.pk).update(email="")
    assert "There is no address to send mails to" in signed_in(person).get(reverse("profile")).content.decode()


def test_a_profile_that_is_refused_keeps_the_switches(signed_in, vera):
    assert signed_in(vera).post(reverse("profile"), {"timezone": "Mars/Olympus"}).status_code == 400
    vera.refresh_from_db()
    assert (vera.wants_mail, set(vera.unwanted_mails)) == (True, OFF_AT_FIRST)


def test_digests_have_an_hour_and_a_day_and_are_due_from_when_they_were_asked_for(signed_in, ada):
    client = signed_in(ada)
    sent = {"timezone": "UTC", "digest_hour": "0", "digest_weekday": "6", "wants_digest_weekly": "on"}
    assert client.post(reverse("profile"), sent).status_code == 302
    ada.refresh_from_db()
    assert (ada.digest_hour, ada.digest_weekday, ada.digests_from) == (0, 6, None), "the weekly one was on before"
    assert client.post(reverse("profile"), sent | {"wants_alive": "on"}).status_code == 302
    ada.refresh_from_db()
    assert "alive" not in ada.unwanted_mails
    assert ada.digests_from is not None


@pytest.mark.parametrize("wrong", [{"digest_hour": "24"}, {"digest_hour": "-1"}, {"digest_weekday": "7"}])
def test_an_hour_or_day_that_is_none_is_refused(signed_in, vera, wrong):
    assert signed_in(vera).post(reverse("profile"), {"timezone": "UTC"} | wrong).status_code == 400
    vera.refresh_from_db()
    assert (vera.digest_hour, vera.digest_weekday) == (7, 0)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", ""])
def test_a_time_zone_that_is_none_is_refused(zone, signed_in, vera):
    assert signed_in(vera).post(reverse("profile"), {"timezone": zone}).status_code == 400
    vera.refresh_from_db()
    assert vera.timezone == "UTC"


def test_the_profile_changes_nothing_else(signed_in, vera):
    signed_in(vera).post(
        reverse("profile"), {"timezone": "UTC", "role": "admin", "is_superuser": "on", "email": "x@y.z"}
    )
    vera.refresh_from_db()
    assert (vera.role, vera.is_superuser, vera.email) == ("viewer", False, "vera@example.com")
