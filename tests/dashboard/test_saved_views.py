"""Filters of the list of executions are kept under a name: one's own, shared, and the one that opens first."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from monitor.models import AuditEntry, SavedView, User
from monitor.queries.saved_views import MOST_OWN, MOST_SHOWN, views_of
from tests import factories
from tests.bystander import own

LIST = "/executions/"
ADD = "/executions/views/add/"


def saved(person: User, name: str = "Failed", query: str = "status=failed", **more: Any) -> SavedView:
    return SavedView.objects.create(person=person, name=name, query=query, **more)


def trail() -> list[tuple[str, Any]]:
    return list(own(AuditEntry).filter(action__startswith="view.").order_by("pk").values_list("action", "detail"))


def test_filters_are_saved_under_a_name_and_offered_above_the_list(vera: User, signed_in: Any, busy_flow: Any) -> None:
    busy_flow()
    client = signed_in(vera)
    page = client.get(f"{LIST}?status=failed&period=7d&after=5-7").content.decode()
    assert f'href="{ADD}?status=failed&amp;period=7d"' in page
    assert "Last 7 days" in client.get(f"{ADD}?status=failed&period=7d").content.decode()
    response = client.post(f"{ADD}?status=failed&period=7d&after=5-7", {"name": "  My   week "})
    assert response["Location"] == f"{LIST}?status=failed&period=7d"
    assert own(SavedView).values_list("person", "name", "query", "is_shared", "is_default").get() == (
        vera.pk, "My week", "status=failed&period=7d", False, False
    )  # fmt: skip
    page = client.get(f"{LIST}?period=7d&status=failed").content.decode()
    assert "My week" in page
    assert "Change this view" in page
    assert ADD not in page
    assert trail() == []


@pytest.mark.parametrize("query", ["", "after=5-7", "status=nonsense", "period=7y", "q=sttus:failed", "other=1"])
def test_what_is_no_filter_or_cannot_be_read_is_not_saved(vera: User, signed_in: Any, query: str) -> None:
    response = signed_in(vera).post(f"{ADD}?{query}", {"name": "Mine"})
    assert response.status_code == 302
    assert response["Location"].startswith(LIST)
    assert not own(SavedView).exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "This field is required"),
        ("x" * 61, "at most 60 characters"),
        (" Taken ", "There is a view of this name already"),
    ],
)
def test_a_name_that_cannot_be_taken_saves_nothing(vera: User, signed_in: Any, name: str, said: str) -> None:
    saved(vera, "Taken")
    response = signed_in(vera).post(f"{ADD}?status=failed", {"name": name})
    assert response.status_code == 400
    assert said in response.content.decode()
    assert own(SavedView).count() == 1


def test_nobody_keeps_more_views_than_can_be_looked_through(vera: User, signed_in: Any) -> None:
    SavedView.objects.bulk_create(SavedView(person=vera, name=f"{n}", query="status=failed") for n in range(MOST_OWN))
    response = signed_in(vera).post(f"{ADD}?status=failed", {"name": "One more"})
    assert response.status_code == 400
    assert "delete one first" in response.content.decode()
    response = signed_in(factories.make_user("vic")).post(f"{ADD}?text={'%C3%BC' * 199}", {"name": "Long"})
    assert response.status_code == 400
    assert "too long" in response.content.decode()


def test_one_view_opens_first_and_the_whole_list_is_a_click_away(vera: User, signed_in: Any, busy_flow: Any) -> None:
    busy_flow()
    client = signed_in(vera)
    first = saved(vera, is_default=True)
    response = client.get(LIST)
    assert (response.status_code, response["Location"]) == (302, f"{LIST}?status=failed")
    assert f'href="{LIST}?view=all"' in client.get(response["Location"]).content.decode()
    assert client.get(f"{LIST}?view=all").status_code == 200
    client.post(f"{ADD}?status=stuck", {"name": "Stuck", "is_default": "on"})
    assert client.get(LIST)["Location"] == f"{LIST}?status=stuck"
    first.refresh_from_db()
    assert not first.is_default
    with pytest.raises(IntegrityError), transaction.atomic():
        SavedView.objects.filter(pk=first.pk).update(is_default=True)


def test_a_shared_view_is_offered_to_everybody_and_opens_first_for_its_owner_alone(
    vera: User, otto: User, signed_in: Any, busy_flow: Any
) -> None:
    busy_flow()
    response = signed_in(otto).post(f"{ADD}?status=failed", {"name": "Ours", "is_shared": "on", "is_default": "on"})
    assert response.status_code == 302
    assert trail() == [("view.share", {"name": "Ours", "filters": "status"})]
    page = signed_in(vera).get(f"{LIST}?status=failed")
    assert page.status_code == 200
    assert "by otto" in page.content.decode()
    assert "Change this view" not in page.content.decode()
    assert signed_in(vera).get(LIST).status_code == 200
    saved(vera, "Mine")
    saved(otto, "His alone")
    assert [view.name for view in views_of(vera)] == ["Mine", "Ours"]


def test_a_viewer_shares_nothing_whatever_is_sent(vera: User, signed_in: Any) -> None:
    signed_in(vera).post(f"{ADD}?status=failed", {"name": "Mine", "is_shared": "on"})
    assert not own(SavedView).get().is_shared


def test_a_view_is_renamed_shared_and_taken_back_with_an_entry_where_others_see_it(otto: User, signed_in: Any) -> None:
    view, client = saved(otto), signed_in(otto)
    address = reverse("executions_view_edit", args=[view.pk])
    client.post(address, {"name": "Renamed"})
    assert trail() == []
    client.post(address, {"name": "Ours", "is_shared": "on"})
    client.post(address, {"name": "Mine"})
    assert [action for action, _ in trail()] == ["view.share", "view.unshare"]
    view.refresh_from_db()
    assert (view.name, view.is_shared, view.query) == ("Mine", False, "status=failed")


def test_whose_view_it_is_not_neither_sees_nor_changes_it(vera: User, otto: User, ada: User, signed_in: Any) -> None:
    alone, shared = saved(otto), saved(otto, "Ours", is_shared=True)
    for person, view in ((vera, alone), (ada, alone), (vera, shared)):
        for name in ("executions_view_edit", "executions_view_delete"):
            response = signed_in(person).post(reverse(name, args=[view.pk]), {"name": "Theirs"})
            assert response.status_code == 404, (person, view, name)
    assert own(SavedView).count() == 2
    assert signed_in(ada).post(reverse("executions_view_delete", args=[shared.pk])).status_code == 302
    assert [entry[0] for entry in trail()] == ["view.delete"]
    assert signed_in(otto).post(reverse("executions_view_delete", args=[alone.pk])).status_code == 302
    assert not own(SavedView).exists()


def test_who_may_share_no_longer_leaves_what_others_see_alone(otto: User, signed_in: Any) -> None:
    shared = saved(otto, is_shared=True)
    User.objects.filter(pk=otto.pk).update(role="viewer")
    assert signed_in(otto).get(reverse("executions_view_edit", args=[shared.pk])).status_code == 404


def test_an_admin_who_changes_anothers_view_does_not_set_what_opens_first(
    otto: User, ada: User, signed_in: Any
) -> None:
    shared = saved(otto, "Ours", is_shared=True, is_default=True)
    address = reverse("executions_view_edit", args=[shared.pk])
    assert "is_default" not in signed_in(ada).get(address).content.decode()
    signed_in(ada).post(address, {"name": "All of us", "is_shared": "on"})
    shared.refresh_from_db()
    assert (shared.name, shared.is_default) == ("All of us", True)


def test_ones_own_views_and_what_opens_first_are_there_however_many_others_share(vera: User, otto: User) -> None:
    SavedView.objects.bulk_create(
        SavedView(person=otto, name=f"A {n:03}", query="status=failed", is_shared=True) for n in range(MOST_SHOWN + 5)
    )
    saved(vera, "Y")
    saved(vera, "Z", "status=stuck", is_default=True)
    shown = views_of(vera)
    assert [(view.name, view.is_default) for view in shown[:3]] == [("Y", False), ("Z", True), ("A 000", False)]
    assert len(shown) == MOST_SHOWN


@pytest.mark.parametrize("is_default", [False, True])
@pytest.mark.parametrize("is_new", [False, True])
def test_two_tabs_that_save_at_once_get_a_word_and_not_an_error(
    is_new: bool, is_default: bool, otto: User, signed_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other tab saves between this one's look at the names and its own saving."""
    view = None if is_new else saved(otto, "Before", "status=failed", is_shared=True)
    save = SavedView.save

    def save_after_the_other(self: SavedView, **more: Any) -> None:
        monkeypatch.setattr(SavedView, "save", save)
        saved(otto, "Other" if is_default else "Mine", "status=stuck", is_default=is_default)
        self.save(**more)

    sent = {"name": "Mine", "is_shared": "on"} | ({"is_default": "on"} if is_default else {})
    monkeypatch.setattr(SavedView, "save", save_after_the_other)
    address = reverse("executions_view_edit", args=[view.pk]) if view else f"{ADD}?status=failed"
    response = signed_in(otto).post(address, sent)
    assert response.status_code == 400
    assert "saved at the same moment" in response.content.decode()
    assert trail() == []
    assert list(own(SavedView).values_list("name", flat=True)) == ([] if is_new else ["Before"])
    assert signed_in(otto).post(address, sent).status_code == 302
    assert own(SavedView).get(name="Mine").is_shared
