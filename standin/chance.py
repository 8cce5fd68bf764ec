"""Draws seeded random values: each is keyed by what it is for, never by the order in which it is asked for."""

import hashlib
import math
import random


def rng(*key: object) -> random.Random:
    """Returns a generator for this key; equal keys give equal draws in every process and version."""
    return random.Random("|".join(str(part) for part in key))


def digits(length: int, *key: object) -> str:
    """Draws `length` decimal digits that depend on the key only; the first is never 0."""
    number = int.from_bytes(hashlib.sha256("|".join(str(part) for part in key).encode()).digest()[:16], "big")
    low = 10 ** (length - 1)
    return str(low + number % (9 * low))


def hexadecimal(length: int, *key: object) -> str:
    """Draws `length` (at most 64) hexadecimal digits that depend on the key only."""
    return hashlib.sha256("|".join(str(part) for part in key).encode()).hexdigest()[:length]


def poisson(dice: random.Random, mean: float) -> int:
    """Returns how many events with this mean; normal approximation above 30, where Knuth's product is slow."""
    if mean <= 0:
        return 0
    if mean > 30:
        return max(0, round(dice.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), dice.random(), 0
    while product > limit:
        product *= dice.random()
        count += 1
    return count


def org_prefix(seed: int) -> str:
    """Returns the five digits with which every id of the organisation begins."""
    return digits(5, "org", seed)[:1].replace("9", "8") + digits(5, "org", seed)[1:]
