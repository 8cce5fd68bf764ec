"""Says which addresses are this machine only."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Returns whether a host given by a person is this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
