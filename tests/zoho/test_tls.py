"""TLS: a certificate that is not trusted ends the call before anything is sent."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from monitor.zoho import FlowClient, NotSent, Transport

from .helpers import Tokens


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody signed but itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(private + certificate.public_bytes(pem))
    return path


@contextmanager
def server(talk: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[int]]]:
    """A server that hands each connection to `talk`; gives its origin and one entry a connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen: list[int] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            seen.append(1)
            with connection:
                connection.settimeout(5)
                try:
                    talk(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"https://localhost:{listener.getsockname()[1]}", seen
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(6)


def test_a_certificate_that_nobody_signed_is_never_accepted_and_nothing_is_sent(self_signed):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed)
    received: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            received.append(tls.recv(65536))

    with server(talk) as (origin, seen), Transport(allow_loopback=True, total=5.0) as transport:
        with pytest.raises(NotSent) as error:
            FlowClient(transport, origin, Tokens()).list_flows()
        assert seen == [1]  # another try cannot mend it
    assert "certificate" in error.value.hint
    assert [chunk for chunk in received if chunk] == []


def test_something_that_does_not_speak_tls_is_proof_that_nothing_was_sent():
    def talk(connection: socket.socket) -> None:
        connection.recv(1)
        connection.sendall(b"this is not TLS at all\r\n")
        connection.recv(65536)

    with (
        server(talk) as (origin, _),
        Transport(allow_loopback=True, total=5.0, repeats=1) as transport,
        pytest.raises(NotSent),
    ):
        FlowClient(transport, origin, Tokens()).retry_execution("7", "1")


def test_a_handshake_that_never_ends_is_left_at_the_time_out():
    def talk(connection: socket.socket) -> None:
        while connection.recv(65536):
            continue

    with (
        server(talk) as (origin, _),
        Transport(allow_loopback=True, connect=0.3, repeats=1) as transport,
        pytest.raises(NotSent),
    ):
        FlowClient(transport, origin, Tokens()).retry_execution("7", "1")
