"""Says which network addresses may be connected to: public ones, and this machine's own where that is allowed.

People give addresses (custom URLs), and what they name is resolved by whoever owns the name. An address that leads into
the network of this machine would let them ask what only this machine can reach. `ipaddress` alone does not tell: its
`is_private` lets 100.64.0.0/10, 64:ff9b::/96, 2002::/16 and multicast pass, its `is_global` some of them.

Source: IANA's registries of special-purpose addresses, https://www.iana.org/assignments/iana-ipv6-special-registry/
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\Z")

_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
# Of IPv6 this block alone is handed out; mapped, compatible, translated (NAT64), link-local, site-local and multicast
# addresses lie outside of it.
_HANDED_OUT = ipaddress.ip_network("2000::/3")
_SPECIAL = tuple(
    ipaddress.ip_network(block)
    for block in (
        "100.64.0.0/10",  # shared by the customers of a carrier
        "192.88.99.0/24",  # relays of 6to4
        "192.0.0.0/24",  # of protocols
        "198.18.0.0/15",  # of benchmarks
        "2001::/23",  # of protocols: Teredo and others that carry an IPv4 address
        "2001:db8::/32",  # of documents
        "2002::/16",  # 6to4 carries an IPv4 address
        "3fff::/20",  # of documents
    )
)


@dataclass(frozen=True, slots=True)
class PrivateHosts:
    """Holds which hosts may be asked though they are not public: names, and blocks of addresses."""

    names: frozenset[str] = frozenset()
    blocks: tuple[IpNetwork, ...] = ()

    @classmethod
    def read(cls, entries: Iterable[str]) -> Self:
        """Reads host names, addresses and networks such as ``10.1.0.0/16``.

        Raises:
            ValueError: one is none of these.
        """
        names, blocks = set(), []
        for entry in entries:
            try:
                blocks.append(ipaddress.ip_network(entry))
            except ValueError:
                name = entry.lower().rstrip(".")
                if _NAME.match(name) is None or is_odd_number(name):
                    raise ValueError(f"{entry!r} is no host name, address or network") from None
                names.add(name)
        return cls(frozenset(names), tuple(blocks))

    def entries(self) -> list[str]:
        """Returns what `read` takes."""
        return [*sorted(self.names), *map(str, self.blocks)]

    def permit(self, host: str, address: IpAddress) -> bool:
        """Returns whether an address may be connected to.

        Args:
            host: the name or address that was asked for.
            address: what it was looked up to be.
        """
        return host.lower().rstrip(".") in self.names or _within(address, self.blocks)


NO_PRIVATE_HOSTS = PrivateHosts()


def is_loopback(host: str) -> bool:
    """Returns whether `host` (no port, no brackets) is this machine by its very name: 127/8, ::1, localhost."""
    if host.lower() == "localhost":
        return True
    address = as_address(host)
    return address is not None and _within(address, _LOOPBACK)


def as_address(host: str) -> IpAddress | None:
    """Returns the address that `host` spells in the one plain way; None for a name and for any other spelling."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_odd_number(host: str) -> bool:
    """Returns whether programs read `host` as an IPv4 address that is not written as four decimal numbers.

    A name never ends in a number, and what does is an address: 0x7f.1, 2130706433, 127.1, 0177.0.0.1.

    Source: https://url.spec.whatwg.org/#ends-in-a-number-checker
    """
    last = host.rstrip(".").rpartition(".")[2]
    return as_address(host) is None and re.fullmatch(r"[0-9]+|0[xX][0-9a-fA-F]*", last) is not None


def may_be_asked(address: IpAddress, *, allow_loopback: bool) -> bool:
    """Returns whether a connection to this address may be made.

    Args:
        address: the very address that is connected to, never a name.
        allow_loopback: whether 127.0.0.0/8 and ::1 may be, for a Zoho of one's own on this machine.
    """
    if _within(address, _LOOPBACK):
        return allow_loopback
    if isinstance(address, ipaddress.IPv6Address) and (address not in _HANDED_OUT or address.scope_id is not None):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved and not _within(address, _SPECIAL)


def refusal_of(host: str, *, allow_loopback: bool) -> str:
    """Returns why a host that a person gave is refused by its spelling alone, for people; "" where it is not."""
    if is_loopback(host):
        return "" if allow_loopback else "this machine's own addresses are asked with ALLOW_LOOPBACK=true only"
    if is_odd_number(host):
        return "an address is written as four decimal numbers with dots; a host name is better"
    address = as_address(host)
    if address is not None and not may_be_asked(address, allow_loopback=allow_loopback):
        return "only public addresses are asked; a host name is better"
    return ""


def _within(address: IpAddress, blocks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    return any(address in block for block in blocks)
