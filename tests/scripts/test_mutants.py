"""`make mutants`: what it changes, what it leaves alone, whom it believes."""

from __future__ import annotations

import ast
import json
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from mutants import __main__ as tool  # noqa: E402
from mutants import covering, equivalent, forked  # noqa: E402
from mutants.carrying import carried, outermost  # noqa: E402
from mutants.coverage_map import Covering  # noqa: E402
from mutants.mutations import SCOPE, Mutation, compiles, mutations  # noqa: E402
from mutants.places import is_mutated  # noqa: E402
from mutants.worker import Outcome  # noqa: E402


def changed(code: str, kind: str = "") -> list[str]:
    """The line of `code`'s function after each mutation of a kind, one at a time."""
    text = f"def f(a, b, rows):\n    {code}\n".encode()
    found = [one for one in mutations("x.py", text) if kind in ("", one.kind)]
    return [one.apply(text).decode().split("\n", 1)[1].strip() for one in found]


@pytest.mark.parametrize(
    ("code", "kind", "becomes"),
    [
        ("return a < b", "comparison", ["return a <= b"]),
        ("return a >= b", "comparison", ["return a > b"]),
        ("return a == b", "comparison", ["return a != b"]),
        ("return a not in b", "comparison", ["return a in b"]),
        ("return a is not None", "comparison", ["return a is None"]),
        ("return a and b", "and/or", ["return ((a) or (b))"]),
        ("return Q(a=1) | Q(b=2)", "and/or", ["return ((Q(a=1)) & (Q(b=2)))"]),
        ("return not a", "not dropped", ["return bool(a)"]),
        ("return a + b", "arithmetic", ["return a - b"]),
        ("a += b", "arithmetic", ["a -= b"]),
        ("return a[3]", "constant", ["return a[4]", "return a[2]"]),
        ("return a[:500]", "constant", ["return a[:1000]", "return a[:250]"]),
        ("return timedelta(minutes=5)", "timedelta", ["return timedelta(minutes=10)", "return timedelta(minutes=2)"]),
        ("return f(a, True)", "constant", ["return f(a, False)"]),
        ('return a == ""', "constant", ['return a == "mutated"']),
        ("return timedelta(hours=1)", "timedelta", ["return timedelta(hours=2)", "return timedelta(hours=0)"]),
        ("return timedelta(hours=a)", "timedelta", ["return timedelta(hours=(a) + 1)"]),
        ("return min(a, b)", "min/max", ["return max(a, b)"]),
        ("return rows.order_by('-a')", "order", ['return rows.order_by("a")']),
        ("return sorted(rows, key=a)", "order", ["return sorted(rows, key=a, reverse=True)"]),
        ("return rows.first()", "order", ["return rows.last()"]),
        ("return a", "return", ["return None"]),
        ("return a < b", "return", ["return not (a < b)"]),
        ("a.b = rows", "statement deleted", ["pass"]),
        ("rows.save()", "statement deleted", ["pass"]),
        ("return a if b else rows", "if always", ["return a if True else rows"]),
        ("return a if b else rows", "if never", ["return a if False else rows"]),
        ("return [one for one in rows if a]", "if always", ["return [one for one in rows if True]"]),
        ("rows.update(a=a, b=b)", "written column dropped", ["rows.update(b=b)", "rows.update(a=a)"]),
        ("return Count('pk', filter=a)", "condition dropped", ["return Count('pk')"]),
        ("return Q(a=a, b=b)", "condition dropped", ["return Q(b=b)", "return Q(a=a)"]),
    ],
)
def test_each_kind_of_mutation_is_made_of_what_it_fits(code: str, kind: str, becomes: list[str]) -> None:
    assert sorted(changed(code, kind)) == sorted(becomes)


@pytest.mark.parametrize(
    ("code", "becomes"),
    [
        ("return rows.filter(pk=a)", ["return rows.all()"]),
        ("return rows.filter(pk=a, b=b)", ["return rows.all()", "return rows.filter(b=b)", "return rows.filter(pk=a)"]),
        ("return rows.filter(x, pk=a)", ["return rows.all()", "return rows.filter(pk=a)", "return rows.filter(x)"]),
        ("return rows.exclude(pk=a)", ["return rows.all()"]),
        ("return rows.get(pk=a)", ["return rows.get()"]),
        ("return get_object_or_404(Flow, pk=a)", ["return get_object_or_404(Flow)"]),
        (
            "rows.get_or_create(a=a, b=b, defaults=f)",
            ["rows.get_or_create(b=b, defaults=f)", "rows.get_or_create(a=a, defaults=f)"],
        ),
    ],
)
def test_a_scope_is_lost_one_condition_at_a_time_and_as_a_whole(code: str, becomes: list[str]) -> None:
    assert sorted(changed(code, SCOPE)) == sorted(becomes)


