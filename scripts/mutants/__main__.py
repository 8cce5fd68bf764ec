"""Mutates N places chosen by SEED, runs the tests that cover them, and names what no test notices.

    make mutants N=60 SEED=1

Ends non-zero where fewer than 90 of 100 are noticed, or where one survives that takes in the rows of others.
"""

from __future__ import annotations

import argparse
import difflib
import random
import secrets
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from mutants.covering import Covering, covering
from mutants.equivalent import Equivalent, known
from mutants.mutations import SCOPE, Mutation, compiles, mutations
from mutants.places import ROOT, is_mutated, tracked
from mutants.worker import EnvironmentBrokenError, Outcome, Worker, folders

NEEDED = 0.9
SCOPE_SHARE = 5  # one of so many has lost a scope
NAMED = 8  # covering tests shown beside a survivor


@dataclass(frozen=True, slots=True)
class MutationVerdict:
    """Holds what became of one mutation: found, survived, uncovered, equivalent or error."""

    mutation: Mutation
    state: str
    outcome: Outcome | None = None
    tests: tuple[str, ...] = ()
    unsteady: tuple[str, ...] = ()
    reason: str = ""


def all_mutations(prefixes: list[str]) -> list[Mutation]:
    """Returns every mutation of the files whose path begins with one of the prefixes."""
    paths = [str(path) for path in tracked() if is_mutated(path)]
    chosen = [path for path in paths if not prefixes or path.startswith(tuple(prefixes))]
    return [one for path in chosen for one in mutations(path, (ROOT / path).read_bytes())]


