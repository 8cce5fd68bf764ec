"""Zoho's own SDK as a client, a stand-in on loopback, and nothing else within reach."""

from __future__ import annotations

import logging
import socket
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    # Of the SDK's 1,700 classes some warn while they are imported; they are not ours to mend.
    warnings.simplefilter("ignore")
    from zohocrmsdk.src.com.zoho.api.authenticator.oauth_token import OAuthToken
    from zohocrmsdk.src.com.zoho.crm.api.dc.data_center import DataCenter
    from zohocrmsdk.src.com.zoho.crm.api.initializer import Initializer
    from zohocrmsdk.src.com.zoho.crm.api.sdk_config import SDKConfig

from standin.build import App, Credentials
from tests.conformance.places import place_on_a_socket

LOCAL = {"127.0.0.1", "localhost", "::1"}


@pytest.fixture(autouse=True)
def refused_hosts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names that somebody wanted to look up beyond this machine: none is, and each is noted.

    Connecting is guarded for all tests (tests/conftest.py); a look-up would already tell a name server.
    """
    look_up, refused = socket.getaddrinfo, []

    def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name not in LOCAL:
            refused.append(name)
            raise OSError(f"only loopback is allowed, not {name}")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", guarded)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return refused


@dataclass
class Sdk:
    """The SDK, turned to one address."""

    base_url: str
    folder: Path

    def start(self, token: Any, store: Any = None, *, follow_api_domain: bool = False) -> Any:
        """Initializes it; gives the token that it uses from now on."""
        base = self.base_url
        Initializer.initialize(
            environment=DataCenter.Environment(base, base + "/oauth/v2/token", base),
            token=token,
            store=store,
            sdk_config=SDKConfig(connect_timeout=3, read_timeout=10, update_api_domain=follow_api_domain),
            resource_path=str(self.folder),
        )
        return Initializer.get_initializer().token

    @property
    def url(self) -> str:
        """Where it would call next."""
        return str(Initializer.get_initializer().environment.url)


@pytest.fixture
def place() -> Iterator[tuple[App, str]]:
    with place_on_a_socket() as found:
        yield found


@pytest.fixture
def app(place: tuple[App, str]) -> App:
    return place[0]


@pytest.fixture
def base_url(place: tuple[App, str]) -> str:
    return place[1]


@pytest.fixture
def sdk(base_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sdk]:
    """The SDK for one test; it keeps itself in class attributes and writes where it stands."""
    monkeypatch.chdir(tmp_path)
    yield Sdk(base_url, tmp_path)
    Initializer.initializer = None
    Initializer.LOCAL.init = None
    logger = logging.getLogger("SDKLogger")
    for handler in [*logger.handlers]:
        logger.removeHandler(handler)
        handler.close()


@pytest.fixture
def refresh_token() -> Callable[..., Any]:
    """A token as the SDK wants it, with the stand-in's credentials: by refresh token unless told otherwise."""

    def make(**changes: Any) -> Any:
        known = Credentials()
        given = {"client_id": known.client_id, "client_secret": known.client_secret, "find_user": False}
        if not {"grant_token", "id", "user_signature"} & set(changes):
            given["refresh_token"] = known.refresh_token
        return OAuthToken(**given | changes)

    return make
