"""Which incident an alert belongs to: one for one cause."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.grouping import AlertCauses, Choice, FailureSign, OpenIncident, causes_of, choose
from tests.factories import NOON

MINUTE = timedelta(minutes=1)


def alert(**fields: Any) -> AlertCauses:
    return AlertCauses(**({"began_at": NOON} | fields))


def opened(key: int, cause: str, cause_key: str, *members: AlertCauses) -> OpenIncident:
    return OpenIncident(key, cause, cause_key, members)


def failing(
    app: str = "Zoho CRM", error: str = "data", problem: int | None = None, times: int = 3
) -> list[FailureSign]:
    return [FailureSign(app, error, problem)] * times


class TestCauses:
    def test_failures_to_sign_in_blame_the_sign_in_of_their_app(self) -> None:
        for error in ("connection", "permission"):
            assert causes_of(NOON, failing(error=error), []).connection == "zohocrm"

    def test_a_broken_connection_is_to_blame_for_errors_that_say_nothing_but_not_for_those_that_do(self) -> None:
        assert causes_of(NOON, failing(error="other"), ["ZOHO_CRM"]).connection == "zohocrm"
        assert causes_of(NOON, failing(error="data"), ["Zoho CRM"]).connection == ""
        assert causes_of(NOON, failing(error="other"), ["Slack"]).connection == ""

    def test_a_single_failure_to_sign_in_among_others_blames_nothing(self) -> None:
        signs = failing(error="connection", times=1) + failing(error="data", times=4)
        assert causes_of(NOON, signs, []).connection == ""

    def test_the_problem_is_that_of_most_of_the_newest_failures(self) -> None:
        signs = failing(problem=7, times=2) + failing(problem=8, times=3)
        assert causes_of(NOON, signs, []).problem == 8
        assert causes_of(NOON, failing(problem=None), []).problem is None

    def test_an_error_of_no_known_kind_is_no_common_ground(self) -> None:
        assert causes_of(NOON, failing(error="other"), []).error == ""
        assert causes_of(NOON, failing(app="", error="data"), []).error == ""
        assert causes_of(NOON, failing(error="data"), []).error == "zohocrm: data"

    @given(
        st.builds(
            AlertCauses,
            began_at=st.just(NOON),
            account=st.sampled_from(["", "revoked"]),
            first=st.sampled_from(["", "first"]),
            connection=st.text(max_size=5),
            problem=st.none() | st.integers(1, 99),
            error=st.text(max_size=5),
            app=st.text(max_size=5),
            has_failures=st.booleans(),
        )
    )
    def test_what_is_kept_of_it_is_all_of_it(self, causes: AlertCauses) -> None:
        assert AlertCauses.restored(causes.stored(), NOON) == causes


class TestChoice:
    def test_flows_on_one_broken_connection_are_one_incident_whatever_their_problems(self) -> None:
        one = opened(1, "connection", "zoho crm", alert(connection="zoho crm", problem=7))
        assert choose(alert(connection="zoho crm", problem=8, app="Zoho CRM"), [one]) == Choice(
            "connection", "Zoho CRM", 1
        )

    def test_a_shared_problem_joins_and_another_does_not(self) -> None:
        one = opened(1, "problem", "7", alert(problem=7, error="zoho crm: data"))
        assert choose(alert(problem=7), [one]).joins == 1
        assert choose(alert(problem=8, error="zoho crm: data"), [one]) == Choice("problem", "8")

    def test_the_problem_joins_also_where_the_incident_was_opened_for_a_connection(self) -> None:
        one = opened(1, "connection", "slack", alert(connection="slack", problem=7))
        assert choose(alert(problem=7), [one]).joins == 1

    def test_one_whose_problem_is_not_known_yet_joins_by_app_and_kind_of_error(self) -> None:
        one = opened(1, "error", "slack: rate", alert(error="slack: rate"))
        assert choose(alert(error="slack: rate"), [one]).joins == 1
        assert choose(alert(error="slack: rate", problem=9), [one]).joins == 1
        assert choose(alert(error="slack: data", app="Slack"), [one]) == Choice("error", "Slack: data")

    def test_alerts_without_failures_join_those_that_began_within_minutes(self) -> None:
        one = opened(1, "time", "", alert())
        assert choose(alert(began_at=NOON + 10 * MINUTE), [one]).joins == 1
        assert choose(alert(began_at=NOON + 11 * MINUTE), [one]) == Choice("time", "")

    def test_silence_never_joins_failures_that_began_with_it(self) -> None:
        one = opened(1, "problem", "7", alert(problem=7, has_failures=True))
        assert choose(alert(), [one]).joins is None
        mixed = opened(2, "time", "", alert(), alert(has_failures=True))
        assert choose(alert(), [mixed]).joins is None

    def test_failures_of_which_nothing_is_known_are_by_themselves(self) -> None:
        one = opened(1, "alone", "", alert(has_failures=True))
        assert choose(alert(has_failures=True), [one]) == Choice("alone", "")

    def test_first_findings_are_one_incident_and_what_is_news_is_not_among_them(self) -> None:
        one = opened(1, "first", "first", alert(first="first", problem=7))
        assert choose(alert(first="first", problem=8), [one]).joins == 1
        assert choose(alert(problem=7), [one]) == Choice("problem", "7")

    def test_what_is_wrong_with_the_account_is_an_incident_of_its_own(self) -> None:
        one = opened(1, "problem", "7", alert(problem=7))
        whole = opened(2, "account", "", alert(account="revoked"))
        assert choose(alert(account="revoked"), [one]) == Choice("account", "")
        assert choose(alert(account="stale"), [one, whole]).joins == 2
        assert choose(alert(problem=9), [whole]).joins is None

    def test_a_connection_comes_before_a_problem_and_a_problem_before_a_kind_of_error(self) -> None:
        by_error = opened(1, "error", "slack: rate", alert(error="slack: rate"))
        by_problem = opened(2, "problem", "7", alert(problem=7))
        by_connection = opened(3, "connection", "slack", alert(connection="slack"))
        known = {"problem": 7, "error": "slack: rate"}
        assert choose(alert(connection="slack", **known), [by_error, by_problem, by_connection]).joins == 3
        assert choose(alert(connection="slack", **known), [by_error, by_problem]).joins == 2
        assert choose(alert(**known), [by_error, by_problem]).joins == 2


causes = st.builds(
    AlertCauses,
    began_at=st.integers(0, 60).map(lambda minutes: NOON + minutes * MINUTE),
    problem=st.none() | st.integers(1, 3),
    error=st.sampled_from(["", "slack: rate", "zoho crm: data"]),
    has_failures=st.booleans(),
)


@given(st.lists(causes, max_size=12))
def test_without_a_connection_to_blame_two_different_known_problems_never_share_an_incident(
    alerts: list[AlertCauses],
) -> None:
    found: dict[int, tuple[str, str, list[AlertCauses]]] = {}
    for number, one in enumerate(alerts):
        choice = choose(one, [OpenIncident(key, *known) for key, known in found.items()])
        if choice.joins is None:
            found[number] = (choice.cause, choice.cause_key, [one])
        else:
            found[choice.joins][2].append(one)
    for _, _, members in found.values():
        assert len({member.problem for member in members} - {None}) <= 1


@pytest.mark.parametrize("app", ["Zoho CRM", " zoho   crm ", "ZOHO CRM", "zoho_crm"])
def test_an_app_is_the_same_however_it_is_written(app: str) -> None:
    assert causes_of(NOON, failing(app=app, error="connection"), []).connection == "zohocrm"
