"""Runs chosen tests in forks of a process that has collected them all (a pytest plugin).

Orders come as JSON lines on one descriptor, what happens goes out on another. A fork puts the mutated function in the
place of the one that is loaded, so that nothing is imported or collected again; the server itself stays unmutated.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
import types
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import hypothesis
import pytest

ORDERS, EVENTS = "MUTANTS_ORDERS", "MUTANTS_EVENTS"  # the descriptors' numbers
only_order: dict[str, Any] | None = None  # of a process that runs one and ends; it takes none from a descriptor
_kill, _killpg = os.kill, os.killpg

_register = hypothesis.settings.register_profile


def _without_shrinking(name: str, parent: hypothesis.settings | None = None, **more: Any) -> None:
    """Registers a profile of the tests as they say, but what fails is not made smaller: that it fails is enough."""
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    _register(name, parent, **({"phases": phases, "database": None} | more))


def pytest_addoption() -> None:
    """Takes its place before any conftest is loaded."""
    # The class lets nobody set an attribute of it.
    type.__setattr__(hypothesis.settings, "register_profile", staticmethod(_without_shrinking))


def emit(**event: Any) -> None:
    """Writes one event for the one who gave the order."""
    os.write(int(os.environ[EVENTS]), json.dumps(event).encode() + b"\n")


class ForkedVerdict:
    """Keeps why the first test failed; empty while none has."""

    failed: str = ""


verdict = ForkedVerdict()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed and not verdict.failed:
        verdict.failed = str(report.longrepr)[-1500:] or "failed"


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        emit(event="broken", why=str(report.longrepr)[-1500:])


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """Takes the place of pytest's own loop."""
    items = {item.nodeid: item for item in session.items}
    if only_order is not None:
        if not session.testsfailed:
            run(only_order["tests"], items)
        return True
    _warm_up(session)
    emit(event="ready", tests=len(items))
    gc.collect()
    _known.update(_loaded())
    gc.freeze()
    with os.fdopen(int(os.environ[ORDERS])) as orders:
        for line in orders:
            order = json.loads(line)
            fork(lambda order=order: _obey(order, items))  # type: ignore[misc]
    return True


def _warm_up(session: pytest.Session) -> None:
    """Makes the database and what else lasts as long as the session, once for all forks."""
    first = next((item for item in session.items if item.get_closest_marker("django_db") or _has_db(item)), None)
    if first is None:
        return
    other = next(item for item in session.items if item.path.parent == session.config.rootpath / "tests")
    session.config.hook.pytest_runtest_protocol(item=first, nextitem=other)
    if verdict.failed:
        emit(event="broken", why=verdict.failed)


def _has_db(item: pytest.Item) -> bool:
    return "db" in getattr(item, "fixturenames", ())


def fork(body: Callable[[], None]) -> None:
    """Runs `body` in a process group of its own, and says which one, and how it ended."""
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            os.setsid()
            emit(event="started", pid=os.getpid())
            _guard(os.getpid())
            body()
            code = 0
        except BaseException as error:  # noqa: BLE001 - passed on to the one who waits
            emit(event="error", why=f"{type(error).__name__}: {error}")
        finally:
            os._exit(code)
    status = os.waitpid(pid, 0)[1]
    with suppress(ProcessLookupError, PermissionError):  # mostly a test has left nothing running
        _killpg(pid, signal.SIGKILL)
    emit(event="ended", status=status)


def _guard(root: int) -> None:
    """Keeps mutated code from sending signals to anything but itself and what it has started."""

    def is_ours(pid: int) -> bool:
        while pid > 1:
            if pid == root:
                return True
            try:
                pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                return False
        return False

    def kill(pid: int, number: int) -> None:
        if number and not is_ours(pid):
            raise ProcessLookupError(f"{pid} was not started here")
        _kill(pid, number)

    def killpg(group: int, number: int) -> None:
        if number and not is_ours(group):
            raise ProcessLookupError(f"{group} was not started here")
        _killpg(group, number)

    os.kill, os.killpg = kill, killpg


def _obey(order: dict[str, Any], items: dict[str, pytest.Item]) -> None:
    _silence()
    if order["function"]:
        swap(Path(order["file"]), *order["function"])
    run(order["tests"], items)


def _silence() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)


def run(names: list[str], items: dict[str, pytest.Item]) -> None:
    """Runs tests in the given order until one fails."""
    missing = [name for name in names if name not in items]
    if missing:
        emit(event="error", why=f"not collected: {missing[0]} and {len(missing) - 1} more")
        return
    for name, following in zip(names, [*names[1:], None], strict=True):
        item = items[name]
        emit(event="begins", test=name)
        began = time.monotonic()
        try:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=items[following] if following else None)
        except BaseException as error:  # noqa: BLE001 - an interrupt or an exit, which pytest lets through
            verdict.failed = verdict.failed or f"{type(error).__name__}: {error}"
        emit(event="tested", test=name, failed=verdict.failed, seconds=round(time.monotonic() - began, 3))
        if verdict.failed:
            return
    emit(event="passed")


_known: dict[tuple[str, str, int], list[types.FunctionType]] = {}


def _loaded() -> dict[tuple[str, str, int], list[types.FunctionType]]:
    """Lists the functions that are loaded, by file, qualified name and first line."""
    gc.unfreeze()  # what is frozen is not listed
    found: dict[tuple[str, str, int], list[types.FunctionType]] = defaultdict(list)
    for one in gc.get_objects():
        if type(one) is types.FunctionType:  # not isinstance: that would wake lazy objects
            code = one.__code__
            found[code.co_filename, code.co_qualname, code.co_firstlineno].append(one)
    return found


class CannotSwapError(Exception):
    """Says that the function of the mutated file cannot be put in the place of the loaded one."""


def swap(file: Path, name: str, line: int) -> None:
    """Gives the loaded function the code that its mutated file has for it.

    Args:
        file: the mutated file.
        name: the function's qualified name.
        line: its first line.

    Raises:
        CannotSwapError: there is not exactly one such function, or what it takes from around it has changed.
    """
    key = (str(file), name, line)
    loaded = _known.get(key) or _loaded().get(key, [])
    if not loaded:
        if any(getattr(module, "__file__", None) == str(file) for module in list(sys.modules.values())):
            raise CannotSwapError(f"{name} is not to be found")
        return  # not imported yet: it will come from the mutated file
    module = compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
    codes = [code for code in _codes(module) if (code.co_qualname, code.co_firstlineno) == (name, line)]
    if len(codes) != 1 or any(one.__code__.co_freevars != codes[0].co_freevars for one in loaded):
        raise CannotSwapError(f"{name} has another shape")
    for one in loaded:
        one.__code__ = codes[0]


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from _codes(constant)
