"""Lets a process connect to public hosts and permitted ones only, whatever library does it. Pure, but for the check.

It is an audit hook of Python's: `socket.connect` is raised for every connection with the very address, after the name
was looked up, so that neither a redirect nor a name that resolves otherwise the second time goes round it.

Source: https://docs.python.org/3/library/audit_events.html
"""

from __future__ import annotations

from typing import Any

from monitor.public_addresses import PrivateHosts, as_address, may_be_asked

_LOOKED_UP = "socket.getaddrinfo"
_CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"})
_PROGRAMS = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "pty.spawn"}
)


class HostRefused(OSError):  # noqa: N818 - named for what happened
    """Says that nothing may be asked under a name, in the same words whether it has a private address or none."""


class Guard:
    """Is the audit hook of a process that talks to one server.

    Args:
        private_hosts: what may be asked though it is not public.
    """

    def __init__(self, private_hosts: PrivateHosts) -> None:
        self._private_hosts = private_hosts
        self._host = ""

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """Checks an event.

        Raises:
            HostRefused: it would lead to where nothing may be asked.
            PermissionError: it would start a program.
        """
        if event == _LOOKED_UP:
            self._host = args[0].decode("ascii", "replace") if isinstance(args[0], bytes) else str(args[0] or "")
        elif event in _CONNECTS:
            self._check(args[1])
        elif event in _PROGRAMS:
            raise PermissionError("no program is started from here")

    def _check(self, place: Any) -> None:
        address = as_address(str(place[0])) if isinstance(place, tuple) and place else None
        if address is None or not self._permits(str(place[0]), address):
            raise HostRefused("no public address is known for this host")

    def _permits(self, spelled: str, address: Any) -> bool:
        host = self._host if as_address(self._host) is None else spelled
        return self._private_hosts.permit(host, address) or may_be_asked(address, allow_loopback=False)
