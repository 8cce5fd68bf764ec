"""A person's name, number or password is hidden under any key and in any form; what is nobody's stays readable."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import privacy_people, privacy_rules
from monitor.privacy import HIDDEN, MASKING, mask, mask_log, mask_name, mask_text
from tests.test_privacy import FORMS

NAME = "Quilla Zorn"


@pytest.mark.parametrize(
    "key",
    ["fullName", "contact_name", "recipient", "who", "contact", "customer", "assignee", "sender", "attendees", "person",
     "created_by", "Modified By", "assigned_to", "billTo", "reply_to", "primaryContact", "display_name", "user", "cc",
     "Ansprechpartner", "employee", "login", "Kontakt", "familyname", "given_name", "lname", "sales_rep", "spouse",
     "Apellidos", "cognome", "nome", "achternaam", "nazwisko", "姓名", "氏名", "お名前", "имя", "Фамилия"],
)  # fmt: skip
def test_a_name_is_hidden_under_every_key_that_names_a_person(key: str) -> None:
    for value in (NAME, [NAME], [[NAME, [NAME]]], json.dumps([NAME]), {"name": NAME}, [{"fullName": NAME}]):
        assert "Zorn" not in json.dumps(mask({"data": [{key: value}]}))
        assert "Zorn" not in json.dumps(mask([[key, value]])) or isinstance(value, list | dict)


def test_an_object_under_a_person_is_read_by_its_own_keys() -> None:
    shown = mask({"contact": {"id": "12345000000567891", "Stage": "New", "Email": "x", "owners": 2}})
    assert shown == {"contact": {"id": "12345000000567891", "Stage": "New", "Email": HIDDEN, "owners": 2}}


@pytest.mark.parametrize(
    "pair",
    [{"label": "Full name", "value": NAME}, {"name": "Last_Name", "values": [NAME]}, {"field": "who", "val": NAME},
     {"question": "Your name", "answer": NAME}, ["Last_Name", NAME], ["contact", NAME]],
)  # fmt: skip
def test_a_name_in_a_pair_of_key_and_value_is_hidden(pair: Any) -> None:
    assert "Zorn" not in json.dumps(mask({"fields": [pair]}))


@pytest.mark.parametrize(
    "data",
    [{"pass": "hunter two"}, {"smtp_pass": "hunter two"}, {"dbPass": "hunter two"}, {"PW": "hunter two"},
     {"пароль": "hunter two"}, {"密码": "hunter two"}, {"パスワード": "hunter two"}, {"coordinates": [48.137, 11.575]},
     {"latLng": "48.137,11.575"}, {"Straße": "hunter two"}, {"телефон": "hunter two"}, {"住所": "hunter two"}],
)  # fmt: skip
def test_a_key_in_another_tongue_or_in_short_hides_as_well(data: dict[str, Any]) -> None:
    shown = json.dumps(mask({"data": [data]}))
    assert HIDDEN in shown
    assert "hunter" not in shown
    assert "48" not in shown


@pytest.mark.parametrize(
    "text",
    ["pass=hunter2", "login: qz pass: hunter2", "my pw is hunter2", "PW=hunter2", "the secret code 1234", "pw: abc"],
)
def test_a_password_in_short_is_hidden_in_a_sentence(text: str) -> None:
    for shown in (mask_text(text), mask_log(text)):
        assert HIDDEN in shown
        assert "hunter2" not in shown


@pytest.mark.parametrize("pair", [{"label": "Stage", "value": "New"}, ["Stage", "New"], {"field": "id", "value": "7"}])
def test_a_pair_that_is_nobody_s_stays(pair: Any) -> None:
    assert mask({"fields": [pair]}) == {"fields": [pair]}


@pytest.mark.parametrize(
    "text",
    [f"who: {NAME}", f"contact: {NAME}, skipped", f"contact_name={NAME}", f"assigned to: {NAME}", "sender: Quilla",
     f"customer: {NAME} was not found", 'contact="Quilla Zorn"', f'{{"broken": 1, "who": "{NAME}"'],
)  # fmt: skip
def test_a_name_in_a_sentence_behind_such_a_word_is_hidden(text: str) -> None:
    shown = mask_text(text)
    assert "Quilla" not in shown
    assert "Zorn" not in shown


ADDRESSES = ["::1", "2001:db8::1", "2001:DB8:0:0:8:800:200C:417A", "fe80::1%eth0", "::ffff:203.0.113.7",
             "64:ff9b::203.0.113.7", "2001:0db8:85a3:0000:0000:8a2e:0370:7334", "::ffff:cb00:7107", "2002:cb00:7107::1",
             "fd12:3456:789a:1::1", "0:0:0:0:0:0:0:1"]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_of_version_6_is_hidden_in_every_form(address: str) -> None:
    for text in (address, f"from {address}.", f"[{address}]:443", f"({address})", f"peer={address}, port 5"):
        for hide in (mask_text, mask_log, mask_name):
            assert address.partition("%")[0] not in hide(text)
            assert "::" not in hide(text)


@given(st.ip_addresses(v=6))
def test_any_address_of_version_6_is_hidden(address: ipaddress.IPv6Address) -> None:
    for written in (str(address), address.exploded, address.exploded.upper()):
        if any(char.isdigit() for char in written):
            assert written not in mask_text(f"peer {written} refused")


@pytest.mark.parametrize(
    "text",
    ["password is hunterk2", "Password is: hunterk2", "the password was 'hunterk2 kq' then",
     "The password for jo is hunterk2",
     "token: hunterk2", "token is hunterk2", "api key: hunterk2", "API key hunterk2", "secret key is hunterk2",
     "passcode is hunterk2", "Kennwort ist hunterk2", "Passwort: hunterk2", "contraseña: hunterk2", "пароль: hunterk2",
     "密码：hunterk2", "mot de passe: hunterk2", "pwd hunterk2", "password set to hunterk2", "otp hunterk2",
     "Authorization: Basic hunterk2", "authorization: basic hunterk2kqkq", "Authorization: Token hunterk2",
     "https://jo:hunterk2@example.com/x", "redis://:hunterk2@h", "https://x.example.com/?sig=hunterk2",
     "https://x.example.com/cb#access_token=hunterk2", "jdbc:x;User=jo;Password=hunterk2;"],
)  # fmt: skip
def test_a_secret_that_is_said_in_words_is_hidden(text: str) -> None:
    for hide in (mask_text, mask_log):
        assert "hunterk2" not in hide(text)
    assert "kq" not in mask_text(text)


@pytest.mark.parametrize("text", ["your PIN is 4711", "PIN 4711", "PIN code is 4711", "access code 4711", "otp 4711"])
def test_a_short_code_that_is_said_in_words_is_hidden(text: str) -> None:
    assert "4711" not in mask_text(text)


@pytest.mark.parametrize("card", ["4111_1111_1111_1111", "4111\u202f1111\u202f1111\u202f1111", "4111.1111.1111.1111"])
def test_a_card_number_is_hidden_whatever_divides_it(card: str) -> None:
    assert mask_text(f"paid with {card} today") == "paid with [card] today"


@pytest.mark.parametrize(
    "phone",
    ["030 901820", "089/123456", "+49(0)151-1234567", "01 42 68 53 00", "020 7946 0958", "+91 98765-43210",
     "1-800-555-0199", "090-1234-5678", "0412 345 678", "912 345 678", "(11) 98765-4321", "0043 1 5880 0",
     "+4915112345678"],
)  # fmt: skip
def test_a_telephone_number_is_hidden_in_the_forms_of_many_countries(phone: str) -> None:
    assert mask_text(f"call {phone} now") == "call [phone] now"


@pytest.mark.parametrize(
    "text",
    ["token is invalid", "token is expired", "the password is wrong", "password is required", "password is too short",
     "token is not valid for this app", "token: invalid", "Unexpected token: }", "secret is missing",
     "api key is invalid",
     "Kennwort ist abgelaufen", "token limit 4096 exceeded", "API key 2 of 3", "password must contain 8 characters",
     "basic plan", "basic settings are missing", "version 1.2.3.4 of the app", "Version: 120.0.6099.109", "10:05:33",
     "12:30:45.123", "a::b", "std::string", "Foo::Bar::baz", "ratio 1:2:3", "mac 00:1a:2b:3c:4d:5e", "1 234 567 rows",
     "10 000 000 records", "credits: 250000000", "123456789 runs", "user: Not found", "Client: Timeout", "who: unknown",
     "from: running to: failed", "From: Sales team", "sender: rejected", "error code 1234", "primary key 12 violated",
     "order_by: Name", "status code: 404", "cannot pass 1000 rows", "bypass: 12 rules", "compass: north"],
)  # fmt: skip
def test_what_is_nobody_s_stays_readable(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize(
    "value",
    [{"version": "1.2.3.4"}, {"app_version": "10.2.0.77"}, {"sort_by": "Name"}, {"from": "2026-11-22T10:00:00Z"},
     {"to": "2026-11-22"}, {"who": 7}, {"user": None}, {"contact_id": "12345000000567891"}, {"customer_type": "VIP"},
     {"action": "Create contact"}, {"flow_name": "Lead sync"}, {"from_status": "new"}, {"host": "api.example.com"}],
)  # fmt: skip
def test_a_key_that_only_looks_like_a_person_s_hides_nothing(value: dict[str, Any]) -> None:
    assert mask(value) == value


FOREIGN_KEYS = [
    "客户姓名", "手机号码", "お客様氏名", "電話番号", "メールアドレス", "ﾒｰﾙｱﾄﾞﾚｽ", "邮箱地址", "收货地址2",
    "身份证号码", "客户Name", "имяКлиента", "имяклиента", "Имя_клиента", "номерТелефона", "АДРЕС_ДОСТАВКИ",
    "датаРождения", "billing_straße", "Straße_Nr", "Kundenstraße",
    "STRAẞE", "strassenNr_Straße", "Lieferadresse", "kundenname", "고객이름", "이메일주소",
]  # fmt: skip


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("key", FOREIGN_KEYS)
def test_a_word_of_another_tongue_hides_from_within_a_longer_key(key: str, form: str) -> None:
    key = unicodedata.normalize(form, key)
    for data in ({key: "hunter two"}, {"label": key, "value": "hunter two"}, [key, "hunter two"]):
        assert "hunter" not in json.dumps(mask({"data": [data]}))
    for sign in ("：", ":", "=", "＝", " ： "):
        shown = mask_text(f"记录{sign.strip()} {key}{sign}王小明，x")
        assert "王小明" not in shown
        assert HIDDEN in shown


@pytest.mark.parametrize(
    "key",
    ["пароль1", "Пароль2", "парольКлиента", "登录密码", "密码3", "ログインパスワード", "パスワード２", "비밀번호1",
     "hasło", "password2",
     "db_password_1", "X-Api-Key-2", "token12", "pass2"],
)  # fmt: skip
def test_a_secret_is_hidden_where_its_key_is_numbered_or_joined_to_other_words(key: str) -> None:
    assert mask({key: "hunter two"}) == {key: HIDDEN}
    for sign in ("：", ":", "="):
        for hide in (mask_text, mask_log, mask_name):
            assert hide(f"{key}{sign}abkq") == f"{key}{sign}{HIDDEN}"


@pytest.mark.parametrize(
    "text",
    ["密码是abkq", "您的密码是：abkq，请修改", "登录密码: abkq", "パスワードは「abkq」です", "新しいパスワード: abkq",
     "비밀번호는 abkq", "密钥 abkq1", "токен: abkq"],
)  # fmt: skip
def test_a_secret_that_is_said_without_spaces_between_words_is_hidden(text: str) -> None:
    for hide in (mask_text, mask_log):
        assert HIDDEN in hide(text)
        assert "abkq" not in hide(text)


@pytest.mark.parametrize(
    "text",
    [
        "密码是错误的",
        "密码为空",
        "パスワードが違います",
        "비밀번호가 틀렸습니다",
        "密码 invalid",
        "令牌 expired",
        "口令2",
    ],
)
def test_what_is_said_of_a_secret_in_such_a_script_stays_readable(text: str) -> None:
    for hide in (mask_text, mask_log):
        assert hide(text) == text


def test_what_stands_behind_a_private_value_stays_readable_in_other_scripts() -> None:
    assert mask_text("姓名：王小明，订单不存在。") == "姓名：[hidden]，订单不存在。"
    assert mask_text("客户：王小明") == "客户：[hidden]"


@pytest.mark.parametrize(
    "key",
    [
        "文件名称",
        "流程名称",
        "订单号",
        "状態",
        "注文番号",
        "имяФайла",
        "имя_файла",
        "время",
        "статусЗаказа",
        "größe",
        "오류",
    ],
)
def test_a_key_of_another_tongue_that_names_no_person_hides_nothing(key: str) -> None:
    assert mask({key: "hunter two"}) == {key: "hunter two"}
    assert mask_text(f"{key}：hunter two") == f"{key}：hunter two"


@pytest.mark.parametrize(
    "text",
    ["tests pass: 12, fail: 3", "pass: 12", "nb_pass: 3", "nb_pass=3&x=1", "pass: 12 fail: 3", "pass: 9 of 12",
     "PW: 7.",
     "Season_Pass: 2;", '{"broken" "pass": 12}', "pass：12，fail：3", "name: nb_pass; val: 12"],
)  # fmt: skip
def test_a_count_of_what_passes_is_no_password(text: str) -> None:
    shown = mask_log(text) if text.startswith("name") else mask_text(text)
    assert shown == text
    assert mask_log(text) == text


def test_a_count_of_what_passes_stays_in_data_and_a_password_does_not() -> None:
    counts = {"pass": 12, "nb_pass": "3", "Season_Pass": 2, "of": [["pass", 7], {"label": "pass", "value": 7}]}
    assert mask(counts) == counts
    secrets = {
        "pass": 1234,
        "PW": "1234",
        "Season_Pass": "abc",
        "password": 12,
        "pin": 123,
        "pass2": [123],
        "пароль": 12,
    }
    assert mask(secrets) == {**dict.fromkeys(secrets, HIDDEN), "pass2": [HIDDEN]}


@pytest.mark.parametrize(
    "text",
    [
        "pass: 1234",
        "pass: 12 monkeys",
        "pass: 12 345",
        "pass=12x",
        "password: 12",
        "pin: 123",
        "pw is 123",
        "пароль: 12",
    ],
)
def test_a_short_number_that_is_no_count_is_hidden(text: str) -> None:
    for hide in (mask_text, mask_log):
        assert HIDDEN in hide(text)
        assert "12" not in hide(text)


def test_whoever_changes_what_is_masked_raises_the_version() -> None:
    """Texts that were masked for searching are masked anew by it; write the new digest beside the new version."""
    said = vars(privacy_rules) | vars(privacy_people)
    rules = {name: value.pattern for name, value in said.items() if isinstance(value, re.Pattern)}
    words = {name: sorted(value) for name, value in vars(privacy_rules).items() if isinstance(value, frozenset | tuple)}
    shown = [mask_text(form) for form, *_ in FORMS]
    shown += privacy_people.names_in(["Contact Quilla Zorn not found"], {"Full_Name": "Quilla Zorn"})
    digest = hashlib.sha256(json.dumps([rules, words, shown], sort_keys=True).encode()).hexdigest()
    assert (MASKING, digest[:12]) == (9, "e19e111a50b5")
