from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.connection.lost_answer import Proof, proof_of
from monitor.retry.lost_answer import Evidence, Finding, Seen, conclude, payload_hash
from monitor.retry.timing import LAG, RUN_WINDOW, SKEW
from monitor.zoho.errors import Refused

SENT = datetime(2026, 11, 22, 12, 0, 0, 700_000, tzinfo=UTC)
SECOND = timedelta(seconds=1)
BEFORE = SENT - timedelta(hours=1)
OVER = SENT + RUN_WINDOW + LAG
PAYLOAD = payload_hash({"Email": "lea@example.com"})


def original(status: str = "failed", completed: datetime | None = BEFORE) -> Seen:
    return Seen("original", status, BEFORE, completed)


def run(name: str = "new", status: str = "success", started: datetime = SENT, payload: str = PAYLOAD) -> Seen:
    return Seen(name, status, started, started + SECOND, payload)


def outcome(now: datetime = SENT + 10 * SECOND, **facts) -> tuple[str, str]:
    finding = conclude(
        Evidence(**({"accepted": False, "sent_at": SENT, "completed_before": BEFORE, "original": original()} | facts)),
        now,
    )
    return finding.outcome, finding.new_execution_id


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("success", "succeeded"),
        ("failed", "failed_again"),
        ("running", "running"),
        ("queued", "running"),
        ("", "running"),
    ],
)
def test_the_run_that_zoho_named_decides(accepted, status, expected) -> None:
    named = run(status=status)
    assert outcome(accepted=accepted, has_id=True, named=named, original=None) == (expected, "new")


def test_a_named_run_that_does_not_show_yet_leaves_only_a_success_of_the_original_to_go_by() -> None:
    assert outcome(accepted=True, has_id=True, original=original("success"))[0] == "succeeded"
    assert outcome(accepted=True, has_id=True, original=original("failed", SENT + SECOND))[0] == "nothing"
    assert outcome(accepted=True, has_id=True, original=original("running"))[0] == "nothing"


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("may_rerun", [True, False])
def test_an_original_that_has_become_a_success_means_the_work_is_done(accepted, may_rerun) -> None:
    assert outcome(accepted=accepted, may_rerun=may_rerun, original=original("success"))[0] == "succeeded"


@pytest.mark.parametrize(
    ("completed", "before", "expected"),
    [
        (BEFORE, BEFORE, "nothing"),
        (SENT + SECOND, BEFORE, "failed_again"),
        (SENT.replace(microsecond=0), BEFORE, "failed_again"),  # whole seconds, hence before the POST by the look of it
        (SENT - 4 * SECOND, BEFORE, "failed_again"),  # Zoho's clock is behind
        (SENT - 4 * SECOND, SENT - 4 * SECOND, "nothing"),  # a failure just before the click is not a new one
        (SENT - 6 * SECOND, BEFORE, "nothing"),  # Zoho's own re-run, before the POST
        (None, BEFORE, "nothing"),
        (SENT + SECOND, None, "failed_again"),
        (SENT - SECOND, None, "nothing"),
    ],
)
def test_an_original_failed_anew_is_told_by_its_time(completed, before, expected) -> None:
    assert outcome(original=original("failed", completed), completed_before=before)[0] == expected


def test_where_zoho_re_runs_by_itself_a_newer_failure_proves_nothing_unless_the_retry_runs_in_place() -> None:
    newer = original("failed", SENT + SECOND)
    assert outcome(may_rerun=True, original=newer)[0] == "nothing"
    assert outcome(may_rerun=True, original=newer, accepted=True)[0] == "nothing"
    assert outcome(may_rerun=True, original=newer, accepted=True, in_place=True)[0] == "failed_again"


@pytest.mark.parametrize("days", [-3, 3])
def test_in_place_a_new_failure_is_told_by_the_rows_own_times_alone(days: int) -> None:
    elsewhere = timedelta(days=days)
    newer = original("failed", BEFORE + elsewhere + SECOND)
    facts = {"accepted": True, "completed_before": BEFORE + elsewhere}
    assert outcome(in_place=True, original=newer, **facts)[0] == "failed_again"
    assert outcome(in_place=True, original=original("failed", BEFORE + elsewhere), **facts)[0] == "nothing"


def test_an_answer_that_repeats_the_old_id_does_not_hide_the_new_run() -> None:
    facts = {"accepted": True, "in_place": True, "payload": PAYLOAD}
    assert outcome(candidates=(run(),), **facts) == ("succeeded", "new")
    assert outcome(candidates=(run("one"), run("two")), **facts) == ("nothing", "")
    # Failed anew in place with a stranger beside it, or Zoho's own re-run beside our new row: who can tell?
    assert outcome(candidates=(run(),), original=original("failed", SENT + SECOND), **facts) == ("nothing", "")


