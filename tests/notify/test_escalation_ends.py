"""Which alert an escalation belongs to: it ends with it, and begins anew for no other."""

from __future__ import annotations

import pytest

from monitor.models import AlertState, Escalation, EscalationPolicy, Incident, User
from tests import factories
from tests.bystander import own
from tests.notify.test_escalations import add_step, heard, incident, join, two_flows, work
from tests.notify.test_routes import make_route

pytestmark = pytest.mark.django_db


@pytest.fixture
def head(db: None) -> User:
    return factories.make_user("head", "admin")


@pytest.fixture
def policy(otto: User, head: User) -> EscalationPolicy:
    """Otto hears at once; after 5 minutes the lead, after 15 the head."""
    found = EscalationPolicy.objects.create(name="On call")
    add_step(found, 1, 5, people=[factories.make_user("lead", "operator")])
    add_step(found, 2, 15, people=[head])
    make_route(2, people=[otto], policy=found)
    return found


def paging(alert: AlertState, head: User) -> AlertState:
    """Another alert, of a rule that pages, with an escalation of its own: the head after 2 minutes and after 20."""
    paged = EscalationPolicy.objects.create(name="Pages")
    add_step(paged, 1, 2, people=[head])
    add_step(paged, 2, 20, people=[head])
    make_route(1, severity="page", people=[head], policy=paged)
    other = two_flows(alert)
    other.rule = factories.make_alert_rule(alert.rule.account, kind="in_a_row", severity="page")
    other.save()
    return other


def test_it_ends_with_the_last_alert_whose_route_names_it_and_the_incident_is_as_loud_as_what_is_left(
    alert: AlertState, policy: EscalationPolicy, head: User
) -> None:
    other = paging(alert, head)
    join(alert, 0)
    join(other, 1)
    assert incident().severity == "page"
    work(1, 3)
    join(other, 4, kind="closed")
    assert (incident().severity, incident().closed_at) == ("notify", None)
    ends = dict(own(Escalation).values_list("policy_name", "ended_how"))
    assert ends == {"Pages": "over", "On call": ""}
    work(5, 15, 22)
    assert heard() == [(3, "head"), (5, "lead"), (15, "head")], "nothing of the page that is over"
    join(alert, 30, kind="closed")
    assert incident().severity == "page", "what is over is as loud as it was"


def test_an_alert_that_fires_anew_repeats_only_the_steps_that_its_own_route_names(
    alert: AlertState, policy: EscalationPolicy, head: User
) -> None:
    other = paging(alert, head)
    join(alert, 0)
    join(other, 0)
    work(1, 2, 5, 15, 20)
    assert heard() == [(2, "head"), (5, "lead"), (15, "head"), (20, "head")]
    join(other, 30, kind="closed")
    join(other, 31, episode=2)
    work(33, 36, 46, 51)
    assert heard()[4:] == [(33, "head"), (51, "head")]


def test_what_flaps_and_then_lasts_is_escalated_though_others_kept_its_incident_open(
    alert: AlertState, policy: EscalationPolicy, head: User
) -> None:
    """The others are escalated to nobody; by each end of its alert the escalation ends, too."""
    other = two_flows(alert)
    other.rule = factories.make_alert_rule(alert.rule.account, kind="in_a_row", severity="page")
    other.save()
    make_route(0, severity="page", people=[head])
    join(other, 0)
    for number in range(13):
        alert.refresh_from_db()
        join(alert, 1 + number, kind="resolved" if number % 2 else "firing", episode=1 + number // 2)
    work(*range(14, 70))
    assert own(Incident).count() == 1
    (first, _), (second, _) = heard()
    assert (first, second) == (13 + 30 + 5, 13 + 30 + 15)
