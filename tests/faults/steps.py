"""A seed → a random schedule: a small world, how its Zoho behaves, and a list of steps. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

Args = dict[str, Any]
ROWS = "/executions([?]|$)"
ONE_ROW = "/executions/[^/?]+([?]|$)"
FLOWS = "^/api/v1/flows([?]|$)"
RULES = "/workflow_rules([?]|$)"
ANY, FLOW, CRM, TOKEN = "^/(api|crm)/", "^/api/v1/", "^/crm/", "^/oauth/v2/token$"
LISTS = (ROWS, ROWS, ROWS, FLOWS, RULES, "/connections", "/usage", ONE_ROW, FLOW, CRM, ANY)


@dataclass(frozen=True)
class Step:
    """One thing that happens: `what` is a method of `tests.faults.house.House`, with these arguments."""

    what: str
    args: Args = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.what}({', '.join(f'{name}={value!r}' for name, value in self.args.items())})"


@dataclass(frozen=True)
class Schedule:
    """A world and what befalls it.

    Args:
        world: arguments of `make_world`. habits: of `Habits`.
        cap: rows in a page of executions at most; 0 for what was asked.
        doubled, shuffled: whether each page has its rows twice, or in no order.
        latency: seconds a call.
        plan: the stand-in's limits and what a person told us of them; "unlimited" is told as large numbers.
    """

    seed: int
    world: Args
    habits: Args
    cap: int
    doubled: bool
    shuffled: bool
    latency: float
    plan: str
    steps: tuple[Step, ...]

    def lines(self) -> str:
        """The schedule for people, so that it can be repeated by hand."""
        names = ("world", "habits", "cap", "doubled", "shuffled", "latency", "plan")
        head = "\n".join(f"  {name}={getattr(self, name)!r}" for name in names)
        return f"seed {self.seed}\n{head}\n" + "\n".join(f"  {n:2} {step}" for n, step in enumerate(self.steps))


def schedule(seed: int, *, lies: bool = True) -> Schedule:
    """The schedule of a seed.

    Args:
        seed: the same gives the same.
        lies: whether rows may also come with values that were never true.
    """
    dice = Random(seed)
    cap = dice.choice([0, 0, 0, 50, 50, 7, 1])
    rows, days = {0: (90, 5), 50: (90, 5), 7: (40, 2), 1: (15, 1)}[cap]
    steps = [_a_step(dice, lies=lies) for _ in range(dice.randint(5, 14))]
    if dice.random() < 0.7:
        steps.insert(0, Step("background"))
    if lies:
        spoiled = Random(f"rows {seed}")  # of its own: what else happens does not hang on it
        for _ in range(spoiled.choice([0, 1, 1, 2])):
            steps.insert(spoiled.randint(0, len(steps)), _spoiled(spoiled))
    return Schedule(
        seed=seed,
        world={
            "seed": dice.randint(1, 10_000),
            "flows": dice.randint(3, 6),
            "rules": dice.randint(0, 4),
            "executions": dice.randint(10, rows),
            "history_days": dice.randint(1, days),
        },
        habits={
            "dialect": dice.choice(["zoho", "zoho", "seed"]),
            "rotate_refresh_token": dice.random() < 0.2,
            "auto_reruns": dice.random() < 0.8,
            "crm": dice.random() < 0.9,
            "failed_rows_carry_trigger_data": dice.random() < 0.7,
        },
        cap=cap,
        doubled=dice.random() < 0.15,
        shuffled=dice.random() < 0.2,
        latency=dice.choice([0.0, 0.05, 0.3, 2.0]),
        plan=dice.choice(["unlimited", "unlimited", "unlimited", "professional", "enterprise"]),
        steps=tuple(steps),
    )


def _a_step(dice: Random, *, lies: bool) -> Step:
    kinds: list[tuple[int, Callable[[], Step]]] = [
        (26, lambda: _sweep(dice)),
        (18, lambda: _fault(dice, lies=lies)),
        (24, lambda: _change(dice)),
        (12, lambda: Step("pass_time", {"seconds": dice.choice([1, 30, 61, 300, 900, 3600, 7200, 90_000])})),
        (3, lambda: Step("recount")),
        (3, lambda: Step("skew", {"seconds": dice.choice([-3600, -600, -61, 61, 600, 3600])})),
        (2, lambda: Step("refresh", {"flow": dice.random(), "row": dice.random()})),
        (1, lambda: Step("revoke")),
        (2, lambda: Step("reconnect")),
        (2, lambda: Step("do", {"op": "token_expire_all"})),
    ]
    return dice.choices([make for _, make in kinds], [weight for weight, _ in kinds])[0]()


def _sweep(dice: Random) -> Step:
    """A background sweep or a person's, undisturbed, killed, or with something that happens in its middle."""
    person = dice.random() < 0.3
    kind = dice.choice(["background", "background", "killed", "killed", "lost", "crossed", "crossed", "stalled"])
    if kind == "background":
        return Step("person") if person else Step("background")
    if kind == "killed":
        # Most sweeps have some dozens of statements, the first one some hundreds.
        return Step("killed", {"statement": int(dice.choice([8, 30, 120, 400]) * dice.random()) + 1, "person": person})
    call = int(dice.choice([3, 12, 40]) * dice.random()) + 1
    if kind == "lost":
        return Step("killed", {"call": call, "answered": dice.random() < 0.5, "person": person})
    if kind == "stalled":
        # The whole process stands still for longer than its lease, and another one takes over.
        return Step("crossed", {"call": call, "person": person, "stall": dice.choice([61, 70, 400]), "by": [
            Step("background"), *([_change(dice)] if dice.random() < 0.5 else [])]})  # fmt: skip
    by = [dice.choice([_change(dice), _change(dice), Step("background")]) for _ in range(dice.randint(1, 3))]
    return Step("crossed", {"call": call, "person": person, "stall": 0, "by": by})


