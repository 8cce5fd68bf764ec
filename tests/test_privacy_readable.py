"""What protects nobody stays readable: names, plain sentences, codes, dates, amounts, and what a log needs."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.logs import LineFormatter
from monitor import privacy
from monitor.models import Execution, Flow
from monitor.privacy import mask_log, mask_name, mask_text
from monitor.queries.export import exports


@pytest.mark.parametrize(
    "name",
    ["Email: new lead to CRM", "Account: nightly sync", "Owner = Sales", "Zip/City: clean up", "Phone: 24 h check",
     "Name: Token, value: 5"],
)  # fmt: skip
def test_the_name_of_a_flow_keeps_its_words(name: str) -> None:
    assert mask_name(name) == name


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("Mails to jo@example.com", "jo@"),
        ("Sync token=abkq", "abkq"),
        ("Sync password: hunterk2", "hunterk2"),
        ("Sync apikey = abkq", "abkq"),
        ("Call https://a.example/x/abkq", "abkq"),
        ("From 203.0.113.77", "203.0"),
        (f"Use 1000.{'8cbk9d' * 4}", "8cbk9d"),
    ],
)
def test_the_name_of_a_flow_loses_secrets_and_addresses(name: str, secret: str) -> None:
    assert secret not in mask_name(name)


@pytest.mark.parametrize(
    "text",
    ["Authorization failed for app Slack", "authorization has expired, reconnect", "access_token is invalid",
     "the refresh_token has been revoked", "Bearer token expired", "basic authentication is switched off"],
)  # fmt: skip
def test_a_sentence_about_signing_in_keeps_its_words(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("access_token abkq12", "abkq12"),
        ("authorization   abcdefghijklmnopqr", "abcdefgh"),
        ("authorization=abkq", "abkq"),
        ("authorization" + " " * 50 + ": abkq", "abkq"),
        ("refresh_token: abkq", "abkq"),
    ],
)
def test_what_looks_like_a_secret_behind_its_name_goes(text: str, secret: str) -> None:
    assert secret not in mask_text(text)
    assert secret not in mask_log(text)


@pytest.mark.parametrize(
    "code",
    ["ERROR_429_TOO_MANY_REQUESTS", "INVALID_OAUTH2_TOKEN_SCOPE", "HTTP_400_BAD_REQUEST_FROM_ZOHO_CRM",
     "request-failed-after-24h-of-waiting"],
)  # fmt: skip
def test_a_code_of_words_and_numbers_stays_readable(code: str) -> None:
    assert mask_text(code) == code
    assert mask_name(code) == code


@pytest.mark.parametrize(
    "token",
    ["abcdefgh1234_and_more_words", "key-abcdefghij-12345x", "abcdefghijklmnopqrst1", "ABCDEFGHIJ-KLMNOPQR12-ST",
     "12345678-1234-41d4-a716-446655440000", "aBcDeFgHiJ_12345_kLmNoP"],
)  # fmt: skip
def test_a_key_with_signs_between_its_pieces_is_hidden(token: str) -> None:
    assert token not in mask_text(f"refused {token} today")


@pytest.mark.parametrize(
    "text",
    ["2025-01-22T09:15:33Z", "2025-01-22 09:15:33", "22.01.2025", "Failed to create contact", "1234.50", "HTTP 400",
     "v1.2.3", "at 5 @ noon", "Quota resets on 2026-11-22", "retry at 2026-11-22 10:05", "took 12345.678901 s",
     "limit 50000000 exceeded", "quota of 2500000 calls", "50000000 bytes were sent", "maximum: 1500000"],
)  # fmt: skip
def test_dates_amounts_and_plain_words_stay_readable(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("contact 12345000000567891", "12345000000567891"),
        ("case 50000000 is closed", "50000000"),
        ("limit 4915112345678", "4915112345678"),
        ("limit 4111111111111111", "4111111111111111"),
        ("call 0151-12-34567", "34567"),
        ("call 0151.123456", "123456"),
        ("call 9999-88-77", "9999"),
        ("amount DE89 3704 0044 0532 0130 00", "3704"),
    ],
)
def test_other_long_numbers_are_hidden(text: str, number: str) -> None:
    assert number not in mask_text(text)


@pytest.mark.parametrize("address", ["10.0.0.1", "10.0.0.1.5", "10.0.0.1.443", "...10.0.0.1", "10.0.0.1.", "v10.0.0.1"])
def test_an_ip_address_is_hidden_whatever_follows_it(address: str) -> None:
    for hidden in (mask_text(address), mask_log(address), mask_name(address)):
        assert "10.0" not in hidden
        assert "443" not in hidden


@pytest.mark.parametrize(
    "line",
    ["alert 1234567: firing", "Not Found: /executions/1234567/", "account=7", "name: Leads, owner: sales",
     'violates unique constraint "monitor_execution_account_id_1a2b3c4d_uniq"', "GET https://a.example/x/1234567/y",
     'File "/app/monitor/access.py", line 3, in check\n    token = store.get(account)',
     "    secret = self.secret", "    def take(token = None)", "execution 4876876000000333044 was read"],
)  # fmt: skip
def test_a_log_keeps_ids_paths_names_and_quoted_code(line: str) -> None:
    assert mask_log(line) == line


def test_a_traceback_keeps_its_code_and_its_message_loses_the_secret() -> None:
    def refuse(secret: str) -> None:
        token = str.lower(secret)
        raise ValueError(f"token = {token}")

    with pytest.raises(ValueError, match="token") as caught:
        refuse("HUNTERK2")
    shown = mask_log(LineFormatter().formatException((caught.type, caught.value, caught.tb)))
    assert "refuse(" in shown
    assert "token = [" in shown
    assert "hunterk2" not in shown


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("token = abkq.kq(", "abkq"),
        ("    token = 'abkq'", "abkq"),
        ("    password = hunterk2(", "hunterk2"),
        ("GET https://a.example/x?next=abkq&b=kq", "kq"),
        ("Not Found: /lists/?q=abkq", "abkq"),
        ('"GET /lists/?name=abkq HTTP/1.1" 200', "abkq"),
        ("https://a.example/x#abkq", "abkq"),
        ("https://hooks.slack.com/services/T0000000/B0000000/abkqABKQ12345678abkqABKQ", "abkq"),
        ('{"Email": "jo@example.com", "password": "abkq", "n": 1}', "abkq"),
        ('{"headers": {"Authorization": ["abkq"]}}', "abkq"),
        ("mail to jo@example.com failed", "jo@"),
        ("call +49 151 12345678", "12345678"),
        ("card 4111 1111 1111 1111", "1111"),
        ("to DE89 3704 0044 0532 0130 00", "3704"),
    ],
)
def test_no_secret_and_no_address_passes_into_a_log(line: str, secret: str) -> None:
    assert secret not in mask_log(line)


def test_a_described_flow_is_exported_without_random_text_of_24_characters_and_more() -> None:
    for text in ("key aB3dE6gH9jK2mN5pQ8sT1vW4", '{"a": "aB3dE6gH9jK2mN5pQ8sT1vW4"}', "Basic dXNlcjpwYXNz", "pin=1234"):
        shown = exports()["flows"].columns["description"](Flow(description=text))
        for secret in ("aB3dE6", "dXNlcj", "1234"):
            assert secret not in shown


@pytest.mark.parametrize("text", ['{"a":1,  "b":"x y"}', '[1,2,\n "Größe"]', '{"u":"\\u00e4"}', "{}", ' ["a"] '])
def test_json_that_holds_nothing_private_stays_as_it_was_written(text: str) -> None:
    assert mask_text(text) == text
    assert mask_log(text) == text
    assert exports()["executions"].columns["error_details"](Execution(error_details=text)) == text
    assert exports()["flows"].columns["description"](Flow(description=text)) == text


def test_json_that_says_a_key_twice_does_not_show_what_stood_there_first() -> None:
    text = '{"note": "jo@example.com", "note": "x", "in": {"email": "Jo", "email": ""}}'
    assert json.loads(mask_text(text)) == {"note": "x", "in": {"email": ""}}
    assert mask_text('{"a": [{"note": "jo@example.com", "note": "x"}]}') == '{"a": [{"note": "x"}]}'
    assert "jo@" not in mask_log(text)


@given(st.text(max_size=60) | st.text(alphabet="abeikopsrtxyzAKIBEGN _-.,'\"()²", max_size=60))
def test_the_short_way_for_plain_text_shows_what_the_long_way_shows(text: str) -> None:
    for reading in (privacy._TEXT, privacy._NAME, privacy._LOG, privacy._DESCRIPTION):
        assert privacy._mask_patterns(text, reading) == privacy._mask_suspect(text, reading)