def sample(found: list[Mutation], count: int, seed: str) -> list[Mutation]:
    """Chooses places, then one mutation of each; the same seed and tree choose the same.

    A fifth has lost a scope, however few of all do.
    """
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    by_site: dict[tuple[str, tuple[int, int], bool], list[Mutation]] = defaultdict(list)
    for one in found:
        by_site[one.path, one.site, one.kind == SCOPE].append(one)
    sites = sorted(by_site)
    chance.shuffle(sites)
    scopes = [site for site in sites if site[2]][: max(1, count // SCOPE_SHARE) if count else 0]
    others = [site for site in sites if not site[2]]
    chosen: list[Mutation] = []
    for site in [*scopes, *others]:
        if len(chosen) == count:
            break
        one = chance.choice(by_site[site])
        if compiles(one.apply((ROOT / one.path).read_bytes())):
            chosen.append(one)
    return chosen


def difference(mutation: Mutation) -> str:
    """Returns the mutation as a diff."""
    before = (ROOT / mutation.path).read_bytes()
    lines = [text.decode().splitlines() for text in (before, mutation.apply(before))]
    shown = difflib.unified_diff(*lines, n=1, lineterm="")
    return "\n".join(f"    {line}" for line in list(shown)[2:])


def try_one(worker: Worker, mutation: Mutation, tests: list[str]) -> MutationVerdict:
    """Runs the covering tests with a mutation; the one that fails has to pass without it."""
    unsteady: list[str] = []
    if not tests:
        return MutationVerdict(mutation, "uncovered")
    while left := [test for test in tests if test not in unsteady]:
        outcome = worker.run(mutation, left)
        if outcome.state == "error":
            return MutationVerdict(mutation, "error", outcome, reason=outcome.why)
        if not outcome.noticed:
            return MutationVerdict(mutation, "survived", outcome, tuple(left), tuple(unsteady))
        control = worker.run(None, [outcome.test or left[0]], anew=outcome.state == "broken")
        if control.state == "passed":
            return MutationVerdict(mutation, "found", outcome, tuple(left), tuple(unsteady))
        if not outcome.test:
            return MutationVerdict(mutation, "error", control, reason=control.why)
        unsteady.append(outcome.test)
    return MutationVerdict(
        mutation, "error", unsteady=tuple(unsteady), reason="no covering test passes without a mutation"
    )


def try_all(chosen: list[Mutation], tests: Covering, jobs: int, equivalents: list[Equivalent]) -> list[MutationVerdict]:
    """Tries each mutation on one of the workers, and says how it goes."""
    root = Path(tempfile.mkdtemp(prefix="mutants-"))
    free: SimpleQueue[Worker] = SimpleQueue()
    workers = [Worker(folder, tracked(), tests.cost()) for folder in folders(root, jobs)]
    done: list[MutationVerdict] = []

    def one(mutation: Mutation) -> MutationVerdict:
        began = time.monotonic()
        source = (ROOT / mutation.path).read_bytes()
        if (same := next((each for each in equivalents if each.is_of(mutation, source)), None)) is not None:
            verdict = MutationVerdict(mutation, "equivalent", reason=same.reason)
        else:
            worker = free.get()
            try:
                verdict = try_one(worker, mutation, tests.of(mutation))
            finally:
                free.put(worker)
        done.append(verdict)
        ran = verdict.outcome.ran if verdict.outcome else 0
        place = f"{mutation.path}:{mutation.line}"
        by = f" by {verdict.outcome.test}" if verdict.state == "found" and verdict.outcome else ""
        seconds = time.monotonic() - began
        print(
            f"{len(done):>4} {verdict.state:<10} {seconds:5.1f} s {ran:>5} tests  {mutation.kind}: {place}{by}",
            flush=True,
        )
        return verdict

    try:
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(Worker.start, workers))
            for worker in workers:
                free.put(worker)
            return list(pool.map(one, chosen))
    finally:
        for worker in workers:
            worker.stop()
        shutil.rmtree(root, ignore_errors=True)


def report(verdicts: list[MutationVerdict]) -> bool:
    """Prints survivors and figures; whether enough was noticed."""
    for verdict in verdicts:
        place = f"{verdict.mutation.path}:{verdict.mutation.line}"
        if verdict.state in ("survived", "uncovered", "error", "equivalent"):
            print(f"\n{verdict.state}: {verdict.mutation.kind}, {place}  {verdict.reason}")
            print(difference(verdict.mutation))
        if verdict.state == "survived":
            more = f" and {len(verdict.tests) - NAMED} more" if len(verdict.tests) > NAMED else ""
            print(f"    covered by {', '.join(verdict.tests[:NAMED])}{more}")
    unsteady = sorted({name for verdict in verdicts for name in verdict.unsteady})
    if unsteady:
        print("\nthese tests failed without a mutation too, and were left out:", *unsteady, sep="\n    ")

    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for verdict in verdicts:
        for kind in (verdict.mutation.kind, "all"):
            counts[kind][verdict.state] += 1
    states = ("found", "survived", "uncovered", "equivalent", "error")
    print(f"\n{'':<22}" + "".join(f"{state:>12}" for state in states))
    for kind in (*sorted(set(counts) - {"all"}), "all"):
        print(f"{kind:<22}" + "".join(f"{counts[kind][state]:>12}" for state in states))
    tried = sum(counts["all"][state] for state in ("found", "survived", "uncovered"))
    share = counts["all"]["found"] / tried if tried else 0.0
    lost = counts[SCOPE]["survived"] + counts[SCOPE]["uncovered"]
    print(f"\n{share:.0%} of {tried} found (at least {NEEDED:.0%}); {lost} that lost a scope survived (none may)")
    return share >= NEEDED and not lost and not counts["all"]["error"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--count", type=int, default=60, help="how many mutations; 0 = every one")
    parser.add_argument("--seed", default="", help="chooses them; a new one each time where it is not given")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--kind", default="", help="only this kind, such as 'scope lost'")
    parser.add_argument("--line", default="", help="only this place, such as monitor/retry/send.py:120")
    parser.add_argument("--carry", action="store_true", help="use the newest map of covering tests, however old")
    parser.add_argument("--list", action="store_true", help="show the mutations, run nothing")
    parser.add_argument("paths", nargs="*", help="only files whose path begins so")
    options = parser.parse_args()

    seed = options.seed or secrets.token_hex(4)
    found = [one for one in all_mutations(options.paths) if options.kind in ("", one.kind)]
    found = [one for one in found if options.line in ("", f"{one.path}:{one.line}")]
    chosen = sample(found, options.count, seed) if options.count else found
    print(f"{len(chosen)} of {len(found)} mutations, seed {seed}", flush=True)
    if options.list:
        for one in chosen:
            print(f"\n{one.kind}, {one.path}:{one.line}\n{difference(one)}")
        return 0
    began = time.monotonic()
    try:
        tests = covering(options.jobs, carry=options.carry)
        mapped = time.monotonic()
        print(f"{len(tests.tests)} tests, map ready after {mapped - began:.0f} s", flush=True)
        if tests.broken:
            print("fail without any mutation, and are left out:", *tests.broken, sep="\n    ")
        verdicts = try_all(chosen, tests, options.jobs, known())
    except EnvironmentBrokenError as reason:
        print(f"error: the tests cannot be run without a mutation: {reason}", file=sys.stderr)
        return 2
    enough = report(verdicts)
    print(f"seed {seed}; {time.monotonic() - mapped:.0f} s for {len(chosen)} mutations")
    return 0 if enough and not tests.broken else 1


if __name__ == "__main__":
    sys.exit(main())
