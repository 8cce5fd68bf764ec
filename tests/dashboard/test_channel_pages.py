"""Channels on the pages: added and changed without showing a secret, tested, and their messages sent again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from monitor.models import AuditEntry, Channel, ChannelMessage, ChannelStanding, Delivery, Digest, SendAttempt
from monitor.queries.channels import broken_channels, left_open
from tests import factories
from tests.bystander import own
from tests.commands.commandline import run
from tests.dashboard.world import make_mail, make_state
from tests.notify.channels.conftest import FIELDS, counter_server, make_channel  # noqa: F401 - one is a fixture
from tests.notify.channels.server import Counter

pytestmark = pytest.mark.django_db


@pytest.fixture
def notice(account: Any) -> Any:
    state = make_state(factories.make_alert_rule(account), factories.make_flow(account), timezone.now())
    return factories.make_incident(state).notices.get()


def filled_in(service: str, **more: str) -> dict[str, str]:
    fields = {f"to_{name}": value for name, value in FIELDS[service].items()}
    return {"service": service, "name": f"Our {service}", "severity": "page", "account": ""} | fields | more


@pytest.mark.parametrize("service", FIELDS)
def test_a_channel_of_each_service_is_added_and_its_secrets_are_never_shown(
    service: str, signed_in: Any, ada: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = signed_in(ada)
    assert client.get(reverse("channel_add"), {"service": service}).status_code == 200
    added = client.post(reverse("channel_add"), filled_in(service), follow=True)
    channel = own(Channel).get()
    assert (channel.service, channel.severity, channel.fields) == (service, "page", FIELDS[service])
    pages = [added, *(client.get(reverse(name, args=[channel.pk])) for name in ("channel", "channel_edit"))]
    pages += [client.get(reverse(name)) for name in ("channels", "mails", "audit")]
    for page in pages:
        assert page.status_code == 200
        assert "s3cr3t" not in page.content.decode()
    assert "s3cr3t" not in repr(list(AuditEntry.objects.values_list("detail", flat=True)))
    assert "s3cr3t" not in caplog.text
    stored = Channel.objects.filter(pk=channel.pk).extra(select={"raw": "address"}).values_list("raw", flat=True)[0]
    assert "s3cr3t" not in str(stored)


def test_who_deletes_a_channel_reads_which_open_incidents_it_will_not_hear_the_end_of(
    signed_in: Any, ada: Any, notice: Any
) -> None:
    told, other = make_channel("pagerduty", "Told"), make_channel("pagerduty", "Another")
    factories.make_channel_message(notice, told, state="sent")
    factories.make_channel_message(notice, other, state="dead")
    said = "The end of 1 open incident will not be told there"
    client = signed_in(ada)
    assert said in client.get(told.get_absolute_url()).content.decode()
    assert said not in client.get(other.get_absolute_url()).content.decode()


def test_the_secret_of_a_webhook_is_shown_once(signed_in: Any, ada: Any) -> None:
    client = signed_in(ada)
    added = client.post(reverse("channel_add"), filled_in("webhook")).content.decode()
    channel = own(Channel).get()
    [secret] = channel.secret_list
    assert secret.text in added
    assert secret.text not in client.get(channel.get_absolute_url()).content.decode()
    rotated = client.post(reverse("channel_rotate", args=[channel.pk])).content.decode()
    channel.refresh_from_db()
    assert channel.secret_list[1].text in rotated
    client.post(reverse("channel_retire", args=[channel.pk]))
    channel.refresh_from_db()
    [left] = channel.secret_list
    assert left.text in rotated


@pytest.mark.parametrize(
    ("service", "change"),
    [
        ("webhook", {"to_url": "http://hooks.example.com/x"}),
        ("webhook", {"to_url": "https://169.254.169.254/latest"}),
        ("webhook", {"to_url": "file:///etc/passwd"}),
        ("slack", {"to_url": "https://evil.example.com/services/A/B/C"}),
        ("telegram", {"to_bot_token": "x\ny"}),
        ("ntfy", {"to_topic": ""}),
        ("webhook", {"name": ""}),
        ("webhook", {"severity": "digest"}),
        ("webhook", {"account": "987654321"}),
    ],
)
def test_what_no_service_takes_is_refused_beside_its_field(
    service: str, change: dict[str, str], signed_in: Any, ada: Any
) -> None:
    answer = signed_in(ada).post(reverse("channel_add"), filled_in(service, **change))
    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == list(change)
    assert not own(Channel).exists()


def test_a_name_is_taken_once_and_free_again_after_deletion(signed_in: Any, ada: Any) -> None:
    client = signed_in(ada)
    client.post(reverse("channel_add"), filled_in("slack"))
    again = client.post(reverse("channel_add"), filled_in("slack"))
    assert again.status_code == 400
    assert "already" in again.content.decode()
    client.post(reverse("channel_delete", args=[own(Channel).get().pk]))
    assert client.post(reverse("channel_add"), filled_in("slack")).status_code == 302


def test_a_service_that_does_not_exist_is_a_404(signed_in: Any, ada: Any) -> None:
    assert signed_in(ada).get(reverse("channel_add"), {"service": "exec"}).status_code == 404
    assert signed_in(ada).post(reverse("channel_add"), filled_in("slack") | {"service": "file"}).status_code == 404


def test_editing_keeps_a_secret_that_is_left_empty(signed_in: Any, ada: Any) -> None:
    channel = make_channel("telegram", "Chat")
    answer = signed_in(ada).post(
        reverse("channel_edit", args=[channel.pk]),
        {"name": "Chat of all", "severity": "page", "account": "", "to_bot_token": "", "to_chat": "@operations"},
    )
    assert answer.status_code == 302
    channel.refresh_from_db()
    assert channel.fields == FIELDS["telegram"] | {"chat": "@operations"}
    assert (channel.name, channel.severity) == ("Chat of all", "page")
    assert own(AuditEntry).get(action="channel.edit").detail["address"] == ["chat"]


def test_a_kept_token_is_not_sent_to_another_server(signed_in: Any, ada: Any) -> None:
    channel = make_channel("ntfy", "ntfy")
    known = {"name": "ntfy", "severity": "page", "account": "", "to_topic": "", "to_token": ""}
    url = reverse("channel_edit", args=[channel.pk])
    assert signed_in(ada).post(url, known | {"to_server": "https://evil.example.com"}).status_code == 400
    channel.refresh_from_db()
    assert channel.fields == FIELDS["ntfy"]


def test_a_deleted_channel_loses_its_secrets_and_keeps_its_log(notice: Any, signed_in: Any, ada: Any) -> None:
    channel = make_channel("webhook", "Gone soon")
    message = factories.make_channel_message(notice, channel, state="sent")
    client = signed_in(ada)
    client.post(reverse("channel_delete", args=[channel.pk]))
    gone = Channel.with_deleted.get(pk=channel.pk)
    assert (gone.address, gone.secrets, gone.hint) == ("", "", "")
    assert client.get(reverse("channel", args=[channel.pk])).status_code == 404
    assert "Gone soon" in client.get(reverse("mails")).content.decode()
    assert client.get(reverse("channel_message", args=[message.pk])).status_code == 200


def test_a_test_message_tells_what_the_server_said(counter_server: Counter, signed_in: Any, ada: Any) -> None:  # noqa: F811
    channel = make_channel("webhook", "Hook", fields={"url": f"{counter_server.origin}/s3cr3tPath"})
    counter_server.answers = [(401, {}, b"no such hook s3cr3tPath")]
    url = reverse("channel_test", args=[channel.pk])
    client = signed_in(ada)
    page = client.post(url, follow=True).content.decode()
    assert "401 (the key or token is not accepted): no such hook" in page
    assert "s3cr3t" not in page
    assert "less than 10 seconds ago" in client.post(url, follow=True).content.decode()
    ChannelStanding.objects.update(tested_at=timezone.now() - timedelta(minutes=1))
    assert "took the test message" in client.post(url, follow=True).content.decode()
    assert ChannelStanding.objects.get(channel=channel).state == "accepts"
    assert [one.detail["answer"] for one in own(AuditEntry).filter(action="channel.test").order_by("pk")] == [
        "401",
        "200",
    ]
    assert len(counter_server.taken) == 2


def test_mails_and_messages_stand_in_one_log_with_each_attempt(
    notice: Any, signed_in: Any, ada: Any, otto: Any
) -> None:
    now = timezone.now()
    mail = make_mail(notice, otto, now, state="dead")
    channel = make_channel("slack", "Operations")
    message = factories.make_channel_message(notice, channel, state="dead", created_at=now, title="[Firing] Lead sync")
    for number, of in enumerate(({"delivery": mail}, {"message": message}), start=1):
        SendAttempt.objects.create(
            number=number, at=now, ms=7, outcome="later", code="503", answer=f"busy {number}", **of
        )
    client = signed_in(ada)
    rows = client.get(reverse("mails")).context["rows"]
    assert {(row["way"], row["said"], row["to"]) for row in rows} >= {
        ("mail", "[Firing] A flow", "otto@example.com"),
        ("channel", "[Firing] Lead sync", "Operations"),
    }
    assert "busy 1" in client.get(reverse("mail", args=[mail.pk])).content.decode()
    assert "busy 2" in client.get(reverse("channel_message", args=[message.pk])).content.decode()


@pytest.mark.parametrize(
    ("query", "ways"),
    [
        ({"way": "mail"}, {"mail"}),
        ({"way": "channel"}, {"channel"}),
        ({"state": "dead"}, {"channel"}),
        ({"text": "operations"}, {"channel"}),
        ({"text": "otto@"}, {"mail"}),
    ],
)
def test_the_log_is_narrowed(
    query: dict[str, str], ways: set[str], notice: Any, signed_in: Any, ada: Any, otto: Any
) -> None:
    make_mail(notice, otto, timezone.now())
    factories.make_channel_message(notice, make_channel("slack", "Operations"), state="dead")
    rows = signed_in(ada).get(reverse("mails"), query).context["rows"]
    assert {row["way"] for row in rows} == ways


def test_the_log_of_one_channel_holds_nothing_of_another(notice: Any, signed_in: Any, ada: Any, otto: Any) -> None:
    make_mail(notice, otto, timezone.now())
    channel = make_channel("slack", "Operations")
    for one in (channel, make_channel("teams", "Elsewhere")):
        factories.make_channel_message(notice, one)
    client = signed_in(ada)
    rows = client.get(reverse("mails"), {"channel": channel.pk}).context["rows"]
    assert [row["to"] for row in rows] == ["Operations"]
    assert client.get(reverse("mails"), {"channel": channel.pk, "way": "mail"}).context["rows"] == []


@pytest.mark.parametrize("query", [{"way": "post"}, {"channel": "x"}, {"state": "lost"}])
def test_a_filter_of_the_log_that_cannot_be_read_lists_nothing(query: dict[str, str], signed_in: Any, ada: Any) -> None:
    assert signed_in(ada).get(reverse("mails"), query).status_code == 400


@pytest.mark.parametrize("what", ["mail", "channel_message"])
def test_what_was_given_up_is_sent_again_once_however_often_it_is_clicked(
    what: str, notice: Any, signed_in: Any, ada: Any, otto: Any
) -> None:
    now = timezone.now()
    mail = make_mail(notice, otto, now, state="dead")
    message = factories.make_channel_message(notice, make_channel("slack", "Operations"), state="dead")
    row: Delivery | ChannelMessage = mail if what == "mail" else message
    client = signed_in(ada)
    assert "Send it again" in client.get(reverse(what, args=[row.pk])).content.decode()
    url = reverse(f"{what}_send_again", args=[row.pk])
    assert "It is sent again" in client.post(url, follow=True).content.decode()
    assert "being sent again already" in client.post(url, follow=True).content.decode()
    row.refresh_from_db()
    assert row.state == "queued"
    assert own(AuditEntry).filter(action__endswith="send_again").count() == 1


def test_a_broken_channel_is_named_where_people_look(
    notice: Any, signed_in: Any, ada: Any, vera: Any, client: Any
) -> None:
    channel = make_channel("slack", "Operations in Slack")
    long_ago = timezone.now() - timedelta(hours=2)
    ChannelStanding.objects.filter(channel=channel).update(
        state="refuses", since=long_ago, reason="404 (nothing is known under this address)", code="404"
    )
    for url in (reverse("mails"), channel.get_absolute_url(), notice.incident.get_absolute_url()):
        assert "nothing is known under this address" in signed_in(ada).get(url).content.decode()
    assert "Operations in Slack" in signed_in(vera).get(notice.incident.get_absolute_url()).content.decode()
    assert "WARNING: the channel 'Operations in Slack' refuses us since" in run("status").out
    ready = client.get("/healthz/ready").json()
    assert ready["channels"]["refusing"] == 1
    assert ready["channels"]["problems"][0].startswith("a channel refuses us since")
    assert "Operations" not in repr(ready)
    Channel.objects.filter(pk=channel.pk).update(is_active=False)
    assert broken_channels(timezone.now()) == []


def test_a_channel_of_another_account_is_not_named_with_an_incident(notice: Any, signed_in: Any, ada: Any) -> None:
    channel = make_channel("slack", "Theirs", account=factories.make_account("Other Ltd"))
    ChannelStanding.objects.filter(channel=channel).update(state="refuses", since=timezone.now(), reason="404 gone")
    assert "404 gone" not in signed_in(ada).get(notice.incident.get_absolute_url()).content.decode()


def test_trouble_is_named_once_it_lasts(notice: Any) -> None:
    channel, now = make_channel("slack", "Slow"), timezone.now()
    ChannelStanding.objects.filter(channel=channel).update(state="trouble", since=now - timedelta(minutes=14))
    assert broken_channels(now) == []
    assert [one.channel for one in broken_channels(now + timedelta(minutes=2))] == [channel]


def test_digests_are_off_until_a_person_asks_for_them_and_the_page_says_which_come(signed_in: Any, ada: Any) -> None:
    client = signed_in(ada)
    client.post(reverse("channel_add"), filled_in("slack"))
    channel = own(Channel).get()
    assert (channel.digest, channel.wants_alive) == ("", False)
    asked = filled_in("slack", digest="digest_weekly", digest_hour="9", wants_alive="on", to_url="")
    client.post(reverse("channel_edit", args=[channel.pk]), asked)
    channel.refresh_from_db()
    assert (channel.digest, channel.digest_hour, channel.wants_alive) == ("digest_weekly", 9, True)
    page = client.get(reverse("channel", args=[channel.pk])).content.decode()
    assert "Every Monday, at 9:00 UTC" in page
    assert own(AuditEntry).get(action="channel.edit").detail["digest"] == {"from": "", "to": "digest_weekly"}
    form = client.get(reverse("channel_edit", args=[channel.pk])).content.decode()
    assert '<option value="digest_weekly" selected>' in form


def test_no_digest_is_offered_for_a_pager_and_an_hour_that_is_none_is_refused(signed_in: Any, ada: Any) -> None:
    client = signed_in(ada)
    form = client.get(reverse("channel_add"), {"service": "pagerduty"}).content.decode()
    assert "digest" not in form.partition("<main")[2]
    refused = client.post(reverse("channel_add"), filled_in("slack", digest="digest_daily", digest_hour="24"))
    assert refused.status_code == 400
    assert not own(Channel).exists()


def test_the_log_shows_a_digest_that_went_to_a_channel_and_deleting_the_channel_counts_no_incident(
    account: Any, signed_in: Any, ada: Any
) -> None:
    channel, now = make_channel("slack", "Chat"), timezone.now()
    digest = Digest.objects.create(
        channel=channel, kind="digest_daily", period=now.date(), due_at=now, since=now, until=now
    )
    said = "[Daily digest] 1 flow worse"
    message = factories.make_channel_message(None, channel, digest=digest, state="sent", title=said)
    client = signed_in(ada)
    for name, key in (("channel_message", message.pk), ("channel", channel.pk)):
        page = client.get(reverse(name, args=[key]))
        assert page.status_code == 200
        assert said in page.content.decode()
    assert said in client.get(reverse("mails")).content.decode()
    assert left_open(channel) == []
