"""What people are told of beside alerts: a problem that is given to them, notes, resolved problems, ended batches."""

from __future__ import annotations

import email
import email.policy
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from monitor.models import Delivery, Failure, Occasion, Problem, ProblemAct, Role, User, system_user
from monitor.notify import dispatch, send
from monitor.notify.dispatch import dispatch_occasions
from monitor.notify.kinds import KINDS
from monitor.notify.message import build
from monitor.notify.send import SendReport, send_due
from monitor.triage import acts
from monitor.triage.activity import change_state
from monitor.triage.acts import ActRefused
from monitor.triage.judge import judge_problems
from monitor.triage.write_off import write_off
from tests import factories
from tests.bystander import own
from tests.depth import tried
from tests.notify.sink import DROP, Sink

pytestmark = pytest.mark.django_db

HEADERS = [
    *("Auto-Submitted", "Content-Type", "Date", "From", "In-Reply-To", "List-Id", "List-Unsubscribe"),
    *("List-Unsubscribe-Post", "MIME-Version", "Message-ID", "References", "Subject", "To"),
    "X-Auto-Response-Suppress",
]
GOOD = "border-top: 4px solid #1a6b3c"
SECOND = timedelta(seconds=1)


class Killed(BaseException):
    """Ends a process as a power cut would: nothing of ours catches it."""


def send_at(at: datetime) -> SendReport:
    return send_due(at, clock=lambda: at)


@pytest.fixture
def olga(db: None) -> User:
    return factories.make_user("olga", Role.OPERATOR)


@pytest.fixture
def failure(db: None) -> Failure:
    run = factories.make_execution(factories.make_flow(factories.make_account("Acme")), "failed")
    return factories.make_failure(run)


@pytest.fixture
def problem(failure: Failure) -> Problem:
    row = failure.group.problem
    Problem.objects.filter(pk=row.pk).update(title="Tax <*> of jane@example.com does not exist")
    row.refresh_from_db()
    return row


def told() -> list[tuple[str, str]]:
    """Who is told of what, in the order in which it happened."""
    rows = own(Occasion).order_by("at", "pk")
    return list(rows.values_list("kind", "recipient__username"))


