"""Stand-by until the real one lands."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

VERSION = 1


@dataclass(frozen=True, slots=True)
class FailureCause:
    fingerprint: str
    template: str
    remedy: str


def cause_of(
    *,
    app: str = "",
    action: str = "",
    code: str = "",
    message: Any = None,
    details: Any = None,
    trigger_data: Any = None,
) -> FailureCause:
    template = re.sub(r"\S*\d\S*", "<value>", f"{message} {details}".strip())
    key = f"{app} {action} {code} {template}"
    return FailureCause(hashlib.sha256(key.encode("utf-8", "replace")).hexdigest(), template, "unknown")