def test_a_lookup_in_a_mapping_and_a_filter_of_a_sequence_have_no_scope() -> None:
    assert changed("return a.get('key', b)", SCOPE) == []
    assert changed("return filter(a, rows)", SCOPE) == []


@pytest.mark.parametrize(
    "code",
    [
        '"""Says 1 and not 2."""',
        'log.info("%d rows", 3)',
        "one: Literal[3]",
        'return f"{a:>8}"',
        "return isinstance(a, int | str)",
        "return secrets.token_hex(16)",
    ],
)
def test_what_is_written_for_people_and_types_is_left_alone(code: str) -> None:
    assert [one for one in changed(code) if one not in ("pass", "return None")] == []


def test_meta_decorators_and_all_are_left_alone() -> None:
    text = b"__all__ = ['a', 1]\n\n\n@dataclass(slots=True)\nclass A:\n    class Meta:\n        ordering = ['a', 1]\n"
    assert mutations("x.py", text) == []


def test_an_unbracketed_operator_keeps_its_place_when_and_becomes_or() -> None:
    assert sorted(changed("return a and b or rows", "and/or")) == [
        "return ((a and b) and (rows))",
        "return ((a) or (b)) or rows",
    ]


def test_every_mutation_is_one_change_of_the_text() -> None:
    text = (
        (ROOT / "monitor" / "access.py").read_bytes() if (ROOT / "monitor" / "access.py").exists() else b"a = 1 + 2\n"
    )
    found = mutations("x.py", text)
    assert found
    assert len({one.apply(text) for one in found} | {text}) == len(found) + 1


def test_a_mutation_knows_the_outermost_function_with_its_decorators() -> None:
    text = b"class A:\n    @property\n    def one(self):\n        def two():\n            return 1\n        two()\n"
    found = {(one.function, one.lines) for one in mutations("x.py", text) if one.kind == "constant"}
    assert found == {(("A.one", 2), (5, 5))}


def test_what_runs_at_import_knows_the_names_it_defines_from_the_inside() -> None:
    found = mutations("x.py", b"class A:\n    LIMIT = 5\n\n\ndef f(x=7):\n    pass\n")
    assert {(one.names, one.function) for one in found} == {(("LIMIT", "A"), None), (("f",), None)}


def test_migrations_settings_the_stand_in_and_tests_are_not_mutated() -> None:
    assert is_mutated(Path("monitor/retry/send.py"))
    assert is_mutated(Path("dashboard/charts.py"))
    for path in (
        "monitor/migrations/0001_tables_20261130e.py",
        "dashboard/settings.py",
        "standin/flows.py",
        "tests/factories.py",
    ):
        assert not is_mutated(Path(path))


def test_a_seed_chooses_the_same_mutations_and_another_seed_others() -> None:
    found = tool.all_mutations(["monitor/notify", "monitor/retry"])
    first = tool.sample(found, 30, "one")
    assert first == tool.sample(found, 30, "one")
    assert first != tool.sample(found, 30, "two")
    assert len(first) == 30


def test_a_fifth_of_a_sample_has_lost_a_scope() -> None:
    chosen = tool.sample(tool.all_mutations(["monitor/notify", "monitor/retry"]), 25, "one")
    assert sum(one.kind == SCOPE for one in chosen) == 5


def test_whatever_is_chosen_still_compiles() -> None:
    for one in tool.sample(tool.all_mutations(["monitor/notify"]), 40, "one"):
        assert compiles(one.apply((ROOT / one.path).read_bytes()))


def scope_mutation() -> Mutation:
    return next(one for one in tool.all_mutations(["monitor/notify"]) if one.kind == SCOPE)


class Answers:
    """A worker that says what it was told to: for the mutation, and for the run without it."""

    def __init__(self, mutated: Callable[[list[str]], Outcome], control: Outcome) -> None:
        self._mutated, self._control = mutated, control

    def run(self, mutation: Mutation | None, tests: list[str], *, anew: bool = False) -> Outcome:
        return self._control if mutation is None else self._mutated(tests)


def tried(mutated: Callable[[list[str]], Outcome], control: Outcome, tests: list[str]) -> tool.MutationVerdict:
    return tool.try_one(Answers(mutated, control), scope_mutation(), tests)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["failed", "late", "ended", "broken"])
def test_a_mutation_is_found_when_a_test_fails_that_passes_without_it(state: str) -> None:
    assert tried(lambda tests: Outcome(state, "a"), Outcome("passed"), ["a"]).state == "found"


