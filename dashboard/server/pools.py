"""Shares requests out among threads: pages, callbacks and the readiness probe have their own."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from waitress.task import ThreadedTaskDispatcher

from dashboard.health import READY
from dashboard.server.limits import ServerLimits
from dashboard.server.refusals import Refusal
from dashboard.server.requests import CALLBACKS

LOG = logging.getLogger("dashboard.server")
PAGES, CALLBACK, PROBE = "pages", "callbacks", "probe"
THREADS = {PAGES: 8, CALLBACK: 4, PROBE: 1}


class Task(Protocol):
    """Is a connection with a complete request."""

    requests: list[Any]
    client: str

    def service(self) -> None:
        """Makes the answer."""

    def cancel(self) -> None:
        """Gives up what waits."""


class AddressQuestion:
    """Asks, by a thread for callbacks, whether anybody is known by the address of one that has a large body.

    Args:
        channel: whose request it is.
        request: whose body waits.
        ask: says why no body is taken at an address, or None.
        heard: where the question goes with its answer.
        wake: has the loop look there.
    """

    def __init__(
        self,
        channel: Any,
        request: Any,
        ask: Callable[[str], Refusal | None],
        heard: deque[AddressQuestion],
        wake: Callable[[], None],
    ) -> None:
        self.channel, self.request, self.client = channel, request, channel.client
        self.refusal: Refusal | None = None
        self._ask, self._heard, self._wake = ask, heard, wake

    def service(self) -> None:
        """Finds the answer."""
        try:
            self.refusal = self._ask(self.request.path)
        except Exception:
            LOG.exception("a callback's address could not be looked up")
            self.refusal = Refusal(503, "something went wrong here", retry_after=5)
        self._heard.append(self)
        self._wake()

    def cancel(self) -> None:
        """Gives up: its connection ends with the server."""


class Threads(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Is waitress's pool; what waits in it is counted, not logged at each request."""

    logger = LOG
    queue_logger = logging.getLogger("dashboard.server.silent")
    queue_logger.disabled = True

    @property
    def clients(self) -> list[str]:
        """Is the client address of each request that waits."""
        with self.lock:
            return [task.client for task in self.queue]


def pool_for(path: str) -> str:
    """Returns whose threads answer."""
    if path == READY:
        return PROBE
    return CALLBACK if path.startswith(CALLBACKS) else PAGES


def refuse_task(clients: Sequence[str], client: str, limits: ServerLimits, pool: str = PAGES) -> Refusal | None:
    """Returns why a complete request is not put behind those that wait (given by their clients), or None."""
    most = limits.waiting_probes_per_address if pool == PROBE else limits.waiting_tasks_per_address
    if clients.count(client) >= most:
        return Refusal(429, "too many requests of one address wait here", retry_after=2)
    if len(clients) >= limits.waiting_tasks:
        return Refusal(503, "too many requests wait here", retry_after=2)
    return None


class Pools:
    """Gives each request to the threads that answer its kind, so that none keeps another kind waiting.

    Args:
        limits: of those that wait.
        is_known: says of a path and method whether the loop that reads the sockets answers at once.
        threads: how many of each kind.
    """

    def __init__(
        self, limits: ServerLimits, is_known: Callable[[str, str], bool], threads: dict[str, int] | None = None
    ) -> None:
        self._limits = limits
        self._is_known = is_known
        self._at_once: deque[Task] = deque()
        self._pools = {name: Threads() for name in THREADS}
        for name, count in (threads or THREADS).items():
            self._pools[name].set_thread_count(count)

    def add_task(self, task: Task) -> None:
        """Takes a connection whose request has come completely."""
        request = task.requests[0]
        if not request.error and not self._is_known(request.path, request.command):
            name = pool_for(request.path)
            refusal = refuse_task(self._pools[name].clients, task.client, self._limits, name)
            if refusal is None:
                self._pools[name].add_task(task)
                return
            request.refuse(refusal)
        self._at_once.append(task)

    def ask(self, question: AddressQuestion) -> Refusal | None:
        """Gives a question to a thread; returns why not, where too many wait."""
        refusal = refuse_task(self._pools[CALLBACK].clients, question.client, self._limits)
        if refusal is None:
            self._pools[CALLBACK].add_task(question)
        return refusal

    def answer_at_once(self) -> None:
        """Answers what needs no thread; called by the loop, after each look at the sockets."""
        while self._at_once:
            self._at_once.popleft().service()

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> None:
        """Lets the threads end."""
        for pool in self._pools.values():
            pool.shutdown(cancel_pending, timeout)
