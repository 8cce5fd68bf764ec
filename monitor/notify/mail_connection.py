"""Holds the connection to the mail server."""

from __future__ import annotations

import logging
from typing import Any

from django.core.mail import EmailMessage, get_connection

from monitor.notify.smtp_answers import SendOutcome, classify

logger = logging.getLogger(__name__)


class _NothingTakenError(OSError):
    """Says that the backend took no message and did not say why."""


class Mailer:
    """Sends over one connection, opened when it is needed and again after a failure."""

    def __init__(self) -> None:
        self._backend: Any = None

    def send(self, message: EmailMessage) -> SendOutcome | None:
        """Sends a message.

        Args:
            message: to one recipient; a server's refusal of one among several would stay unseen.

        Returns:
            None where the server took it; else why not.
        """
        if self._backend is None:
            backend = get_connection()
            try:
                # Opened here, so that the backend does not close it after each message and a QUIT gone wrong
                # is not taken for a message gone wrong.
                backend.open()
            except Exception as error:  # noqa: BLE001 - whatever keeps us out, it is told and no message is to blame
                _close_quietly(backend)
                return classify(error, connected=False)
            self._backend = backend
        try:
            if not self._backend.send_messages([message]):
                raise _NothingTakenError("the mail backend took no message")
        except Exception as error:  # noqa: BLE001 - whatever one message does, the others must go out
            self.close()
            return classify(error, connected=True)
        return None

    def close(self) -> None:
        backend, self._backend = self._backend, None
        if backend is not None:
            _close_quietly(backend)


def _close_quietly(backend: Any) -> None:
    try:
        backend.close()
    except OSError as error:  # SMTPException is one
        logger.debug("closing the mail connection: %s", type(error).__name__)