def test_a_test_that_fails_without_the_mutation_too_finds_nothing() -> None:
    def answer(tests: list[str]) -> Outcome:
        return Outcome("failed", "a") if "a" in tests else Outcome("passed", ran=1)

    verdict = tried(answer, Outcome("failed", "a"), ["a", "b"])
    assert (verdict.state, verdict.unsteady) == ("survived", ("a",))


def test_tests_that_cannot_be_collected_without_the_mutation_are_an_error_and_no_find() -> None:
    assert tried(lambda tests: Outcome("broken"), Outcome("broken", why="no module"), ["a"]).state == "error"
    assert tried(lambda tests: Outcome("error", why="not collected"), Outcome("passed"), ["a"]).state == "error"


def test_a_mutation_that_all_pass_survives_and_one_without_tests_is_uncovered() -> None:
    assert tried(lambda tests: Outcome("passed"), Outcome("passed"), ["a"]).state == "survived"
    assert tried(lambda tests: Outcome("passed"), Outcome("passed"), []).state == "uncovered"


def verdicts(*states: tuple[str, str]) -> list[tool.MutationVerdict]:
    by_kind = {one.kind: one for one in tool.all_mutations(["monitor/notify"])}
    return [tool.MutationVerdict(by_kind[kind], state) for kind, state in states]


def test_nine_of_ten_are_enough_and_fewer_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    nine = [("constant", "found")] * 9
    assert tool.report(verdicts(*nine, ("constant", "survived")))
    assert not tool.report(verdicts(*nine[1:], ("constant", "survived"), ("constant", "uncovered")))
    assert "80% of 10 found" in capsys.readouterr().out


@pytest.mark.parametrize("state", ["survived", "uncovered"])
def test_one_that_lost_a_scope_fails_the_run_alone(state: str) -> None:
    assert not tool.report(verdicts(*[("constant", "found")] * 40, (SCOPE, state)))


def test_an_error_fails_the_run_and_an_equivalent_one_is_not_counted() -> None:
    nine = [("constant", "found")] * 9
    assert tool.report(verdicts(*nine, ("constant", "equivalent"), (SCOPE, "equivalent")))
    assert not tool.report(verdicts(*nine, ("constant", "error")))


def test_an_equivalent_mutation_is_known_by_its_line_and_needs_a_reason(tmp_path: Path) -> None:
    text = b"def f(a):\n    return a < 3\n"
    entry = 'path = "x.py"\nline = "return a < 3"\nbecomes = "return a <= 3"\n'
    file = tmp_path / "equivalent.toml"
    file.write_text(f'[[mutation]]\n{entry}reason = "a is never a three here"\n')
    [known] = equivalent.known(file)
    assert [one.kind for one in mutations("x.py", text) if known.is_of(one, text)] == ["comparison"]
    file.write_text(f'[[mutation]]\n{entry}reason = ""\n')
    with pytest.raises(ValueError, match="say why"):
        equivalent.known(file)


def test_the_equivalent_mutations_listed_are_mutations_of_the_present_code() -> None:
    for entry in equivalent.known():
        text = (ROOT / entry.path).read_bytes()
        assert any(entry.is_of(one, text) for one in mutations(entry.path, text)), entry


def covering_of(mutation: Mutation, lines: dict[str, int]) -> Covering:
    found = Covering(tests=["slow", "fast", "other"], seconds=[3.0, 0.1, 0.2], sets=[[0, 1], [2]])
    found.lines[mutation.path] = lines
    found.functions[mutation.path] = {mutation.function[0]: 1} if mutation.function else {}
    found.hashes[mutation.path] = covering.file_hash(ROOT / mutation.path)
    return found


def test_the_tests_that_run_the_mutated_line_are_tried_the_fastest_first() -> None:
    mutation = scope_mutation()
    assert covering_of(mutation, {str(mutation.line): 0}).of(mutation) == ["fast", "slow"]


def test_no_more_than_a_quarter_of_the_suite_is_run_for_one_mutation() -> None:
    mutation = scope_mutation()
    found = Covering(tests=[f"t::{n}" for n in range(400)], seconds=[1.0] * 400, sets=[list(range(400))])
    found.lines[mutation.path] = {str(mutation.line): 0}
    found.hashes[mutation.path] = covering.file_hash(ROOT / mutation.path)
    assert found.of(mutation) == found.tests[:100]


def test_tests_of_the_same_file_and_folder_are_tried_before_the_others() -> None:
    mutation = next(one for one in tool.all_mutations(["monitor/notify/send.py"]) if one.kind == SCOPE)
    found = covering_of(mutation, {str(mutation.line): 0})
    found.tests = ["tests/a/test_b.py::c", "tests/notify/test_render.py::c", "tests/notify/test_send.py::c"]
    found.sets = [[0, 1, 2]]
    assert found.of(mutation) == found.tests[::-1]


