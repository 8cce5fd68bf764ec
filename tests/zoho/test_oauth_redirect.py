"""The way back from Zoho's consent page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.zoho import DATA_CENTERS, BadAnswer, Refused, ZohoError, custom_origins
from monitor.zoho.oauth_redirect import read_redirect

from .helpers import fuzzed

STATE = "s3ssion-state"
US = DATA_CENTERS["us"]
OWN = custom_origins("http://127.0.0.1:8001", None, "http://127.0.0.1:8003", allow_loopback=True)


def back(**more: str) -> dict[str, str]:
    return {"code": "1000.code", "state": STATE, **{name.replace("_", "-"): value for name, value in more.items()}}


def test_a_code_comes_back_and_is_not_in_the_repr():
    redirect = read_redirect(back(location="us", accounts_server="https://accounts.zoho.com"), state=STATE, origins=US)
    assert (redirect.code, redirect.data_center, redirect.location) == ("1000.code", None, "us")
    assert "1000.code" not in repr(redirect)


def test_a_person_at_home_in_another_data_centre_is_sent_there():
    redirect = read_redirect(back(location="in", accounts_server="https://accounts.zoho.in"), state=STATE, origins=US)
    assert redirect.data_center == "in"


@pytest.mark.parametrize(
    "server", ["https://accounts.zoho.com.example.com", "http://accounts.zoho.com", "https://evil.example.com", "x"]
)
def test_an_accounts_server_that_is_not_zohos_is_never_believed(server):
    with pytest.raises(BadAnswer, match="none of Zoho's") as error:
        read_redirect(back(accounts_server=server), state=STATE, origins=US)
    assert server not in str(error.value)


def test_an_account_of_ones_own_addresses_stays_with_them():
    own = back(accounts_server="http://127.0.0.1:8001")
    assert read_redirect(own, state=STATE, origins=OWN).data_center is None
    assert read_redirect(back(), state=STATE, origins=OWN).data_center is None
    with pytest.raises(BadAnswer):
        read_redirect(back(accounts_server="https://accounts.zoho.com"), state=STATE, origins=OWN)


@pytest.mark.parametrize("given_state", ["", "other", "s3ssion-stat", "s3ssion-statä"])
def test_a_redirect_of_another_session_is_refused(given_state):
    with pytest.raises(Refused, match="session"):
        read_redirect({**back(), "state": given_state}, state=STATE, origins=US)
    with pytest.raises(Refused, match="session"):
        read_redirect({**back(), "state": ""}, state="", origins=US)


def test_a_person_who_says_no_is_an_answer():
    with pytest.raises(Refused, match="access_denied") as error:
        read_redirect({"error": "access_denied", "state": STATE}, state=STATE, origins=US)
    assert error.value.code == "access_denied"


@pytest.mark.parametrize("code", ["", " ", "x" * 501, "a\nb", "cödé"])
def test_without_a_usable_code_there_is_nothing_to_exchange(code):
    with pytest.raises(BadAnswer):
        read_redirect({**back(), "code": code}, state=STATE, origins=US)


@fuzzed()
@given(st.dictionaries(st.sampled_from(["code", "state", "error", "location", "accounts-server"]), st.text()))
def test_any_query_is_a_redirect_or_one_error_of_the_tree(params):
    try:
        redirect = read_redirect({"state": STATE, **params}, state=STATE, origins=US)
    except ZohoError:
        return
    assert redirect.code
