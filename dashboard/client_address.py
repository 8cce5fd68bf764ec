"""Finds the address that a request came from, past the proxies that `TRUSTED_PROXIES` names. Pure but for `of`.

`X-Forwarded-For` is a list to which each proxy adds at the right end whom it was asked by; what stands left of the
trusted proxies' own words, anybody may have written. So it is read from the right, and only as far as trust goes.
See https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/X-Forwarded-For
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from django.conf import settings
from django.http import HttpRequest

MOST_PROXIES = 10
_MOST_READ = 50  # entries of a header: more were never added by proxies
# By which a proxy shows that it asks for somebody else.
_FORWARDING = ("X_FORWARDED_FOR", "X_FORWARDED_PROTO", "X_FORWARDED_HOST", "X_REAL_IP", "FORWARDED")
_WITH_PORT = re.compile(r"\[(?P<six>[^\]]*)\](?::\d+)?|(?P<four>[0-9.]+)(?::\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Trust:
    """Says which proxies are believed about whom they were asked by: a number of them, or those of some networks."""

    count: int = 0
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def __bool__(self) -> bool:
        """Returns whether any proxy is trusted."""
        return bool(self.count or self.networks)

    def includes(self, address: IPv4Address | IPv6Address) -> bool:
        """Returns whether an address is a trusted proxy's, by the networks."""
        return any(address in network for network in self.networks)


NOBODY = Trust()


def read_trust(text: str) -> Trust:
    """Reads `TRUSTED_PROXIES`: a number of proxies, or their addresses and networks, comma-separated.

    Raises:
        ValueError: neither; its text says in a few words what is expected.
    """
    if re.fullmatch(r"[0-9]{1,3}", text):
        if int(text) > MOST_PROXIES:
            raise ValueError(f"at most {MOST_PROXIES} proxies stand in front of a server")
        return Trust(count=int(text))
    networks = []
    for word in filter(None, (word.strip() for word in text.split(","))):
        try:
            network = ipaddress.ip_network(word)
        except ValueError:
            raise ValueError(
                "a number of proxies, or their addresses and networks such as 127.0.0.1, 10.0.0.0/8"
            ) from None
        if network.prefixlen == 0:
            raise ValueError(f"{word} would believe everybody")
        networks.append(network)
    return Trust(networks=tuple(networks))


def find_client(peer: str, forwarded_for: str, trust: Trust) -> str:
    """Finds the client's address.

    Args:
        peer: who is connected, with or without a port.
        forwarded_for: the value of `X-Forwarded-For`, several headers joined by commas.
        trust: which proxies are believed.

    Returns:
        The address in its one spelling; "" where the peer has none, such as a local socket.
    """
    return str(_go_back(peer, forwarded_for, trust)[0] or "")


def _go_back(peer: str, forwarded_for: str, trust: Trust) -> tuple[IPv4Address | IPv6Address | None, int]:
    """Goes back as many hops as there are trusted proxies, or to the first that can be read where a hop is missing.

    Returns:
        The address there, and how many entries stand further left, which nobody who is trusted vouches for.
    """
    nearest = read_address(peer)
    told = [read_address(entry) for entry in forwarded_for.split(",")[-_MOST_READ:]] if forwarded_for else []
    hops = 0
    while told and (hops < trust.count or (nearest is not None and trust.includes(nearest))):
        before = told[-1]
        if before is None:  # no address: what stands further left is not believed either
            break
        nearest = before
        hops += 1
        told.pop()
    return nearest, len(told)


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """Reads an address without its port and zone; one of IPv4 within IPv6 as IPv4. None where it is none."""
    text = text.strip()
    if found := _WITH_PORT.fullmatch(text):
        text = found["six"] if found["six"] is not None else found["four"]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def network_of(address: str) -> str:
    """Returns what one subscriber has as a rule: an address of IPv4, the /64 of one of IPv6. Limits count by it.

    Source: https://www.rfc-editor.org/rfc/rfc6177
    """
    found = read_address(address)
    if isinstance(found, IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found or "")


def of(request: HttpRequest) -> str:
    """Finds the address that a request of Django's came from, as `find_client` does."""
    return find_client(*_asked_by(request))


def _asked_by(request: HttpRequest) -> tuple[str, str, Trust]:
    return (
        request.META.get("REMOTE_ADDR", ""),
        request.META.get("HTTP_X_FORWARDED_FOR", ""),
        settings.TRUSTED_PROXIES,
    )


def seems_to_be_a_proxy(request: HttpRequest) -> bool:
    """Returns whether somebody near, on this machine or its private network, forwards a request of somebody else."""
    peer = read_address(request.META.get("REMOTE_ADDR", ""))
    return "HTTP_X_FORWARDED_FOR" in request.META and peer is not None and peer.is_private


def may_be_shared(request: HttpRequest) -> bool:
    """Returns whether the address that `of` finds may be a proxy's that is not trusted, and so everybody's behind it.

    Whoever adds such a header without being a proxy loses by it: nobody is known by such an address.
    """
    if not comes_from_a_trusted_proxy(request):
        return any(f"HTTP_{name}" in request.META for name in _FORWARDING)
    return _go_back(*_asked_by(request))[1] > 0


def comes_from_a_trusted_proxy(request: HttpRequest) -> bool:
    """Returns whether the one who is connected is a trusted proxy, whose other headers may be believed too."""
    return is_trusted(request.META.get("REMOTE_ADDR", ""), settings.TRUSTED_PROXIES)


def is_trusted(peer: str, trust: Trust) -> bool:
    """Returns whether the one who is connected is a trusted proxy."""
    address = read_address(peer)
    return trust.count > 0 or (address is not None and trust.includes(address))
