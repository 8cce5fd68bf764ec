"""How well messages are grouped, as the literature on log parsing counts it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """Figures from 0 to 1.

    Attributes:
        accuracy: grouping accuracy, the share of messages whose group holds all messages of their cause and no other
            (Zhu and others, Tools and Benchmarks for Automated Log Parsing, <https://arxiv.org/abs/1811.03509>).
        f1: the harmonic mean of the share of groups and of the share of causes that are right as a whole, so that rare
            causes count like frequent ones (Jiang and others, LogHub-2.0, <https://arxiv.org/abs/2308.10828>).
        precision: the share of pairs in one group that have one cause.
        recall: the share of pairs of one cause that are in one group.
        mixed: the share of groups that hold more than one cause.
    """

    accuracy: float
    f1: float
    precision: float
    recall: float
    mixed: float

    def __str__(self) -> str:
        return (
            f"GA {self.accuracy:.3f}  F1 {self.f1:.3f}  pairs {self.precision:.4f} / {self.recall:.3f}"
            f"  mixed {100 * self.mixed:.1f} %"
        )


def pairs(sizes: Sequence[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)


def score(groups: Sequence[Hashable], causes: Sequence[Hashable]) -> Score:
    """Compares the group of each message with its cause."""
    causes_in: dict[Hashable, Counter[Hashable]] = defaultdict(Counter)
    for group, cause in zip(groups, causes, strict=True):
        causes_in[group][cause] += 1
    of_cause = Counter(causes)
    right = [
        held.total() for held in causes_in.values() if len(held) == 1 and held.total() == of_cause[next(iter(held))]
    ]
    together = pairs([count for held in causes_in.values() for count in held.values()])
    exact, whole = len(right) / len(causes_in), len(right) / len(of_cause)
    return Score(
        accuracy=sum(right) / len(causes),
        f1=2 * exact * whole / (exact + whole) if right else 0.0,
        precision=together / (pairs([held.total() for held in causes_in.values()]) or 1),
        recall=together / (pairs(list(of_cause.values())) or 1),
        mixed=sum(len(held) > 1 for held in causes_in.values()) / len(causes_in),
    )
