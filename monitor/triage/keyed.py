"""Makes digests under a key of this installation: of what could be guessed from a plain one, such as a short id.

The key is derived from the setting `SECRET_KEY`, which is not in the database. With another one every digest is
another; `mark` tells by which they were made (docs/operations.md, "Replacing the secret key").
"""

from __future__ import annotations

from django.utils.crypto import salted_hmac

_SALT = "monitor.triage"


def keyed(purpose: str, said: str) -> str:
    """Returns the digest of a text, 64 hexadecimal digits.

    Args:
        purpose: equal texts for two purposes have two digests.
        said: any text; what UTF-8 cannot hold is replaced.
    """
    return salted_hmac(f"{_SALT} {purpose}", said.encode("utf-8", "replace"), algorithm="sha256").hexdigest()


def mark() -> str:
    """Returns what tells the key from others, and nothing about it: 16 hexadecimal digits."""
    return keyed("mark", "")[:16]
