"""Sets Python's collector of cyclic garbage for processes that read pages of hundreds of records.

With Python's own settings a page of 200 runs makes it look through all young objects several times, and every few
pages through everything that was ever imported: a fifth of a first reading's time (docs/benchmarks.md).
"""

from __future__ import annotations

import gc
import os
from functools import cache

YOUNG = 20_000  # objects more than were let go before it looks: some pages' worth, a few MB
OLDER = 50  # such looks before it looks at what has outlived one
OLDEST = 10  # and those before it looks at everything but what was there at the beginning


def settle() -> None:
    """Sets the collector; call it once a process, when everything is imported, before workers are forked off.

    What is there by now is never looked at again, and so its memory stays shared with the workers.
    """
    _settle(os.getpid())


@cache
def _settle(process: int) -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, OLDER, OLDEST)
