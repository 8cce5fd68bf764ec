"""What people see, on a page, in a mail, in an export or in a log, holds no personal data and no secret."""

from __future__ import annotations

import json
import logging
import re
import smtplib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.logs import LineFormatter
from monitor import privacy_numbers
from monitor.models import Execution
from monitor.notify.facts import error_line
from monitor.notify.smtp_answers import classify
from monitor.privacy import HIDDEN, is_private_key, mask, mask_name, mask_text
from monitor.queries.execution import error_of
from monitor.queries.export import exports
from tests.depth import tried

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
spaces = st.sampled_from([" ", "\n", ", ", "; ", " <", " (", ":", '"'])


def structures(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """JSON that holds the leaf at some depth, as a value, a key, or within a string of JSON."""
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3),
            st.dictionaries(st.one_of(words, leaf), inner, min_size=1, max_size=3),
            inner.map(lambda value: json.dumps({"payload": value})),
        ),
        max_leaves=4,
    )


def shown(value: Any) -> str:
    return json.dumps(mask(value), ensure_ascii=False)


@given(email=st.emails(), data=st.data())
def test_no_email_address_survives_in_any_structure(email: str, data: st.DataObject) -> None:
    before, after, gap = data.draw(words), data.draw(words), data.draw(spaces)
    value = data.draw(structures(st.sampled_from([email, f"{before} {email}{gap}{after}", f"{before}<{email}>"])))
    assert email not in shown(value)


@given(value=structures(st.one_of(words, st.integers(), st.floats(), st.none(), st.booleans())))
def test_masking_keeps_the_shape_and_never_fails(value: Any) -> None:
    masked = mask(value)
    if isinstance(value, dict | list):
        assert len(masked) == len(value)
    else:
        assert not isinstance(masked, dict | list)


@pytest.mark.parametrize(
    "phone",
    ["+49 151 12345678", "+1 (555) 010-9999", "(555) 010-9999", "0151 1234567", "0044 20 7946 0958", "4915112345678",
     "555-010-9999", "555.010.9999", "+4915112345678"],
)  # fmt: skip
def test_a_telephone_number_is_hidden_wherever_it_stands(phone: str) -> None:
    for value in (phone, f"Call {phone} now", [[phone]], {"note": f"tel {phone}"}, {phone: 1}, f'{{"x": "{phone}"}}'):
        assert phone not in shown(value)


@pytest.mark.parametrize("card", ["4111111111111111", "4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005"])
def test_a_card_number_is_hidden_wherever_it_stands(card: str) -> None:
    for value in (card, f"paid with {card}.", {"x": [card]}, {card: True}):
        assert card not in shown(value)


@pytest.mark.parametrize("definition", [True, False])
def test_zohos_ids_stay_though_one_in_ten_adds_up_like_a_card(definition: bool) -> None:
    adds_up, full, like_a_card = "3361265000000000003", "3361265123456789018", "6222021234567890128"
    content = {"id": adds_up, "rule": adds_up, "action_id": int(full), "ids": [adds_up, full], "flow_id": like_a_card}
    assert mask(content, definition=definition) == content
    assert mask({"next": f"{adds_up} {adds_up}"}, definition=definition) == {"next": f"{adds_up} {adds_up}"}


@pytest.mark.parametrize(
    "value",
    [{"note": "3361265123456789018"}, {"note": "6222020000000000000"}, {"id": "4111111111111111"},
     {"ids": ["4111111111111111"]}, {"note": "3361 2650 0000 0000 003"}, {"paid": "3361265123456789018"},
     {"card_id": "6222021234567890128"}],
)  # fmt: skip
def test_what_may_be_a_card_is_hidden_where_no_key_says_it_is_an_id(value: dict[str, Any]) -> None:
    (number,) = (one if isinstance(one, str) else one[0] for one in value.values())
    assert number not in shown(value)


def test_a_card_number_that_came_as_a_number_is_hidden() -> None:
    assert mask({"reference": 4111111111111111}) == {"reference": "[card]"}


@pytest.mark.parametrize(
    "secret",
    ["1000.8cb99dxxxxxxxxxxxxx9be93.9b8xxxxxxxxxxxxxxxf", "Zoho-oauthtoken 1000.abcdef0123456789", "Bearer abc.def-123",
     "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "sk_live_abcdef0123456789",
     "d41d8cd98f00b204e9800998ecf8427e"],
)  # fmt: skip
def test_a_token_is_hidden_in_text(secret: str) -> None:
    assert secret not in mask_text(f"request with {secret} was refused")


