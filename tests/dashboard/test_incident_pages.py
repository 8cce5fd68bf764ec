"""Incidents, silences, and what the links in mails do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dashboard.alerts.incident_chart import stretch_of
from monitor.models import (
    AlertState,
    AuditEntry,
    Flow,
    FlowProgress,
    Incident,
    Problem,
    Silence,
    Snooze,
    SyncState,
    Tag,
    User,
)
from monitor.notify.links import sign_acknowledge, sign_unsubscribe
from monitor.ownership import set_ownership
from monitor.triage.remedy import REMEDIES
from tests import factories
from tests.bystander import own
from tests.dashboard.soup import Page, words
from tests.dashboard.statements import MOST, asked
from tests.dashboard.world import make_mail, make_state

HOUR = timedelta(hours=1)
NOON = factories.NOON


@pytest.fixture
def alert(account: Any) -> AlertState:
    flow = factories.make_flow(account, flow_name="Lead to campaign")
    return make_state(factories.make_alert_rule(account), flow, timezone.now())


@pytest.fixture
def incident(alert: AlertState) -> Incident:
    now = timezone.now()
    return factories.make_incident(alert, began_at=now - 3 * HOUR, opened_at=now - 2 * HOUR)


def act(client: Client, incident: Incident, what: str, **data: Any) -> Any:
    return client.post(reverse(f"incident_{what}", args=[incident.pk]), data)


class TestPage:
    def test_it_tells_when_it_began_who_was_mailed_and_what_happened(
        self, incident: Incident, signed_in: Any, vera: User, otto: User, ada: User
    ) -> None:
        mail = make_mail(incident.notices.get(), otto, timezone.now())
        page = signed_in(vera).get(incident.get_absolute_url()).content.decode()
        for text in (
            "Lead to campaign",
            "noticed after 1 h",
            "fired",
            "mailed 1 person (firing)",
            "otto",
            "Nobody is on it",
        ):
            assert text in page
        assert reverse("mail", args=[mail.pk]) not in page
        assert reverse("mail", args=[mail.pk]) in signed_in(ada).get(incident.get_absolute_url()).content.decode()

    def test_a_viewer_sees_no_forms(self, incident: Incident, signed_in: Any, vera: User) -> None:
        page = signed_in(vera).get(incident.get_absolute_url()).content.decode()
        assert "/acknowledge/" not in page
        assert "Operators and admins can acknowledge it" in page

    def test_it_costs_eight_statements_at_most_however_many_alerts_it_has(
        self, incident: Incident, signed_in: Any, otto: User
    ) -> None:
        rule = incident.members.get().alert.rule
        for _ in range(15):
            state = make_state(rule, factories.make_flow(incident.account), timezone.now())
            incident.members.create(alert=state, episode=1, began_at=timezone.now(), joined_at=timezone.now())
            incident.events.create(at=timezone.now(), kind="fired", alert=state)
        run = factories.make_execution(rule.states.earliest("pk").flow, "failed", started_time=timezone.now() - HOUR)
        factories.make_failure(run)
        tag = Tag.objects.create(name="shop")
        now = timezone.now()
        Silence.objects.create(account=incident.account, starts_at=now, ends_at=now + HOUR, by=otto, at=now, tag=tag)
        assert len(asked(signed_in(otto), incident.get_absolute_url())) <= MOST


class TestWhy:
    def test_the_page_names_the_common_error_and_what_helps(
        self, incident: Incident, signed_in: Any, vera: User
    ) -> None:
        run = factories.make_execution(own(Flow).get(), "failed", started_time=timezone.now() - HOUR)
        failure = factories.make_failure(run, failed_at=timezone.now() - HOUR)
        own(Problem).filter(pk=failure.group.problem_id).update(title="No tax “19”", remedy="missing")
        page = signed_in(vera).get(incident.get_absolute_url()).content.decode()
        assert "No tax “19”" in page
        assert REMEDIES["missing"] in page

    def test_the_chart_comes_after_the_page_or_with_it_where_no_script_runs(
        self, incident: Incident, signed_in: Any, vera: User
    ) -> None:
        own(SyncState).update(last_complete_at=timezone.now())
        factories.make_hour(own(Flow).get(), timezone.now() - HOUR, 3, 1)
        client, url = signed_in(vera), incident.get_absolute_url()
        assert "chart__svg" not in client.get(url).content.decode()
        part = client.get(url, {"chart": "1"}, headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in part
        assert "chart__line--dash" in part
        assert "chart__svg" in client.get(url, {"chart": "1"}).content.decode()

    def test_its_chart_is_shaded_for_its_own_account_alone(
        self, incident: Incident, signed_in: Any, vera: User
    ) -> None:
        now = timezone.now()
        read = {"state": "ok", "last_complete_at": now, "last_finished_at": now}
        SyncState.objects.filter(account=incident.account).update(**read)
        own(FlowProgress).update(executions_read_at=now)
        elsewhere = factories.make_account("Elsewhere")
        SyncState.objects.filter(account=elsewhere).update(state="revoked", last_complete_at=now - 30 * HOUR)
        factories.make_hour(own(Flow).get(), now - HOUR, 3, 1)
        client, url = signed_in(vera), f"{incident.get_absolute_url()}?chart=1"
        assert "legend__key--hole" not in client.get(url).content.decode()
        own(FlowProgress).update(hole_reason="2 runs are missing")
        assert "legend__key--hole" in client.get(url).content.decode()

    def test_an_incident_about_no_flow_has_no_chart(self, account: Any, signed_in: Any, vera: User) -> None:
        rule = factories.make_alert_rule(account, kind="connection")
        alert = AlertState.objects.create(
            rule=rule, subject_kind="connection", subject_key="1", since=NOON, evaluated_at=NOON, episode=1
        )
        url = factories.make_incident(alert, began_at=NOON - HOUR, opened_at=NOON).get_absolute_url()
        client = signed_in(vera)
        assert "incident-chart" not in client.get(url).content.decode()
        assert "chart__svg" not in client.get(url, {"chart": "1"}).content.decode()

    @pytest.mark.parametrize(
        ("hours", "drawn"), [(0, (1, 1)), (12, (1, 1)), (13, (7, 6)), (72, (7, 6)), (73, (30, 24)), (2000, (30, 24))]
    )
    def test_it_is_drawn_whole_with_as_much_before(self, hours: int, drawn: tuple[int, int]) -> None:
        assert stretch_of(hours * HOUR) == drawn


class TestActs:
    def test_acknowledged_taken_back_handed_over_noted_and_closed(
        self, incident: Incident, signed_in: Any, otto: User, ada: User
    ) -> None:
        client = signed_in(otto)
        for what, data in (
            ("acknowledge", {"note": "I look"}),
            ("take_back", {}),
            ("hand_over", {"owner": ada.pk}),
            ("comment", {"text": "the tax is gone"}),
            ("close", {"why": "a drill"}),
        ):
            assert act(client, incident, what, **data).status_code == 302, what
        incident.refresh_from_db()
        assert (incident.closed_how, incident.owner, incident.acknowledged_at) == ("by_hand", ada, None)
        page = client.get(incident.get_absolute_url()).content.decode()
        for text in (
            "acknowledged it",
            "took the acknowledgement back",
            "handed it over",
            "the tax is gone",
            "a drill",
        ):
            assert text in page

    def test_a_german_reader_reads_what_was_stored_in_english(
        self, incident: Incident, signed_in: Any, otto: User, ada: User
    ) -> None:
        User.objects.filter(pk=otto.pk).update(language="de")
        client, alert = signed_in(User.objects.get(pk=otto.pk)), incident.members.get().alert
        until = timezone.now().replace(microsecond=0) + 2 * HOUR
        act(client, incident, "hand_over", owner=ada.pk)
        act(client, incident, "snooze", alert=alert.pk, until=until.isoformat(), why="we know")
        page = client.get(incident.get_absolute_url()).content.decode()
        assert "hat übergeben" in page
        assert "an ada" in page
        assert f"bis {until:%d.%m.%Y, %H:%M} UTC. we know" in page
        stored = incident.events.filter(kind__in=["handed_over", "snoozed"]).values_list("note", flat=True)
        assert set(stored) == {"to ada", f"until {until:%Y-%m-%d %H:%M} UTC. we know"}
        page = signed_in(ada).get(incident.get_absolute_url()).content.decode()
        assert "handed it over" in page
        assert "to ada" in page

    def test_an_acknowledgement_after_the_recovery_is_refused_in_words(
        self, incident: Incident, signed_in: Any, otto: User
    ) -> None:
        Incident.objects.filter(pk=incident.pk).update(closed_at=timezone.now(), closed_how="recovered")
        response = act(signed_in(otto), incident, "acknowledge", note="")
        assert response.status_code == 409
        assert "It has recovered already" in response.content.decode()
        assert Incident.objects.get(pk=incident.pk).acknowledged_at is None

    def test_a_subject_is_snoozed_and_the_snooze_ended(self, incident: Incident, signed_in: Any, otto: User) -> None:
        client, alert = signed_in(otto), incident.members.get().alert
        until = timezone.now() + 2 * HOUR
        wrong = act(client, incident, "snooze", alert=alert.pk, until="yesterday")
        assert wrong.status_code == 400
        assert act(client, incident, "snooze", alert=alert.pk, until=until.isoformat()).status_code == 302
        row = own(Snooze).get()
        assert (row.flow, row.by) == (alert.flow, otto)
        page = client.get(reverse("silences")).content.decode()
        assert "Lead to campaign" in page
        client.post(reverse("snooze_end", args=[row.pk]))
        assert Snooze.objects.get(pk=row.pk).ended_at is not None

    def test_a_strangers_alert_cannot_be_snoozed_here(self, incident: Incident, signed_in: Any, otto: User) -> None:
        other = make_state(factories.make_alert_rule(incident.account), factories.make_flow(), timezone.now())
        until = (timezone.now() + HOUR).isoformat()
        assert act(signed_in(otto), incident, "snooze", alert=other.pk, until=until).status_code == 400
        assert not own(Snooze).exists()


class TestSilences:
    def test_an_operator_plans_a_maintenance_window_and_calls_it_off(
        self, account: Any, signed_in: Any, otto: User
    ) -> None:
        client, now = signed_in(otto), timezone.now()
        data = {"account": account.pk, "why": "The shop moves", "text": "shop"}
        times = {"starts_at": (now + HOUR).isoformat(), "ends_at": (now + 3 * HOUR).isoformat()}
        assert client.post(reverse("silence_add"), data | times).status_code == 302
        row = own(Silence).get()
        assert (row.account, row.text, row.by) == (account, "shop", otto)
        page = client.get(reverse("silences")).content.decode()
        assert "Planned" in page
        assert "The shop moves" in page
        client.post(reverse("silence_end", args=[row.pk]))
        assert "Planned" not in client.get(reverse("silences")).content.decode()

    @pytest.mark.parametrize("wrong", [{"ends_at": ""}, {"why": ""}, {"account": "77777"}, {"starts_at": "soon"}])
    def test_a_form_that_cannot_be_read_adds_nothing(
        self, account: Any, signed_in: Any, otto: User, wrong: dict[str, str]
    ) -> None:
        data = {"why": "x", "text": "shop", "ends_at": (timezone.now() + HOUR).isoformat()} | wrong
        assert signed_in(otto).post(reverse("silence_add"), data).status_code == 400
        assert not own(Silence).exists()

    def test_one_that_fits_nothing_or_everything_by_mistake_is_refused_in_words(
        self, account: Any, signed_in: Any, otto: User
    ) -> None:
        data = {"why": "x", "ends_at": (timezone.now() + HOUR).isoformat()}
        client, elsewhere = signed_in(otto), factories.make_flow(factories.make_account("Elsewhere"))
        for wrong, said in (
            ({"account": account.pk, "flow": elsewhere.pk}, "This flow belongs to another account."),
            ({}, "Choose an account, a flow, a kind, a name, a tag or an owner, or tick this."),
        ):
            response = client.post(reverse("silence_add"), data | wrong)
            assert response.status_code == 400
            assert said in response.content.decode()
        assert not own(Silence).exists()
        client.post(reverse("silence_add"), data | {"everything": "on"})
        assert own(Silence).count() == 1

    def test_a_silence_can_be_for_one_kind_of_rule(self, account: Any, signed_in: Any, otto: User) -> None:
        client, flow = signed_in(otto), factories.make_flow(account)
        data = {"why": "x", "ends_at": (timezone.now() + HOUR).isoformat(), "kind": "missed_run"}
        assert client.post(reverse("silence_add"), data | {"kind": "no_such_kind"}).status_code == 400
        assert client.post(reverse("silence_add"), data).status_code == 302
        row = own(Silence).get()
        fits = {
            kind: row.covers(AlertState(rule=factories.make_alert_rule(account, kind=kind), flow=flow), account.pk)
            for kind in ("missed_run", "success_rate")
        }
        assert fits == {"missed_run": True, "success_rate": False}
        assert "missed run" in client.get(reverse("silences")).content.decode()

    def test_one_that_would_end_before_it_starts_is_refused_in_words(
        self, account: Any, signed_in: Any, otto: User
    ) -> None:
        now = timezone.now()
        data = {
            "why": "x",
            "everything": "on",
            "starts_at": (now + 2 * HOUR).isoformat(),
            "ends_at": (now + HOUR).isoformat(),
        }
        response = signed_in(otto).post(reverse("silence_add"), data)
        assert response.status_code == 409
        assert "must end after it starts" in response.content.decode()


class TestAcknowledgeByMail:
    def url(self, incident: Incident, person: User, sent_at: Any = None) -> str:
        token = sign_acknowledge(incident.pk, person.pk, sent_at or timezone.now())
        return reverse("acknowledge_by_mail", args=[token])

    def test_a_look_changes_nothing_and_the_button_acts_as_the_reader_without_a_sign_in(
        self, incident: Incident, otto: User
    ) -> None:
        client = Client(enforce_csrf_checks=True)
        page = client.get(self.url(incident, otto)).content.decode()
        assert "Acknowledge as otto" in page
        incident.refresh_from_db()
        assert incident.acknowledged_at is None
        token = client.cookies["monitor_csrf"].value
        done = client.post(self.url(incident, otto), {"csrfmiddlewaretoken": token})
        assert "Acknowledged by otto" in done.content.decode()
        incident.refresh_from_db()
        assert incident.acknowledged_by == otto
        entry = own(AuditEntry).get(action="incident.acknowledge")
        assert (entry.actor, entry.detail["way"]) == (otto, "by the link in a mail")

    def test_it_says_plainly_when_it_is_over_already_and_opens_nothing(self, incident: Incident, otto: User) -> None:
        Incident.objects.filter(pk=incident.pk).update(closed_at=timezone.now(), closed_how="recovered")
        url = self.url(incident, otto)
        assert "It is over already" in Client().get(url).content.decode()
        response = Client().post(url)
        assert (response.status_code, "recovered already" in response.content.decode()) == (409, True)
        found = Incident.objects.get(pk=incident.pk)
        assert (found.acknowledged_at, found.is_open) == (None, False)

    def test_the_second_is_told_who_was_first(self, incident: Incident, otto: User, ada: User) -> None:
        Client().post(self.url(incident, otto))
        assert "otto has acknowledged it already" in Client().get(self.url(incident, ada)).content.decode()
        assert Client().post(self.url(incident, ada)).status_code == 409

    @pytest.mark.parametrize(("change", "status"), [({"role": "viewer"}, 403), ({"is_active": False}, 404)])
    def test_who_may_no_longer_is_refused(
        self, incident: Incident, otto: User, change: dict[str, Any], status: int
    ) -> None:
        url = self.url(incident, otto)
        User.objects.filter(pk=otto.pk).update(**change)
        assert Client().post(url).status_code == status
        assert Incident.objects.get(pk=incident.pk).acknowledged_at is None

    def test_after_seven_days_it_is_too_old(self, incident: Incident, otto: User) -> None:
        url = self.url(incident, otto, timezone.now() - timedelta(days=7, seconds=1))
        assert "too old" in Client().get(url).content.decode()
        assert Client().post(url).status_code == 410
        assert Incident.objects.get(pk=incident.pk).acknowledged_at is None

    def test_a_signature_is_good_for_its_own_person_incident_and_act_alone(
        self, incident: Incident, otto: User, ada: User
    ) -> None:
        token = sign_acknowledge(incident.pk, otto.pk, timezone.now())
        number, _, rest = token.partition(".")
        for forged in (
            f"{number}.{ada.pk}.{rest.partition('.')[2]}",
            f"{int(number) + 1}.{rest}",
            sign_unsubscribe(otto.pk, "alerts"),
            token[:-1],
            "-",
            "x" * 3000,
        ):
            assert Client().post(reverse("acknowledge_by_mail", args=[forged])).status_code in (404, 414)
        assert Incident.objects.get(pk=incident.pk).acknowledged_at is None


class TestUnsubscribeByMail:
    def test_one_click_of_a_mail_program_switches_that_kind_off_and_no_other(self, otto: User) -> None:
        client = Client(enforce_csrf_checks=True)
        url = reverse("unsubscribe_by_mail", args=[sign_unsubscribe(otto.pk, "alerts")])
        assert "No more mails about alerts?" in client.get(url).content.decode()
        otto.refresh_from_db()
        assert otto.wants_mail
        assert client.post(url, {"List-Unsubscribe": "One-Click"}).status_code == 200
        otto.refresh_from_db()
        assert (otto.wants_mail, otto.unwanted_mails) == (False, ["digest_daily", "alive"])
        client.post(url)
        entry = own(AuditEntry).get(action="mails.switch_off")
        assert (entry.actor, entry.detail) == (otto, {"kind": "alerts", "way": "by the link in a mail"})

    @pytest.mark.parametrize("kind", ["assigned", "note", "resolved", "batch_ended", "digest_weekly"])
    def test_each_kind_has_its_own(self, otto: User, kind: str) -> None:
        Client().post(reverse("unsubscribe_by_mail", args=[sign_unsubscribe(otto.pk, kind)]))
        otto.refresh_from_db()
        assert (otto.wants_mail, otto.unwanted_mails) == (True, ["digest_daily", "alive", kind])

    def test_a_forged_one_or_one_of_no_kind_does_nothing(self, otto: User, ada: User) -> None:
        good = sign_unsubscribe(otto.pk, "alerts")
        forged = f"{ada.pk}.{good.partition('.')[2]}"
        for token in (forged, "-", sign_unsubscribe(otto.pk, "none"), sign_acknowledge(1, otto.pk, timezone.now())):
            assert Client().post(reverse("unsubscribe_by_mail", args=[token])).status_code == 404
        assert all(User.objects.filter(pk__in=[otto.pk, ada.pk]).values_list("wants_mail", flat=True))

    def test_a_silence_can_be_for_a_tag_or_an_owner_and_the_list_says_so(
        self, account: Any, signed_in: Any, otto: User, ada: User
    ) -> None:
        client, flow = signed_in(otto), factories.make_flow(account)
        set_ownership(flow, ada, ["orders"], otto, timezone.now())
        data = {"why": "x", "ends_at": (timezone.now() + HOUR).isoformat()}
        for wrong in ({"tag": "no-such-tag"}, {"tag": "a b"}, {"owner": "999"}):
            assert client.post(reverse("silence_add"), data | wrong).status_code == 400, wrong
        assert not own(Silence).exists()
        assert client.post(reverse("silence_add"), data | {"tag": "#Orders", "owner": ada.pk}).status_code == 302
        row = own(Silence).get()
        assert (row.tag.name, row.owner) == ("orders", ada)
        assert own(AuditEntry).get(action="silence.add").detail["tag"] == "orders"
        page = words(Page(client.get(reverse("silences")).content.decode()).root)
        assert "each flow with the tag orders owned by ada" in page
        assert "owned by ada" in page


class TestWhyQuiet:
    """What nothing is mailed of says why, wherever it is shown."""

    @pytest.fixture
    def said(self, incident: Incident, alert: AlertState, signed_in: Any, vera: User) -> Any:
        def shown() -> list[str]:
            pages = (incident.get_absolute_url(), alert.get_absolute_url(), reverse("alerts"))
            return [words(Page(signed_in(vera).get(page).content.decode()).root) for page in pages]

        return shown

    def test_a_silence_with_who_and_why(self, incident: Incident, account: Any, otto: User, said: Any) -> None:
        now = timezone.now()
        other = factories.make_account("Elsewhere")
        for whose, why in ((account, "The shop of jo@example.com moves"), (other, "not ours")):
            Silence.objects.create(account=whose, starts_at=now - HOUR, ends_at=now + HOUR, by=otto, at=now, why=why)
        for page in said():
            assert "Nothing is mailed of it: silenced until" in page
            assert "by otto: “The shop of" in page
            assert "jo@example.com" not in page
            assert "not ours" not in page

    def test_a_snooze_of_one_alert_of_two(
        self, incident: Incident, alert: AlertState, account: Any, otto: User, said: Any
    ) -> None:
        now = timezone.now()
        second = make_state(alert.rule, factories.make_flow(account), now)
        incident.members.create(alert=second, episode=second.episode, began_at=now, joined_at=now)
        Snooze.objects.create(account=account, alert=second, flow=second.flow, until=now + HOUR, by=otto, at=now)
        of_incident, of_alert, listed = said()
        assert "Nothing is mailed of 1 of its 2 alerts: snoozed until" in of_incident
        assert "Nothing is mailed of 1 of its 2 alerts: snoozed until" in listed
        assert "Nothing is mailed" not in of_alert

    def test_what_is_wrong_with_the_whole_account(
        self, incident: Incident, account: Any, said: Any, signed_in: Any, vera: User
    ) -> None:
        down = AlertState.objects.create(
            rule=factories.make_alert_rule(account, kind="mirror"),
            subject_kind="account",
            subject_key=str(account.pk),
            state="firing",
            is_open=True,
            since=timezone.now(),
            evaluated_at=timezone.now(),
            episode=1,
        )
        whole = factories.make_incident(down, cause="account")
        for page in said():
            assert f"muted, for incident {whole.pk} of the whole account explains it" in page
        own_page = signed_in(vera).get(whole.get_absolute_url()).content.decode()
        assert "Nothing is mailed" not in own_page

    def test_of_what_is_over_nothing_is_said(self, incident: Incident, account: Any, otto: User, said: Any) -> None:
        now = timezone.now()
        Silence.objects.create(account=account, starts_at=now - HOUR, ends_at=now + HOUR, by=otto, at=now, why="x")
        Incident.objects.filter(pk=incident.pk).update(closed_at=now, closed_how="recovered")
        of_incident, of_alert, _ = said()
        assert "Nothing is mailed" not in of_incident + of_alert