def _change(dice: Random) -> Step:
    """Something happens at Zoho."""
    flow, row = dice.random(), dice.random()
    status = dice.choice(["success", "success", "failed", "failed", "running"])
    kinds: list[tuple[int, Callable[[], Step]]] = [
        (10, lambda: Step("add_rows", {"flow": flow, "count": dice.choice([1, 2, 5, 30]), "status": status,
                                       "kind": dice.choice(["503", "email", "mandatory"]),
                                       "ago": dice.choice([0, 0, 0, 30, 400, 5000])})),
        (4, lambda: Step("add_rows", {"flow": flow, "count": dice.choice([1, 3]), "status": dice.choice(
            ["success", "failed"]), "ago": 0, "late": dice.choice([1, 61, 1200, 7200, 90_000, 200_000])})),
        (2, lambda: Step("add_rows", {"flow": flow, "count": 1, "status": "success", "ago": 0,
                                      "odd": dice.choice(ODD)})),
        (6, lambda: Step("change_row", {"flow": flow, "row": row})),
        (3, lambda: Step("delete_row", {"flow": flow, "row": row})),
        (1, lambda: Step("delete_flow", {"flow": flow})),
        (2, lambda: Step("create_flow", {"rows": dice.choice([0, 1, 4])})),
        (2, lambda: Step("rename_flow", {"flow": flow, "name": dice.choice(["Renamed", "Ünïcode 名前", "x" * 600])})),
        (2, lambda: Step("switch_flow", {"flow": flow, "on": dice.random() < 0.5})),
        (1, lambda: Step("break_flow", {"flow": flow, "kind": dice.choice(["503", "email"])})),
        (1, lambda: Step("heal_flow", {"flow": flow})),
        (2, lambda: Step("break_connection", {"which": dice.random()})),
        (1, lambda: Step("repair_connection", {"which": dice.random()})),
        (1, lambda: Step("delete_connection", {"which": dice.random()})),
        (1, lambda: Step("reset_usage", {"which": dice.random()})),
        (1, lambda: Step("delete_rule", {"which": dice.random()})),
        (1, lambda: Step("rename_rule", {"which": dice.random()})),
    ]  # fmt: skip
    return dice.choices([make for _, make in kinds], [weight for weight, _ in kinds])[0]()


# Rows that Zoho itself holds so, for good.
ODD: tuple[Args, ...] = (
    {"duration_ms": -5},
    {"duration_ms": 2**31 + 7},
    {"duration_ms": 10**30},
    {"trigger_data": {"Note": "a\x00b", "deep": [1.5, None, True, "\ud800"]}},
    {"trigger_data": [1, 2, 3]},
    {"trigger_data": {"Note": "x" * 3000}},
    {"completed_time": "2001-01-01T00:00:00Z"},
    {"status": "paused"},
    {"started_time": "yesterday"},
    {"execution_id": "__drop__"},
    {"completed_time": "__drop__", "duration_ms": "__drop__"},
)