@pytest.mark.parametrize(
    ("text", "leak"),
    [
        ("https://flow.zoho.com/hook?zapikey=1001.abc&isdebug=false", "1001.abc"),
        ("error: password: hunter2", "hunter2"),
        ('{"broken json", "password": "hunter2"', "hunter2"),
        ("First_Name=John&Last_Name=Doe", "Doe"),
        ("Duplicate contact, name: John Doe, skipped", "Doe"),
        ("login failed for token=a.b.c;retry", "a.b.c"),
    ],
)
def test_a_named_value_inside_a_text_is_hidden(text: str, leak: str) -> None:
    assert leak not in mask_text(text)


def test_an_iban_and_an_ip_address_are_hidden() -> None:
    assert mask_text("to DE89 3704 0044 0532 0130 00 from 203.0.113.77") == "to [account number] from [IP address]"


@pytest.mark.parametrize(
    "key",
    ["Email", "email_address", "E-Mail", "contactEmail", "useremail", "Phone", "mobile_no", "First_Name", "lastName",
     "full_name", "Name", "Street", "billing_address", "IBAN", "card_number", "cardNumber", "access_token", "zapikey",
     "client-secret", "PASSWORD", "téléphone", "ＥＭＡＩＬ", "ip", "IPAddress", "date_of_birth", "user.email"],
)  # fmt: skip
def test_a_key_of_personal_data_hides_whatever_stands_under_it(key: str) -> None:
    assert mask({key: {"a": ["Jo", 7]}, "other": "Jo"}) == {key: {"a": [HIDDEN, HIDDEN]}, "other": "Jo"}


@pytest.mark.parametrize("key", ["flow_name", "status", "Stage", "module", "filename", "panel", "company", "Amount"])
def test_a_harmless_key_hides_nothing(key: str) -> None:
    assert not is_private_key(key)
    assert mask({key: "New"}) == {key: "New"}


