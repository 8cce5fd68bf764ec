"""Reads sessions as Django's own does, by a statement that is put together once: each page asks it."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from monitor.models.prepared import Prepared

_BY_KEY = Prepared(lambda key: Session.objects.filter(session_key=key), str)


class SessionStore(db.SessionStore):
    """Keeps sessions in the database."""

    def _get_session_from_db(self) -> Any:
        """Returns the stored session; one that has ended or is not there becomes a new one."""
        found = _BY_KEY.first(str(self.session_key))
        if found is not None and found.expire_date > timezone.now():
            return found
        self._session_key = None
        return None