def test_in_a_file_that_has_changed_since_the_function_is_looked_up_by_its_name() -> None:
    mutation = scope_mutation()
    found = covering_of(mutation, {str(mutation.line): 0})
    found.hashes[mutation.path] = "older"
    assert found.of(mutation) == ["other"]


def test_what_runs_at_import_is_covered_by_the_tests_of_the_functions_that_use_its_name() -> None:
    mutation = mutations("monitor/x.py", b"LIMIT = 5\n")[0]
    found = Covering(tests=["a", "b"], seconds=[1, 1], sets=[[0], [1]], functions={"monitor/y.py": {"f": 1, "g": 0}})
    found.mentions = {"LIMIT": {("monitor/y.py", "f")}}
    assert found.of(mutation) == ["b"]


def test_the_loaded_function_gets_the_code_of_its_mutated_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "swapped_module.py"
    file.write_text("def limit():\n    return 5\n\n\ndef other():\n    return 6\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import swapped_module  # type: ignore[import-not-found]

    taken = swapped_module.limit
    file.write_text("def limit():\n    return 7\n\n\ndef other():\n    return 8\n")
    forked.swap(file, "limit", 1)
    assert (taken(), swapped_module.other()) == (7, 6)
    with pytest.raises(forked.CannotSwapError):
        forked.swap(file, "gone", 1)
    del sys.modules["swapped_module"]


def test_mutated_code_cannot_send_signals_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(forked, "os", types.SimpleNamespace())
    monkeypatch.setattr(forked, "_kill", lambda *what: sent.append(what))
    monkeypatch.setattr(forked, "_killpg", lambda *what: sent.append(what))
    import os

    forked._guard(os.getpid())
    guarded = forked.os
    for pid in (1, -1, os.getppid()):
        with pytest.raises(ProcessLookupError):
            guarded.kill(pid, 9)
        with pytest.raises(ProcessLookupError):
            guarded.killpg(pid, 9)
    guarded.kill(os.getpid(), 9)
    guarded.kill(os.getppid(), 0)
    assert sent == [(os.getpid(), 9), (os.getppid(), 0)]


def test_the_map_is_made_of_coverage_and_of_the_tests_that_passed(tmp_path: Path) -> None:
    from coverage import CoverageData

    tree = tmp_path / "tree"
    (tree / "monitor").mkdir(parents=True)
    (tree / "monitor" / "a.py").write_text("def f():\n    return 1\n\n\ndef g():\n    return 2\n")
    data = CoverageData(str(tmp_path / "coverage"))
    for context, lines in (("t::one|run", [2]), ("t::two|setup", [2, 6]), ("t::red|run", [6])):
        data.set_context(context)
        data.add_lines({str(tree / "monitor" / "a.py"): lines})
    data.write()
    record = tmp_path / "record.json"
    record.write_text(json.dumps({"t::one": [0.5, "passed"], "t::two": [0.1, "passed"], "t::red": [1, "failed"]}))
    found = covering.read(tmp_path / "coverage", record, tree, [Path("monitor/a.py")])
    tests = {
        name: {found.tests[number] for number in found.sets[group]}
        for name, group in found.functions["monitor/a.py"].items()
    }
    assert tests == {"f": {"t::one", "t::two"}, "g": {"t::two"}}
    assert found.broken == ["t::red"]


def test_a_map_is_carried_on_by_the_names_of_functions_and_by_tests_that_are_new() -> None:
    path = next(path for path in (Path("monitor/access.py"), Path("monitor/vault.py")) if (ROOT / path).exists())
    name, first, last = next(iter(outermost(ast.parse((ROOT / path).read_bytes()))))
    old = Covering(tests=["t/a.py::test_kept[1]", "t/a.py::test_gone", "t/a.py::test_twice"], seconds=[1, 2, 3])
    old.sets = [[0, 1, 2]]
    old.functions = {"elsewhere.py": {name: 0}}
    new = Covering(tests=["t/b.py::test_new"], seconds=[3], sets=[[0]])
    new.functions, new.lines = {str(path): {}}, {str(path): {str(last): 0}}
    found = carried(old, new, [path], {"test_kept": ["t/moved.py"], "test_twice": ["t/b.py", "t/c.py"]})
    assert found.cost() == {"t/moved.py::test_kept[1]": 1, "t/b.py::test_new": 3}

    def names(group: int) -> set[str]:
        return {found.tests[number] for number in found.sets[group]}

    assert names(found.functions[str(path)][name]) == {"t/moved.py::test_kept[1]"}
    assert "t/moved.py::test_kept[1]" in names(found.lines[str(path)][str(first)])
    assert names(found.lines[str(path)][str(last)]) == {"t/moved.py::test_kept[1]", "t/b.py::test_new"}
