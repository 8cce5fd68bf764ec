"""Sends callbacks from a few threads of its own, each once."""

import http.client
import queue
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

THREADS = 4
MOST_WAITING = 1_000
TIMEOUT = 10.0


@dataclass(slots=True)
class Letter:
    """Holds one callback; `entry` is its line in the ledger."""

    url: str
    headers: dict[str, str]
    body: bytes
    entry: dict[str, Any]


Note = Callable[[Letter, int | None, float, str], None]


class Outbox:
    """Holds a bounded queue; its threads begin with the first letter and end with `stop`."""

    def __init__(self, note: Note, send: Callable[[Letter], int] | None = None) -> None:
        self._note = note
        self._send = send or post
        self._letters: queue.Queue[Letter] = queue.Queue(MOST_WAITING)
        self._threads: list[threading.Thread] = []
        self._senders = 0
        self._ended = threading.Event()

    def put(self, letter: Letter) -> None:
        """Takes a letter; one too many is noted and dropped."""
        if self._ended.is_set():
            return
        try:
            self._letters.put_nowait(letter)
        except queue.Full:
            self._note(letter, None, 0.0, "too many were waiting")
            return
        if self._senders < THREADS:
            self._senders += 1
            self._begin(self._work)

    def every(self, seconds: float, work: Callable[[], None]) -> None:
        """Does something again and again until `stop`."""

        def again() -> None:
            while not self._ended.wait(seconds):
                work()

        self._begin(again)

    def drain(self) -> None:
        """Waits until every letter was sent."""
        self._letters.join()

    def stop(self) -> None:
        """Ends the threads after the letters that they hold."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _begin(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while not self._ended.is_set():
            try:
                letter = self._letters.get(timeout=0.2)
            except queue.Empty:
                continue
            self._deliver(letter)
            self._letters.task_done()

    def _deliver(self, letter: Letter) -> None:
        begun = time.monotonic()
        try:
            status = self._send(letter)
        except (OSError, http.client.HTTPException) as problem:
            self._note(letter, None, time.monotonic() - begun, type(problem).__name__)
        else:
            self._note(letter, status, time.monotonic() - begun, "")


def post(letter: Letter) -> int:
    """Sends one POST without redirects; returns the status of the answer."""
    parts = urlsplit(letter.url)
    host, port = parts.hostname or "", parts.port
    if parts.scheme == "https":
        context = ssl.create_default_context()
        line: http.client.HTTPConnection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)
    else:
        line = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        line.request("POST", target, letter.body, letter.headers)
        return line.getresponse().status
    finally:
        line.close()