class TestWhoIsTold:
    def test_whoever_is_given_a_problem_is_told_and_whoever_takes_it_is_not(
        self, problem: Problem, otto: User, olga: User, now: datetime
    ) -> None:
        acts.assign(problem, olga, olga, now)
        assert told() == []
        acts.assign(problem, otto, olga, now)
        acts.assign(problem, otto, olga, now)
        acts.assign(problem, None, olga, now)
        assert told() == [("assigned", "otto")]

    def test_what_the_command_line_gives_somebody_is_told(self, problem: Problem, otto: User, now: datetime) -> None:
        acts.assign(problem, otto, system_user(), now)
        assert told() == [("assigned", "otto")]

    def test_two_people_who_hand_it_over_at_once_tell_each_new_owner_once(
        self, problem: Problem, otto: User, olga: User, ada: User, now: datetime
    ) -> None:
        first, second = Problem.objects.get(pk=problem.pk), Problem.objects.get(pk=problem.pk)
        acts.assign(first, otto, ada, now)
        acts.assign(second, otto, ada, now)
        acts.assign(second, olga, ada, now)
        assert told() == [("assigned", "otto"), ("assigned", "olga")]

    def test_an_owner_who_comes_by_a_merge_or_a_split_is_told(
        self, problem: Problem, otto: User, ada: User, now: datetime
    ) -> None:
        other = factories.make_failure(factories.make_execution(problem.groups.get().failures.get().flow, "failed"))
        acts.assign(other.group.problem, otto, otto, now)
        acts.merge([other.group.problem], problem, ada, now)
        assert told() == [("assigned", "otto")]
        problem.refresh_from_db()
        split = acts.split(problem, other.group, ada, now + SECOND)
        last = own(Occasion).latest("at")
        assert (last.recipient, last.subject) == (otto, split)
        dispatch_occasions(now)
        first, second = own(Delivery).order_by("pk")
        assert "ada gave it to you." in first.text
        assert "ada split it off a problem of yours." in second.text

    def test_a_note_goes_to_the_owner_and_to_whoever_it_mentions_once_each_and_not_to_its_writer(
        self, problem: Problem, otto: User, olga: User, vera: User, now: datetime
    ) -> None:
        acts.assign(problem, otto, otto, now)
        unknown = acts.add_note(problem, "@olga @OTTO, @vera: ask @nobody. Not jane@example.com", olga, now)
        assert unknown == ["nobody"]
        assert sorted(told()) == [("note", "otto"), ("note", "vera")]

    def test_who_may_not_sign_in_is_as_unknown_as_who_is_not_there(
        self, problem: Problem, olga: User, now: datetime
    ) -> None:
        factories.make_user("gone", is_active=False)
        system_user()
        assert acts.add_note(problem, "@gone, @system and @who.", olga, now) == ["gone", "system", "who"]
        assert told() == []

    def test_of_two_names_that_differ_in_case_alone_the_one_that_is_written_is_meant(
        self, problem: Problem, olga: User, now: datetime
    ) -> None:
        for name in ("Max", "max"):
            factories.make_user(name)
        assert acts.add_note(problem, "@Max", olga, now) == []
        assert acts.add_note(problem, "@max", olga, now + SECOND) == []
        assert told() == [("note", "Max"), ("note", "max")]

    def test_a_note_that_is_refused_tells_nobody(self, problem: Problem, vera: User, otto: User, now: datetime) -> None:
        acts.assign(problem, otto, otto, now)
        with pytest.raises(ActRefused):
            acts.add_note(problem, "@otto", vera, now)
        assert told() == []

    def test_the_owner_is_told_when_the_rules_resolve_a_problem_and_not_when_a_person_does(
        self, problem: Problem, failure: Failure, otto: User, olga: User, now: datetime
    ) -> None:
        acts.assign(problem, otto, otto, now)
        acts.resolve(problem, olga, now)
        assert told() == []
        acts.reopen(problem, olga, now)
        Failure.objects.filter(pk=failure.pk).update(fate=Failure.Fate.SUPERSEDED)
        assert judge_problems([], now) == 1
        assert judge_problems([], now) == 0
        assert told() == [("resolved", "otto")]

    def test_a_problem_of_nobody_resolves_untold(self, problem: Problem, failure: Failure, now: datetime) -> None:
        Failure.objects.filter(pk=failure.pk).update(fate=Failure.Fate.RECOVERED)
        assert judge_problems([], now) == 1
        assert told() == []

    @pytest.mark.parametrize(("by_owner", "expected"), [(True, []), (False, [("resolved", "otto")])])
    def test_who_gives_the_last_run_up_knows_that_it_is_over(
        self,
        problem: Problem,
        failure: Failure,
        otto: User,
        olga: User,
        now: datetime,
        by_owner: bool,
        expected: list[tuple[str, str]],
    ) -> None:
        acts.assign(problem, otto, otto, now)
        write_off([failure.pk], otto if by_owner else olga, "It was a test.", now)
        problem.refresh_from_db()
        assert problem.state == Problem.State.RESOLVED
        assert told() == expected

    def test_the_newest_owner_is_told_also_where_the_problem_was_read_before(
        self, problem: Problem, otto: User, olga: User, now: datetime
    ) -> None:
        acts.assign(problem, olga, olga, now)
        read = Problem.objects.get(pk=problem.pk)
        acts.assign(problem, otto, otto, now)
        assert change_state(read, Problem.State.RESOLVED, now=now, actor=None)
        assert told() == [("resolved", "otto")]

    def test_an_act_that_is_undone_has_told_nobody(
        self, problem: Problem, otto: User, olga: User, now: datetime
    ) -> None:
        with transaction.atomic():
            acts.assign(problem, otto, olga, now)
            transaction.set_rollback(True)
        assert told() == []

    def test_an_act_is_told_a_person_once(self, problem: Problem, otto: User, olga: User, now: datetime) -> None:
        acts.assign(problem, otto, olga, now)
        act = own(ProblemAct).get()
        with pytest.raises(IntegrityError), transaction.atomic():
            Occasion.objects.create(kind="note", at=now, recipient=otto, act=act)