@pytest.mark.parametrize(
    "text",
    ["Failed to create contact", "1234.50", "HTTP 400", "v1.2.3", "at 5 @ noon", "Rate limit 429: 100 calls in 60 s",
     "Internationalisation_of_everything", "basics of the lead", ""],
)  # fmt: skip
def test_plain_words_and_short_numbers_stay_readable(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize(
    "value",
    ["2025-01-22T09:15:33Z", "2025-01-22 09:15:33", "2025-01-22T09:15:33+05:30", "22.01.2025", "12345000000567891",
     "12345000000567891 12345000000567890", "1250000", 12345000000567891, 1250000, 12.5],
)  # fmt: skip
def test_times_ids_and_amounts_of_data_stay_readable(value: Any) -> None:
    assert mask({"Value": value}) == {"Value": value}
    assert mask({"Value": value}, definition=True) == {"Value": value}


def test_the_name_of_a_flow_keeps_its_years_and_loses_an_address() -> None:
    assert mask_name("Invoices 2025-2026 for jo@example.com") == "Invoices 2025-2026 for [e-mail]"


def test_a_definition_keeps_addresses_without_their_secrets() -> None:
    url = "https://api.example.com/v2/contacts/12345000000567890?zapikey="
    assert mask({"url": f"{url}abc&x=1"}, definition=True) == {"url": f"{url}[hidden]&x=1"}


def test_the_value_of_a_header_that_holds_a_secret_is_hidden() -> None:
    headers = [{"name": "X-Api-Key", "value": "abc"}, {"key": "Accept", "value": "text/html"}]
    assert mask({"headers": headers}) == {
        "headers": [{"name": HIDDEN, "value": HIDDEN}, {"key": "Accept", "value": "text/html"}]
    }


def test_an_id_before_a_telephone_number_does_not_shield_it() -> None:
    assert mask_text("id 12345000000567890 0151 1234567") == "id [number] [phone]"
    assert mask_text("id 12345000000567890 0151 1234567", definition=True) == "id 12345000000567890 [phone]"


def test_keys_that_look_alike_once_masked_do_not_swallow_each_other() -> None:
    assert list(mask({"a@example.com": 1, "b@example.com": 2}).values()) == [1, 2]


def test_empty_values_stay_visible_as_empty() -> None:
    value = {"email": None, "phone": "", "password": False}
    assert mask(value) == value


def test_a_definition_keeps_the_names_of_actions_but_not_of_people() -> None:
    definition = {
        "name": "Notify owner",
        "actions": [{"name": "Send mail", "to": ["jo@example.com"]}],
        "modified_by": {"name": "Jo Roe", "id": "1"},
    }
    masked = mask(definition, definition=True)
    assert masked["name"] == "Notify owner"
    assert masked["actions"][0]["name"] == "Send mail"
    assert "Jo" not in json.dumps(masked)
    assert "jo@" not in json.dumps(masked)


def test_deep_nesting_ends_hidden_and_not_in_an_error() -> None:
    value: Any = "jo@example.com"
    for _ in range(300):
        value = [value]
    assert "jo@" not in shown(value)


TOKEN = f"1000.{'8cbk9d' * 4}.{'9bk8zd' * 4}"
# (a form of personal data or of a secret, the part that must not be seen, who hid it when there were four maskings)
FORMS = [
    ('{"password": "hunterk2"}', "hunterk2", "page kept"),
    ("password: hunterk2", "hunterk2", "page mail kept"),
    ("password = hunterk2,andq more", "andq", "mail"),
    ("password   =   hunterk2", "hunterk2", "mail"),
    ("pwd='hunterk2 twoq'", "twoq", "kept"),
    ("pin=1234", "1234", "page kept"),
    ("otp: 9921", "9921", "page kept"),
    ("name: John Doekq", "Doekq", "page"),
    ("First_Name=John&Last_Name=Doekq", "Doekq", "page"),
    ("owner: Jo Roekq", "Roekq", "page"),
    ("10.0.0.1", "10.0.0.1", "mail"),
    ("203.0.113.77", "203.0.113.77", "page mail"),
    ("jane.doekq+x@example.co.uk", "doekq", "page mail"),
    ("janekq%40example.com", "janekq", "page mail"),
    ("rootkq@localhost", "rootkq", "page mail"),
    ('"j dkq"@example.com', "dkq", "page"),
    ("+49 151 12345678", "12345678", "page mail"),
    ("0151 1234567", "1234567", "page mail"),
    ("1234567", "1234567", "mail"),
    ("4876876000000333044", "4876876000000333044", "mail"),
    ("4111 1111 1111 1111", "1111", "page mail"),
    ("4111111111111111", "1111", "page mail"),
    ("DE89 3704 0044 0532 0130 00", "3704", "page mail"),
    (TOKEN, "8cbk9d", "page mail kept log"),
    ("1000.abcdefk2.x", "abcdefk2", "log"),
    ("Zoho-oauthtoken abkq", "abkq", "mail log"),
    ("Bearer abkq", "abkq", "mail"),
    ("Basic dXNlcjpwYXNz", "dXNlcjpwYXNz", "page mail kept"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJz", "page kept"),
    ("sk_live_abcdefk123", "abcdefk123", "page kept"),
    ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7", "page mail kept"),
    ("whsec_QUJDREVG", "QUJDREVG", "log"),
    ("-----BEGIN PRIVATE KEY-----\nabkq\n-----END PRIVATE KEY-----", "abkq", "page kept"),
    ("d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f", "page mail kept"),
    ("aB3dE6gH9jK2mN5pQ8sT1vW4", "aB3dE6", "mail kept"),
    ("key-abcdefghij-12345x", "12345x", "mail"),
    ("https://flow.zoho.com/hook?zapikey=1001.abkq&isdebug=false", "1001.abkq", "page mail kept log"),
    ("next=%2Fx%3Fzapikey%3Dabkq", "abkq", "kept"),
    ("https://joe:hunterk2@api.example.com/x", "hunterk2", "page mail kept"),
    ("ftp://joe:hunterk2@api.example.com/x", "hunterk2", "page mail kept"),
    ("https://hooks.example.com/services/T0/B0", "T0", "mail"),
    ("/webhook/12345/abcdefk23456", "abcdefk23456", "kept"),
    ("POST /hooks/flow/abkq-DEF_1", "abkq-DEF_1", "kept log"),
    ("client_secret=abkq", "abkq", "page mail kept log"),
    ("refresh_token=abkq", "abkq", "page mail kept log"),
    ("X-Api-Key: abkq", "abkq", "page kept"),
    ("Cookie: sidkq=1; bkq=2", "kq", "page kept"),
    ("X-Signature=abkq", "abkq", "page kept"),
    ("sessionId=abkq", "abkq", "page kept"),
    ("Authorization: Digest usernamekq=x", "kq", "page kept"),
    (r'say "{\"token\": \"abkq\"}"', "abkq", "kept"),
    ('{"headers": [{"name": "X-Api-Key", "value": "abkq"}]}', "abkq", "kept"),
    ('{"broken json", "password": "hunterk2"', "hunterk2", "page kept"),
    ("x" * 70 + "password=hunterk2", "hunterk2", "mail"),
]
# What a log keeps: whom or what an entry is about, ids, paths. No log hid these before there was one masking.
KEPT_IN_LOGS = {
    "name: John Doekq", "First_Name=John&Last_Name=Doekq", "owner: Jo Roekq", "1234567", "4876876000000333044",
    "key-abcdefghij-12345x", "https://hooks.example.com/services/T0/B0",
}  # fmt: skip
# Nothing of it occurs in what must not be seen.
around = st.text(alphabet="eimnr ,;:=/'\"()[]{}@.-\n&?!é中", max_size=25)


def formatted(text: str) -> str:
    record = logging.LogRecord("monitor.test", logging.INFO, "here.py", 1, "Zoho said %s", (text,), None)
    return LineFormatter().format(record)


def seen_by_people(text: str) -> dict[str, str]:
    """What a text of Zoho's becomes wherever people read it."""
    run = Execution(error_code=text, error_message=text, error_details=text)
    columns = exports()["executions"].columns
    error = error_of(run)
    refusal = smtplib.SMTPDataError(550, text.encode())
    return {
        "page": f"{error.code} {error.message} {error.details}",
        "mail": error_line(text, text),
        "export": " ".join(columns[name](run) for name in ("error_code", "error_message", "error_details")),
        "log": formatted(text),
        "refused mail": classify(refusal, connected=True).reason,
    }


@pytest.mark.parametrize(("form", "secret", "before"), FORMS)
def test_what_one_of_four_maskings_hid_is_hidden_everywhere(form: str, secret: str, before: str) -> None:
    assert set(before.split()) <= {"page", "mail", "kept", "log"}
    allowed = {"log"} if form in KEPT_IN_LOGS and "log" not in before.split() else set()
    assert {place for place, shown in seen_by_people(form).items() if secret in shown} == allowed
    assert secret not in json.dumps(mask({"note": form}), ensure_ascii=False) or form.isdecimal()
    assert secret not in json.dumps(mask([{form: 1}]), ensure_ascii=False)


@tried(100, 400)
@given(form=st.sampled_from(FORMS), before=around, after=around, gap=st.sampled_from([" ", "\n", "; ", " ("]))
def test_page_mail_export_and_log_hide_it_whatever_stands_around(
    form: tuple[str, str, str], before: str, after: str, gap: str
) -> None:
    text, secret, _ = form
    shown = seen_by_people(f"{before}{gap}{text} {after}")
    allowed = {"log"} if text in KEPT_IN_LOGS else set()
    assert {place for place, seen in shown.items() if secret in seen} <= allowed


def test_a_log_line_keeps_its_own_head_and_masks_a_traceback() -> None:
    try:
        raise ValueError("no such person: jo@example.com")
    except ValueError as problem:
        info = (type(problem), problem, problem.__traceback__)
        record = logging.LogRecord("name.of.logger", logging.ERROR, "here.py", 1, "password: %s", ("hunter2",), info)
    record.created = 0
    line = LineFormatter().format(record)
    assert line.startswith("1970-01-01T00:00:00Z ERROR name.of.logger password: [hidden]\n  Traceback")
    assert "hunter2" not in line
    assert "jo@" not in line


def test_masking_twice_is_masking_once_for_every_form() -> None:
    for form, _, _ in FORMS:
        assert mask_text(mask_text(form)) == mask_text(form)


@pytest.mark.parametrize("run", ["bcdfghjklmnpqrstvwxzbcdfghjklmnpqrstvwxz", "49302857103948572034985720394857"])
def test_a_run_of_letters_alone_or_of_digits_alone_is_no_mixed_one(run: str) -> None:
    found = re.match(r".+", run)
    assert found is not None
    assert privacy_numbers.mixed_run(found) == run
    mixed = re.match(r".+", "b7cdf8ghj9klm2npqrst")
    assert mixed is not None
    assert privacy_numbers.mixed_run(mixed) == privacy_numbers.SECRET


def test_a_key_is_private_with_accents_too() -> None:
    assert is_private_key("password")
    assert is_private_key("pa\u0301ssword")
    assert is_private_key("pássword")