def test_an_original_that_runs_is_waited_for() -> None:
    assert outcome(original=original("running", None))[0] == "running"


def test_no_original_and_no_name_is_nothing() -> None:
    assert outcome(original=None)[0] == "nothing"
    assert outcome(original=original(""))[0] == "nothing"


@pytest.mark.parametrize("status", ["success", "failed", "running"])
def test_the_one_new_run_with_the_same_trigger_data_is_recognised_when_no_other_can_come(status) -> None:
    expected = {"success": "succeeded", "failed": "failed_again", "running": "running"}[status]
    facts = {"payload": PAYLOAD, "candidates": (run(status=status), run("other", payload=payload_hash([1])))}
    assert outcome(OVER, **facts) == (expected, "new")
    assert outcome(OVER - SECOND, **facts) == ("nothing", "")
    at_once = (expected, "new") if status == "success" else ("nothing", "")
    assert outcome(SENT + SECOND, accepted=True, **facts) == at_once
    assert outcome(OVER - SECOND, accepted=True, **facts) == at_once


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize(
    "facts",
    [
        {"payload": PAYLOAD, "candidates": (run("one"), run("two"))},
        {"payload": PAYLOAD, "candidates": ()},
        {"payload": PAYLOAD, "candidates": None},
        {"payload": "", "candidates": (run(payload=""),)},
        {"payload": PAYLOAD, "candidates": (run(payload=""),)},
        {"payload": PAYLOAD, "candidates": (run(started=SENT - 6 * SECOND),)},
        {"payload": PAYLOAD, "candidates": (run(started=OVER + SECOND),)},
        {"payload": PAYLOAD, "candidates": (Seen("new", "success", None, None, PAYLOAD),)},
    ],
)
def test_what_is_ambiguous_or_lacks_trigger_data_decides_nothing(accepted, facts) -> None:
    assert outcome(OVER, accepted=accepted, **facts) == ("nothing", "")


def test_trigger_data_is_the_same_however_its_keys_are_ordered() -> None:
    assert payload_hash({"a": 1, "b": [2, {"c": None}]}) == payload_hash({"b": [2, {"c": None}], "a": 1})
    assert payload_hash({"a": 1}) != payload_hash({"a": "1"})


@pytest.mark.parametrize("nothing", [None, {}, [], "", 0, False, True])
def test_trigger_data_that_tells_nothing_apart_has_no_name(nothing) -> None:
    assert payload_hash(nothing) == ""


_times = st.datetimes(datetime(2026, 11, 1), datetime(2026, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001
_status = st.sampled_from(["success", "failed", "running", "", "odd"])
_seen = st.builds(
    Seen, st.sampled_from(["a", "b"]), _status, st.none() | _times, st.none() | _times, st.sampled_from(["", PAYLOAD])
)
_evidence = st.builds(
    Evidence,
    accepted=st.booleans(),
    sent_at=_times,
    completed_before=st.none() | _times,
    in_place=st.booleans(),
    has_id=st.booleans(),
    named=st.none() | _seen,
    original=st.none() | _seen,
    may_rerun=st.booleans(),
    payload=st.sampled_from(["", PAYLOAD]),
    candidates=st.none() | st.lists(_seen, max_size=3).map(tuple),
)


@given(_evidence, _times)
def test_an_end_is_only_concluded_from_a_run_that_has_ended_so(evidence: Evidence, now: datetime) -> None:
    finding: Finding = conclude(evidence, now)
    shown = [one for one in (evidence.named, evidence.original, *(evidence.candidates or ())) if one is not None]
    wanted = {"succeeded": "success", "failed_again": "failed"}.get(finding.outcome)
    if wanted is not None:
        assert any(one.status == wanted for one in shown)
        assert finding.why
    if finding.new_execution_id:
        assert finding.new_execution_id in {one.execution_id for one in shown}


@pytest.mark.parametrize(
    ("status", "code", "is_rejected"),
    [(400, "X", True), (404, "X", True), (499, "X", True), (500, "X", False), (408, "X", False), (400, "", False)],
)
def test_only_a_4xx_in_zohos_own_words_proves_that_a_retry_was_rejected(
    status: int, code: str, is_rejected: bool
) -> None:
    found = proof_of(Refused("no", status=status, code=code))
    assert (found is Proof.REJECTED) is is_rejected


@pytest.mark.parametrize(
    ("started", "fits"),
    [(SENT - SKEW, True), (SENT - SKEW - SECOND, False), (OVER, True), (OVER + SECOND, False)],
)
def test_a_run_fits_that_began_from_shortly_before_the_sending_until_the_window_is_over(
    started: datetime, fits: bool
) -> None:
    found = outcome(accepted=True, payload=PAYLOAD, candidates=(run(started=started),))
    assert found == (("succeeded", "new") if fits else ("nothing", ""))