class TestTheMail:
    def test_it_says_who_did_what_to_which_problem_and_where_to_look(
        self, problem: Problem, otto: User, olga: User, now: datetime, settings: Any
    ) -> None:
        settings.PUBLIC_URL = "https://monitor.example.com"
        acts.assign(problem, otto, olga, now)
        assert dispatch_occasions(now) == 1
        mail = own(Delivery).get()
        assert mail.subject.startswith("[Yours] Tax <*> of ")
        assert "jane" not in mail.subject
        page = f"https://monitor.example.com{problem.get_absolute_url()}"
        for body in (mail.text, mail.html):
            assert "olga gave it to you." in body
            assert page in body
            assert "1, of which 1 are open" in body
            assert "jane@example.com" not in body
            assert "https://monitor.example.com/profile/" in body
        assert "No more mails about problems that are given to you: " in mail.text

    @pytest.mark.parametrize(
        ("text", "words"),
        [("Look, @otto", "olga mentions you in a note:"), ("Look", "olga wrote a note on a problem of yours:")],
    )
    def test_a_note_stands_in_it_with_personal_data_hidden_and_markup_as_text(
        self, problem: Problem, otto: User, olga: User, now: datetime, text: str, words: str
    ) -> None:
        acts.assign(problem, otto, otto, now)
        acts.add_note(problem, f"{text}\n<b>jane@example.com</b> asks", olga, now)
        dispatch_occasions(now)
        mail = own(Delivery).get()
        assert f"\n\n{text}\n<b>" in mail.text
        assert words in mail.text
        assert "jane@example.com" not in mail.text + mail.html
        assert "<b>" in mail.text
        assert "<b>" not in mail.html
        assert "Look" not in mail.subject

    def test_a_resolved_problem_says_why_and_how_its_runs_ended(
        self, problem: Problem, failure: Failure, otto: User, now: datetime
    ) -> None:
        acts.assign(problem, otto, otto, now)
        Failure.objects.filter(pk=failure.pk).update(fate=Failure.Fate.SUPERSEDED)
        judge_problems([], now)
        dispatch_occasions(now)
        mail = own(Delivery).get()
        assert mail.subject.startswith("[Resolved] ")
        assert "Every failed run of it has come to an end." in mail.text
        assert "1 x Superseded" in mail.text
        assert GOOD in mail.html

    def test_a_note_whose_writer_is_gone_is_somebodys_and_no_good_news(
        self, problem: Problem, otto: User, olga: User, now: datetime
    ) -> None:
        acts.add_note(problem, "@otto", olga, now)
        own(ProblemAct).update(actor=None)
        dispatch_occasions(now)
        mail = own(Delivery).get()
        assert "Somebody mentions you in a note:" in mail.text
        assert GOOD not in mail.html

    def test_one_of_a_problem_that_was_merged_meanwhile_tells_of_the_one_that_took_it_in(
        self, problem: Problem, otto: User, olga: User, now: datetime
    ) -> None:
        run = factories.make_execution(problem.groups.get().failures.get().flow, "failed")
        into = factories.make_failure(run).group.problem
        acts.add_note(problem, "@otto", olga, now)
        acts.merge([problem], into, olga, now)
        dispatch_occasions(now)
        mail = own(Delivery).get()
        assert mail.subject == "[Note] It failed"
        assert "2, of which 2 are open" in mail.text

    def test_times_are_in_the_zone_of_the_reader(self, problem: Problem, otto: User, olga: User, now: datetime) -> None:
        User.objects.filter(pk=otto.pk).update(timezone="Asia/Kolkata")
        acts.assign(problem, otto, olga, now)
        dispatch_occasions(now)
        assert "IST" in own(Delivery).get().text

    def test_one_that_cannot_be_rendered_goes_out_in_plain_words(
        self, problem: Problem, otto: User, olga: User, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*args: Any) -> None:
            raise LookupError

        monkeypatch.setattr("monitor.notify.kinds.kind.compose", broken)
        acts.assign(problem, otto, olga, now)
        assert dispatch_occasions(now) == 1
        mail = own(Delivery).get()
        assert (mail.subject, mail.html) == ("A problem is yours now", "")
        assert mail.text.endswith(f"{problem.get_absolute_url()}\n")

    def test_all_mails_of_one_problem_stand_in_one_thread_and_in_the_list_of_problems(
        self, problem: Problem, otto: User, olga: User, now: datetime, sink: Sink
    ) -> None:
        acts.assign(problem, otto, olga, now)
        acts.add_note(problem, "@otto", olga, now)
        dispatch_occasions(now)
        assert send_at(now).sent == 2
        first, second = sink.mails
        assert first["Message-ID"] != second["Message-ID"]
        assert first["References"] == second["References"] == f"<problem{problem.pk}@monitor.example.com>"
        assert first["List-Id"] == "Problems of the Zoho monitor <problems.monitor.example.com>"
        assert first["To"] == "otto@example.com"


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300)