SPOILED = (
    "bad_time", "no_time", "null_time", "month_13", "time_ahead", "time_9999", "negative_time", "day_or_month",
    "time_in_words", "time_in_ms", "missing_id", "null_id", "number_id", "empty_id", "huge_int", "big_trigger",
    "negative_duration", "completed_before_started", "unknown_status", "no_status", "number_status",
)  # fmt: skip


def _spoiled(dice: Random) -> Step:
    """Rows of executions come spoiled for a while: one of a page, a tenth, or all of them."""
    args = {"what": dice.choice(SPOILED), "share": dice.choice([0.0, 0.1, 1.0])}
    entry: Args = {"path": dice.choice([ROWS, ROWS, ONE_ROW]), "kind": "spoil_rows", "times": dice.choice([1, 3, 20])}
    return Step("fault", entry | {"args": args, "lasts": 7200})


def _fault(dice: Random, *, lies: bool) -> Step:
    """One entry of the stand-in's script of faults."""
    path, times, skip = dice.choice(LISTS), dice.choice([1, 1, 2, 5, 20]), dice.choice([0, 0, 1, 3, 6])
    shapes = ("empty_object", "list", "null", "text", "data_null", "data_missing", "rows_missing", "rows_null",
              "rows_not_a_list", "failure_with_200")  # fmt: skip
    wire = ("hang", "drip", "close", "reset", "cut_reset", "cut_length", "cut_chunked", "cut_unsized")
    kind: str
    args: Args
    choices: list[tuple[int, str, Args]] = [
        (4, "rate_limited", {"retry_after": dice.choice([None, 7, 30, "-1", "soon", "date", 2000])}),
        (5, "status", dice.choice([{"status": 500}, {"status": 502, "html": True}, {"status": 404, "html": True},
                                   {"status": 503, "code": "EXECUTION_FAILED"}, {"status": 403}])),
        (2, "headers", {"set": {"X-RateLimit-Remaining": "0"}}),
        (6, dice.choice(wire), {"ran": dice.random() < 0.5}),
        (4, "shape", {"shape": dice.choice(shapes)}),
        (1, "html", {}),
        (2, "no_content", {}),
        (1, "encoding", {"how": dice.choice(["bom", "utf16", "bad_utf8"])}),
        (1, "odd_json", {"what": dice.choice(["nested", "huge_int", "nan", "infinity"])}),
        (1, "bad_gzip", {}),
        (3, "duplicate_rows", {}),
        (3, "shuffle_rows", {}),
        (3, "ignore_page", {}),
        (2, "ignore_page", {"back": 1}),
        (2, "wrong_total", {"total": dice.choice([1, 999_999])}),
        (3, "cap_per_page", {"cap": dice.choice([1, 3, 7, 20])}),
        (3, "empty_list", {}),
        (3, "date_header", {"skew": dice.choice([3600, -3600, 120, -120])}),
        (1, "date_header", {"absent": True}),
        (3, "expire_tokens", {}),
        (2, "invalid_token", {}),
        (1, "scope_mismatch", {}),
        (1, "no_permission", {}),
    ]  # fmt: skip
    if lies:
        what = dice.choice(["nul", "surrogate", "big_int", "huge_int", "missing_id", "number_id", "negative_duration",
                            "unknown_status", "bad_time", "nan", "error_is_text"])  # fmt: skip
        choices.append((4, "spoil_rows", {"what": what, "share": 0.3}))
    _, kind, args = dice.choices(choices, [weight for weight, *_ in choices])[0]
    if dice.random() < 0.08:
        path = TOKEN
        kind, args = dice.choice([
            ("token_throttle", {}), ("reset", {"ran": True}), ("status", {"status": 500}), ("close", {"ran": False}),
            ("token_fields", {"drop": ["expires_in"]}), ("token_fields", {"set": {"expires_in": 0}}),
            ("oauth_error", {"error": "invalid_code"}),
        ])  # fmt: skip
    lasts = dice.choice([300, 3600]) if times == 20 else None
    entry: Args = {"path": path, "kind": kind, "times": times, "skip": skip, "args": args}
    return Step("fault", entry | ({"lasts": lasts} if lasts else {}))
