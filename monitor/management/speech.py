"""Prints what a long-running command has to say to its operator."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def speak(out: TextIO, line: str) -> None:
    """Prints a line at once. That nobody listens any more is no reason to end the work."""
    try:
        print(line, file=out, flush=True)
    except BrokenPipeError:
        # Nothing more can be written there, not even what Python would flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
