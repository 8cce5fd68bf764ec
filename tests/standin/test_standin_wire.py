"""Troubles on the wire itself, over real sockets."""

import threading
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from standin.build import black_hole, closed_port, serving
from tests.standin.client import Client, flow_id, token_form

FLOWS = "/api/v1/flows"


@pytest.fixture
def wired(app):
    """A client of the stand-in over loopback, with short time-outs."""
    with serving(app) as base_url, Client(app, transport=None, base_url=base_url, timeout=20) as client:
        yield client


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("close", httpx.RemoteProtocolError),
        ("reset", httpx.ReadError),
        ("cut_reset", httpx.ReadError),
        ("cut_length", httpx.RemoteProtocolError),
        ("cut_chunked", httpx.RemoteProtocolError),
    ],
)
def test_a_lost_connection_looks_as_it_should(wired, kind, error):
    wired.fault(kind, "/flows")
    with pytest.raises(error):
        wired.get(FLOWS)
    assert wired.get(FLOWS).status_code == 200


def test_a_body_cut_without_length_looks_complete_and_is_not(wired):
    wired.fault("cut_unsized", "/flows", args={"share": 0.5})
    answer = wired.get(FLOWS)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()


def test_a_call_that_is_never_answered_ends_by_the_callers_time_out(wired):
    wired.fault("hang", "/flows")
    with pytest.raises(httpx.ReadTimeout):
        wired.get(FLOWS, timeout=0.2)


def test_a_slow_drip_keeps_every_single_read_below_the_time_out(wired):
    wired.fault("drip", "/flows", args={"interval": 0.001, "chunk": 40})
    assert wired.get(FLOWS, timeout=10).json()["status"] == "success"


def test_an_answer_can_be_late(wired):
    wired.fault("delay", "/flows", args={"seconds": 0.01})
    assert wired.get(FLOWS).json()["status"] == "success"


def test_a_retry_whose_answer_is_lost_has_run(wired, app):
    row = wired.failed(flow_id(app, "sick"))
    wired.fault("reset", "/retry")
    with pytest.raises(httpx.ReadError):
        wired.post(f"/api/v1/flows/{row['flow_id']}/executions/{row['execution_id']}/retry")
    assert len(wired.ledger()["runs_caused"][row["execution_id"]]) == 1
    wired.fault("reset", "/retry", args={"ran": False})
    with pytest.raises(httpx.ReadError):
        wired.post(f"/api/v1/flows/{row['flow_id']}/executions/{row['execution_id']}/retry")
    ledger = wired.ledger()
    assert len(ledger["runs_caused"][row["execution_id"]]) == 1
    assert ledger["retries_received"][row["execution_id"]] == 2


def test_a_token_whose_answer_is_lost_was_issued(wired):
    wired.fault("reset", "/oauth/v2/token")
    with pytest.raises(httpx.ReadError):
        wired.post("/oauth/v2/token", data=token_form())
    assert wired.ledger()["tokens_issued"] == 2


def test_sixteen_refreshes_at_once_are_counted_one_by_one(app):
    with serving(app) as base_url:
        answers = []

        def refresh():
            answers.append(httpx.post(base_url + "/oauth/v2/token", data=token_form(), timeout=10).json())

        threads = [threading.Thread(target=refresh) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({answer.get("access_token") for answer in answers}) == 11
    assert dict(app.ledger.token_posts) == {"issued": 10, "Access Denied": 6}


def test_a_chunked_request_is_read_whole(wired):
    form = "&".join(f"{name}={value}" for name, value in token_form().items()).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = wired.post("/oauth/v2/token", content=iter([form[:20], form[20:]]), headers=headers)
    assert "access_token" in answer.json()


def test_a_closed_port_refuses_and_a_black_hole_swallows():
    with closed_port() as base_url, pytest.raises(httpx.ConnectError):
        httpx.get(base_url)
    with black_hole() as base_url, pytest.raises(httpx.ConnectTimeout):
        httpx.get(base_url, timeout=0.2)


def test_a_certificate_that_nobody_trusts_is_refused_by_a_careful_client(app, tmp_path):
    with serving(app, tls=untrusted(tmp_path)) as base_url:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(base_url + "/oauth/serverinfo")
        assert httpx.get(base_url + "/oauth/serverinfo", verify=False).status_code == 200  # noqa: S501
    assert len(app.ledger.calls) == 1


def untrusted(folder):
    """A TLS context with a certificate of our own making."""
    import ssl

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in.example.com")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(private + certificate.public_bytes(encoding))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
