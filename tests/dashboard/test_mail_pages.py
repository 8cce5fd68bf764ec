"""Mails: read here in the demonstration, rendered where they can do nothing."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from monitor.models import Delivery, MailServer, Occasion
from monitor.notify.dispatch import dispatch_occasions
from monitor.queries.mails import mail_server
from monitor.triage import acts
from tests import factories
from tests.dashboard.world import make_attempt, make_batch, make_mail, make_state

HOSTILE = "<script>parent.alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture
def mail(account, otto) -> Delivery:
    state = make_state(factories.make_alert_rule(account), factories.make_flow(account), timezone.now())
    notice = factories.make_incident(state).notices.get()
    return make_mail(notice, otto, timezone.now(), html=f"<p>Hello</p>{HOSTILE}", text=HOSTILE)


def test_the_list_tells_what_became_of_each_mail(mail, signed_in, ada):
    Delivery.objects.update(state="dead", attempts=7, last_error="550 no such user")
    page = signed_in(ada).get(reverse("mails")).content.decode()
    for text in ("[Firing] A flow", "otto@example.com", "Given up", "550 no such user"):
        assert text in page


@pytest.mark.parametrize(
    "reason", ["the recipient no longer gets such mails", "the incident was over before what kept it quiet"]
)
def test_what_is_not_sent_on_purpose_is_shown_as_no_fault(reason, mail, signed_in, ada):
    Delivery.objects.filter(pk=mail.pk).update(state="dead", attempts=1, last_error=reason)
    client = signed_in(ada)
    for page in (client.get(reverse("mail", args=[mail.pk])), client.get(mail.about.get_absolute_url())):
        assert "Given up" not in page.content.decode()
        assert "Not sent" in page.content.decode()
    assert own_rows(client.get(reverse("mails"), {"state": "dead", "text": "otto@"})) == []
    (row,) = own_rows(client.get(reverse("mails"), {"state": "left_out", "text": "otto@"}))
    assert "Not sent" in row
    assert "Given up" not in row


def own_rows(page):
    """The rows of the list, as they are written."""
    return page.content.decode().partition("<tbody>")[2].partition("</tbody>")[0].split("</tr>")[:-1]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"state": "sent"}, 1),
        ({"state": "dead"}, 0),
        ({"state": "left_out"}, 0),
        ({"text": "firing"}, 1),
        ({"text": "otto@"}, 1),
        ({"text": "zzz"}, 0),
    ],
)
def test_the_list_is_narrowed(query, count, mail, signed_in, ada):
    assert signed_in(ada).get(reverse("mails"), query).context["page_obj"].paginator.count == count


def test_the_page_shows_the_text_escaped_and_the_html_in_a_sandbox(mail, signed_in, ada):
    page = signed_in(ada).get(reverse("mail", args=[mail.pk])).content.decode()
    assert "&lt;script&gt;parent.alert" in page
    assert "<script>parent" not in page
    assert f'src="{reverse("mail_html", args=[mail.pk])}" sandbox=""' in page


def test_the_html_part_may_run_load_and_send_nothing(mail, signed_in, ada):
    response = signed_in(ada).get(reverse("mail_html", args=[mail.pk]))
    policy = dict(part.strip().partition(" ")[::2] for part in response["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'none'"
    assert policy["form-action"] == "'none'"
    assert policy["frame-ancestors"] == "'self'"
    assert policy["sandbox"] == ""
    assert policy["img-src"] == "data:"
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert "<p>Hello</p>" in response.content.decode()


def test_other_pages_stay_unframed(mail, signed_in, ada):
    response = signed_in(ada).get(reverse("mail", args=[mail.pk]))
    assert response["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]


def test_the_list_says_that_the_mail_server_refuses_us_and_what_to_do(account, signed_in, ada):
    now = timezone.now()
    MailServer.objects.create(
        pk=1, state="refuses", since=now, reason="535 5.7.8 no", code="535 5.7.8", next_try_at=now
    )
    told = signed_in(ada).get(reverse("mails")).content.decode()
    assert 'id="mail-server-banner"' in told
    assert "The mail server refuses us since" in told
    assert "535 5.7.8 no" in told
    assert "Check EMAIL_URL" in told


@pytest.mark.parametrize("state", ["unknown", "accepts"])
def test_the_list_is_quiet_about_a_mail_server_that_works(state, account, signed_in, ada):
    MailServer.objects.create(pk=1, state=state, since=timezone.now())
    assert "mail-server-banner" not in signed_in(ada).get(reverse("mails")).content.decode()


def test_an_admin_sends_a_test_mail_to_the_own_address_and_reads_the_answer(signed_in, ada, mailoutbox):
    page = signed_in(ada).post(reverse("mail_test"), follow=True).content.decode()
    assert [mail.to for mail in mailoutbox] == [["ada@example.com"]]
    assert "The mail server took the test mail." in page
    again = signed_in(ada).post(reverse("mail_test"), follow=True).content.decode()
    assert "less than 10 seconds ago" in again
    assert len(mailoutbox) == 1


def test_a_mail_that_is_not_about_an_alert_is_listed_counted_and_leads_to_what_it_is_about(
    account, otto, vera, signed_in, ada
):
    now = timezone.now()
    run = factories.make_execution(factories.make_flow(account), "failed")
    problem = factories.make_failure(run).group.problem
    acts.assign(problem, otto, ada, now)
    batch = make_batch([run], otto, now)
    Occasion.objects.create(kind="batch_ended", at=now, recipient=otto, batch=batch, state="finished")
    retry = make_attempt(run, otto, now, state="unknown", sent_at=now)
    Occasion.objects.create(kind="outcome_unknown", at=now, recipient=otto, retry=retry)
    assert dispatch_occasions(now) == 3
    client = signed_in(ada)
    page = client.get(reverse("mails")).content.decode()
    assert "[Yours] It failed" in page
    assert f"[Retries] Batch {batch.pk} is finished" in page
    assert mail_server().waiting == 3
    for one, named in ((problem, "It failed"), (batch, f"Batch {batch.pk}"), (retry, f"Retry {retry.pk}")):
        (mail,) = (row for row in Delivery.objects.filter(recipient=otto) if row.about == one)
        page = client.get(reverse("mail", args=[mail.pk])).content.decode()
        assert f'<a href="{one.get_absolute_url()}">{named}</a>' in page
        assert client.get(reverse("mail_html", args=[mail.pk])).status_code == 200
