"""Says how long a client may take, how many may wait, and which of them gives way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from heapq import nsmallest


class Phase(Enum):
    """Says what a connection is waiting for."""

    LINGERING = auto()  # it was refused; what it still sends is thrown away, so that it reads the answer
    SILENT = auto()  # it has never sent anything
    IDLE = auto()  # it was answered, and has sent nothing since
    HEAD = auto()
    BODY = auto()
    SERVING = auto()  # its answer is being made: the wait is ours
    READING = auto()  # it has not yet taken all of its answer


WAITING = frozenset({Phase.LINGERING, Phase.SILENT, Phase.IDLE, Phase.HEAD, Phase.BODY})
# Where the wait is the client's: only an answer that is being made keeps its place whatever comes.
THEIRS = WAITING | {Phase.READING}


@dataclass(frozen=True)
class SocketWait:
    """Holds where a connection stands.

    Attributes:
        phase: what it is waiting for.
        since: seconds of a clock that only grows.
        moved: bytes that went over the wire in this phase.
        began: since when it has been waiting in all: for a request from its first byte, or from the connection.
    """

    phase: Phase
    since: float
    moved: int = 0
    began: float = 0.0


@dataclass(frozen=True)
class ServerLimits:
    """Holds the limits of the server; times in seconds, sizes in bytes, rates in bytes a second.

    Attributes:
        connections: at once; the next one takes the place of one that is waiting.
        per_address: of these, waiting ones of one client address.
        make_room: places that are made at once where all are taken, as looking at all of them costs time.
        silent: until the first byte, and for a whole head.
        idle: between two requests; longer than the 60 s after which nginx drops a connection by itself, so that it
            never sends a request into one that we are closing.
        body: for a whole body.
        body_grace: before `body_rate` is asked for.
        answer_grace: before `answer_rate` is asked for.
        linger: for what a refused client still sends.
        send_buffer: of the kernel's, which counts as taken by the reader; it gives twice as much.
        page_body: of a form; the longest of ours, a retry of many executions, has a few hundred kilobytes.
        in_memory: of a body; the rest of it is a file.
        large_bodies: of those that are files, at once; those of callbacks and those of forms are counted apart.
        large_bodies_bytes: of these together.
        waiting_tasks: complete requests that wait for a thread.
        waiting_tasks_per_address: of these, those of one client address.
        waiting_probes_per_address: of those that wait for the one thread that looks at readiness.
        stopping: for the answers that are being made when the server is asked to end.
    """

    connections: int = 1000
    per_address: int = 256
    make_room: int = 16
    silent: float = 10.0
    idle: float = 75.0
    body: float = 30.0
    body_grace: float = 10.0
    body_rate: float = 1024.0
    answer_grace: float = 30.0
    answer_rate: float = 8192.0
    linger: float = 3.0
    send_buffer: int = 128 * 1024
    page_body: int = 1024 * 1024
    in_memory: int = 64 * 1024
    large_bodies: int = 64
    large_bodies_bytes: int = 256 * 1024 * 1024
    waiting_tasks: int = 256
    waiting_tasks_per_address: int = 128
    waiting_probes_per_address: int = 8
    stopping: float = 25.0


def is_overdue(standing: SocketWait, limits: ServerLimits, now: float) -> bool:
    """Returns whether a client has taken too long; never where the wait is ours."""
    waited, moved = now - standing.since, standing.moved
    match standing.phase:
        case Phase.SILENT | Phase.HEAD:
            return waited > limits.silent
        case Phase.IDLE:
            return waited > limits.idle
        case Phase.BODY:
            return waited > min(limits.body, limits.body_grace + moved / limits.body_rate)
        case Phase.READING:
            return waited > limits.answer_grace + moved / limits.answer_rate
        case Phase.LINGERING:
            return waited > limits.linger
        case Phase.SERVING:
            return False


def give_way(waits: Sequence[SocketWait], count: int) -> list[int]:
    """Returns the places of the connections that are ended for new ones: of those that wait, the longest waiting.

    Readers of an answer give way last, the longest reading first: whoever takes nothing of an answer would else hold a
    place for a minute at no cost. Fewer than `count`, also none, where the others are being answered. A newcomer has
    waited for no time: so it is let in, also where others take every place they get, and who only holds a place
    loses it.
    """
    waiting = ((one.phase is Phase.READING, one.began, place) for place, one in enumerate(waits) if one.phase in THEIRS)
    return [place for _, _, place in nsmallest(count, waiting)]
