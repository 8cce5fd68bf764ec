"""Where Zoho lives, and which addresses of one's own are taken."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.zoho import DATA_CENTERS, Origins, allowed_api_domain, custom_origins
from monitor.zoho.datacenters import data_center_of_accounts_server, elsewhere, known_api_host

from .helpers import fuzzed


def test_there_are_ten_data_centres_and_four_of_them_without_flow():
    assert set(DATA_CENTERS) == {"us", "eu", "in", "au", "jp", "ca", "cn", "sa", "uk", "ae"}
    assert {key for key, origins in DATA_CENTERS.items() if origins.flow is None} == {"cn", "sa", "uk", "ae"}
    assert DATA_CENTERS["ca"].accounts == "https://accounts.zohocloud.ca"


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [
        ("https://accounts.example.com", "https://accounts.example.com"),
        ("https://Accounts.Example.com/", "https://accounts.example.com"),
        ("https://accounts.example.com:443", "https://accounts.example.com"),
        ("https://accounts.example.com:8443", "https://accounts.example.com:8443"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://localhost:8001", "http://localhost:8001"),
        ("http://[::1]:8001", "http://[::1]:8001"),
    ],
)
def test_an_origin_is_kept_in_one_spelling(given_text, kept):
    assert custom_origins(given_text, given_text, None, allow_loopback=True) == Origins(kept, kept, None)


@pytest.mark.parametrize(
    "bad",
    [
        "https://accounts%2Eexample.com",
        "https://accounts%2F.example.com",
        "https://acc*unts.example.com",
        "",
        "accounts.zoho.com",
        "//accounts.zoho.com",
        "ftp://accounts.zoho.com",
        "https://",
        "https://user:pass@accounts.zoho.com",
        "https://@accounts.zoho.com",
        "https://accounts.zoho.com/oauth",
        "https://accounts.zoho.com?x=1",
        "https://accounts.zoho.com?",
        "https://accounts.zoho.com#",
        "https://accounts.zoho.com:99999",
        "https://accounts.zoho.com:0",
        "https://accounts.zoho.com\\.example.com",
        "https://accounts zoho.com",
        "http://accounts.zoho.com",
        "http://localhost.example.com",
        "http://128.0.0.1",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "https://[::1",
        "https://bücher.example",
        "https://xn--a.example",
        "https://xn--.example",
        "https://xn--xn--bcher-kva.example",
        "https://xn--bcher-kva._",
    ],
)
def test_anything_else_is_refused_with_one_clear_line(bad):
    with pytest.raises(ValueError, match=r"^accounts URL: ") as refusal:
        custom_origins(bad, "https://flow.example.com", None, allow_loopback=True)
    assert "\n" not in str(refusal.value)


def test_an_account_without_flow_and_crm_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        custom_origins("https://accounts.example.com", "", None)


@fuzzed()
@given(st.text(max_size=60))
def test_any_text_is_an_origin_or_a_value_error(text):
    try:
        origins = custom_origins(text, text, None)
    except ValueError:
        return
    assert origins.accounts.startswith(("https://", "http://"))


NEARLY_NAMES = st.lists(
    st.sampled_from(["xn--", "a", "-", "--", ".", "bcher-kva", "_", "443", ":", "[", "]", "1", "é"]), max_size=6
)


@fuzzed(400)
@given(NEARLY_NAMES.map("".join))
def test_whatever_is_taken_for_an_origin_a_request_can_be_made_to(host: str) -> None:
    try:
        origins = custom_origins(f"https://{host}", f"https://{host}", None)
    except ValueError as error:
        told = str(error)
    else:
        told = f"accounts URL: {httpx.Request('GET', origins.accounts).url.host}"
    assert told.startswith("accounts URL: ")


def test_a_token_may_only_name_the_crm_host_of_its_own_account():
    us = DATA_CENTERS["us"]
    assert allowed_api_domain(us, "https://www.zohoapis.com")
    assert allowed_api_domain(us, "https://zohoapis.com")
    for other in ("https://www.zohoapis.eu", "http://www.zohoapis.com", "https://zohoapis.com.example.com", "", "x"):
        assert not allowed_api_domain(us, other)
    assert not allowed_api_domain(Origins("https://accounts.example.com", None, None), "https://www.zohoapis.com")


def test_only_zohos_own_accounts_servers_are_known():
    assert data_center_of_accounts_server("https://accounts.zoho.in") == "in"
    assert data_center_of_accounts_server("https://accounts.zohocloud.ca/") == "ca"
    assert data_center_of_accounts_server("https://accounts.zoho.in.example.com") is None
    assert data_center_of_accounts_server("accounts.zoho.in") is None


@pytest.mark.parametrize(
    ("address", "data_center", "kind"),
    [
        ("https://www.zohoapis.com", "us", "production"),
        ("https://zohoapis.eu/", "eu", "production"),
        ("https://sandbox.zohoapis.com", "us", "sandbox"),
        ("https://sandbox.zohoapis.com.au", "au", "sandbox"),
        ("https://developer.zohoapis.uk", "uk", "developer"),
        ("https://www.zohoapis.ae", "ae", "production"),
    ],
)
def test_an_api_address_of_zohos_says_data_centre_and_kind(address: str, data_center: str, kind: str) -> None:
    found = known_api_host(address)
    assert found is not None
    assert (found.data_center, found.kind) == (data_center, kind)


@pytest.mark.parametrize(
    "address",
    ["", "https://zohoapis.com.evil.example", "http://www.zohoapis.com", "https://sandboxzohoapis.com", "zohoapis.com"],
)
def test_no_other_address_says_anything(address: str) -> None:
    assert known_api_host(address) is None


LOOPBACK = Origins("http://127.0.0.1:9", None, "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("origins", "api_domain", "words", "is_certain"),
    [
        (DATA_CENTERS["us"], "https://sandbox.zohoapis.com", "for a sandbox organisation", True),
        (DATA_CENTERS["us"], "https://www.zohoapis.eu", "choose the data centre EU", True),
        (DATA_CENTERS["us"], "https://api.zoho.example", "connect with custom URLs", False),
        (LOOPBACK, "https://sandbox.zohoapis.com", "for a sandbox organisation", False),
        (LOOPBACK, "https://www.zohoapis.com", "choose the data centre US", False),
    ],
)
def test_a_grant_for_another_address_says_where_it_belongs(
    origins: Origins, api_domain: str, words: str, is_certain: bool
) -> None:
    found = elsewhere(origins, api_domain)
    assert found is not None
    assert words in found.hint
    assert found.is_certain is is_certain


@pytest.mark.parametrize(
    ("origins", "api_domain"),
    [
        (DATA_CENTERS["us"], "https://www.zohoapis.com"),
        (DATA_CENTERS["us"], "https://zohoapis.com"),
        (DATA_CENTERS["us"], None),
        (DATA_CENTERS["us"], "call 555 to fix your account"),
        (Origins("https://a.example.com", "https://f.example.com", None), "https://sandbox.zohoapis.com"),
        (LOOPBACK, "http://127.0.0.1:9"),
    ],
)
def test_a_grant_for_the_accounts_own_address_says_nothing(origins: Origins, api_domain: str | None) -> None:
    assert elsewhere(origins, api_domain) is None
