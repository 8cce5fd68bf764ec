"""Makes digests under a key of this installation: of what could be guessed from a plain one, such as a short id.

The key is derived from the setting `SECRET_KEY`, which is not in the database. With another one every digest is
another; `mark` tells by which they were made (docs/operations.md, "Replacing the secret key").
"""

from __future__ import annotations

from django.utils.crypto import salted_hmac

_SALT = "monitor.triage"
_SHORT_MARK, _MARKED = 8, 32  # hexadecimal digits: 96 bits are left of what is digested


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


def marked(purpose: str, said: str) -> str:
    """Returns a digest of 32 hexadecimal digits that bears the beginning of its key's mark; arguments as of `keyed`."""
    return f"{mark()[:_SHORT_MARK]}{keyed(purpose, said)}"[:_MARKED]


def is_of_another_key(digest: str) -> bool:
    """Returns whether what `marked` made was made under another key: then nothing of now can equal it."""
    return bool(digest) and not digest.startswith(mark()[:_SHORT_MARK])