@given(title=TEXTS, note=TEXTS)
@tried(20, 200)
def test_no_title_and_no_note_adds_a_header_or_makes_the_subject_long(
    problem: Problem, otto: User, olga: User, now: datetime, title: str, note: str
) -> None:
    with transaction.atomic():
        Problem.objects.filter(pk=problem.pk).update(title=title)
        acts.add_note(problem, f"@otto {note}", olga, now)
        assert dispatch_occasions(now) == 1
        mail = own(Delivery).get()
        parsed = email.message_from_bytes(build(mail).message().as_bytes(), policy=email.policy.default)
        transaction.set_rollback(True)
    assert len(mail.subject) <= 120
    assert mail.subject.startswith("[Note] ")
    assert parsed["To"] == "otto@example.com"
    assert sorted(parsed.keys()) == sorted(HEADERS)


class TestSwitches:
    def test_each_name_of_a_kind_has_its_text(self) -> None:
        assert set(KINDS) == set(Occasion.Kind.values)

    @pytest.mark.parametrize("kind", list(KINDS))
    def test_each_kind_can_be_switched_off_by_itself(
        self, kind: str, problem: Problem, failure: Failure, otto: User, olga: User, now: datetime
    ) -> None:
        User.objects.filter(pk=otto.pk).update(unwanted_mails=[kind], wants_mail=False)
        acts.assign(problem, otto, olga, now)
        acts.add_note(problem, "Look", olga, now)
        Failure.objects.filter(pk=failure.pk).update(fate=Failure.Fate.SUPERSEDED)
        judge_problems([], now)
        dispatch_occasions(now)
        written = {mail.occasion.kind for mail in own(Delivery) if mail.occasion}
        assert written == {"assigned", "note", "resolved"} - {kind}
        assert set(own(Occasion).values_list("dispatch_state", flat=True)) <= {"dispatched", "silent"}
        assert dispatch_occasions(now) == 0

    @pytest.mark.parametrize("change", [{"email": ""}, {"is_active": False}])
    def test_who_has_no_address_or_access_gets_none(
        self, problem: Problem, otto: User, olga: User, now: datetime, change: dict[str, Any]
    ) -> None:
        acts.assign(problem, otto, olga, now)
        User.objects.filter(pk=otto.pk).update(**change)
        assert dispatch_occasions(now) == 0
        assert not own(Delivery).exists()
        assert own(Occasion).get().dispatch_state == "silent"


