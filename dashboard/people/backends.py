"""Finds the person of a session, by a statement that is put together once: each page asks it."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend

from monitor.models import User
from monitor.models.prepared import Prepared

_BY_KEY = Prepared(lambda key: User.objects.filter(pk=key), int)


class PersonBackend(AuthenticationBackend):  # type: ignore[misc]
    """Signs people in as allauth does."""

    def get_user(self, user_id: Any) -> User | None:
        """Returns the person with this key, if they may sign in."""
        user: User | None = _BY_KEY.first(int(user_id))
        return user if user is not None and self.user_can_authenticate(user) else None
