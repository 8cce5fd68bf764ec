"""Opens the network towards Zoho, as far as the settings let it reach."""

from __future__ import annotations

from django.conf import settings

from monitor.zoho.transport import Transport


def open_transport(total: float) -> Transport:
    """Opens a transport; use it in a `with`.

    Args:
        total: seconds that a call may take with its repeats.
    """
    return Transport(total=total, allow_loopback=settings.ALLOW_LOOPBACK)