class TestSending:
    @pytest.fixture
    def mail(self, problem: Problem, otto: User, olga: User, now: datetime) -> Delivery:
        acts.assign(problem, otto, olga, now)
        dispatch_occasions(now)
        return own(Delivery).get()

    @pytest.mark.parametrize("change", [{"is_active": False}, {"unwanted_mails": ["assigned"]}, {"email": ""}])
    def test_who_has_lost_access_or_the_wish_since_it_was_written_gets_nothing(
        self, mail: Delivery, otto: User, now: datetime, sink: Sink, change: dict[str, Any]
    ) -> None:
        User.objects.filter(pk=otto.pk).update(**change)
        assert send_at(now) == SendReport(dead=1)
        assert sink.mails == []

    def test_who_is_no_operator_any_more_still_gets_what_they_may_see(
        self, mail: Delivery, otto: User, now: datetime, sink: Sink
    ) -> None:
        User.objects.filter(pk=otto.pk).update(role=Role.VIEWER)
        assert send_at(now).sent == 1

    def test_a_connection_lost_after_the_data_sends_again_under_the_same_id(
        self, mail: Delivery, now: datetime, sink: Sink
    ) -> None:
        sink.at_data = [DROP]
        assert send_at(now).retried == 1
        assert send_at(now + 15 * SECOND).sent == 1
        assert [one["Message-ID"] for one in sink.mails] == [mail.message_id] * 2

    def test_a_crash_after_the_claim_and_before_the_server_sends_once_when_the_lease_is_over(
        self, mail: Delivery, now: datetime, sink: Sink
    ) -> None:
        claimed = send._claim(now, SendReport())
        assert claimed == mail
        assert send_at(now + send.LEASE).handled == 0
        assert send_at(now + send.LEASE + SECOND).sent == 1
        assert [one["Message-ID"] for one in sink.mails] == [mail.message_id]

    def test_what_the_server_will_not_take_goes_out_in_plain_words(
        self, mail: Delivery, now: datetime, sink: Sink
    ) -> None:
        sink.at_data = ["554 5.7.1 content rejected"]
        assert send_at(now) == SendReport(sent=1, retried=1)
        (one,) = sink.mails
        assert (one["Subject"], one["Message-ID"]) == ("A problem is yours now", mail.message_id)

    def test_one_persons_trouble_delays_nobody(
        self, mail: Delivery, problem: Problem, vera: User, ada: User, olga: User, now: datetime, sink: Sink
    ) -> None:
        acts.add_note(problem, "@vera @ada", olga, now)
        dispatch_occasions(now)
        sink.by_address = {"otto@example.com": "550 5.1.1 gone", "vera@example.com": "450 4.2.0 later"}
        assert send_at(now) == SendReport(sent=1, retried=1, dead=2)


class TestAtOnce:
    def test_of_two_processes_at_once_one_writes_the_mail(
        self, problem: Problem, otto: User, olga: User, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        acts.assign(problem, otto, olga, now)
        asked = dispatch.may_get

        def be_overtaken(*args: Any) -> bool:
            monkeypatch.setattr(dispatch, "may_get", asked)
            assert dispatch_occasions(now) == 1
            return asked(*args)

        monkeypatch.setattr(dispatch, "may_get", be_overtaken)
        assert dispatch_occasions(now) == 0
        assert own(Delivery).count() == 1

    def test_a_crash_between_the_claim_and_the_mail_undoes_both(
        self, problem: Problem, otto: User, olga: User, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def die(*args: Any, **more: Any) -> None:
            raise Killed

        acts.assign(problem, otto, olga, now)
        with monkeypatch.context() as patch:
            patch.setattr(Delivery, "save", die)
            with pytest.raises(Killed):
                dispatch_occasions(now)
        assert own(Occasion).get().dispatch_state == "new"
        assert dispatch_occasions(now) == 1

    def test_one_that_cannot_be_written_keeps_no_other_waiting_and_is_tried_again(
        self,
        problem: Problem,
        otto: User,
        olga: User,
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        acts.assign(problem, otto, olga, now)
        acts.add_note(problem, "@otto", olga, now + SECOND)
        with monkeypatch.context() as patch:
            patch.delitem(KINDS, "assigned")
            assert dispatch_occasions(now) == 1
        assert "its mail could not be written" in caplog.text
        assert set(own(Occasion).values_list("kind", "dispatch_state")) == {
            ("assigned", "new"),
            ("note", "dispatched"),
        }
        assert dispatch_occasions(now) == 1

    def test_the_oldest_come_first_and_a_pass_is_bounded(
        self, problem: Problem, otto: User, olga: User, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dispatch, "AT_ONCE", 1)
        acts.add_note(problem, "second @otto", olga, now)
        acts.add_note(problem, "first @otto", olga, now - SECOND)
        assert dispatch_occasions(now) == 1
        assert "first" in own(Delivery).get().text
        assert dispatch_occasions(now) == 1
