"""What is a parameter in a message, and what is the cause."""

from __future__ import annotations

import pytest

from tests.triage.failures import are_one, template


@pytest.mark.parametrize(
    "message",
    [
        "utf-8 codec fails", "encoded as iso-8859-1", "digest sha256 differs", "wants oauth2", "speaks http/2 only",
        "no ipv4 route", "bad base64 text", "API v2 is gone", "stored in s3", "TLSv1.2 is refused", "x.509 is broken",
    ],
)  # fmt: skip
def test_a_number_within_a_name_stays(message: str) -> None:
    assert template(message) == message


@pytest.mark.parametrize(
    "message",
    [
        "HTTP 502 came", "status code 404", "status: 503", "The server answered 429", "503 Service Unavailable",
        "404", "Error: 500", "SMTP 550 5.1.1 refused", "421 4.7.0 Try again later", "550-5.7.1 relaying denied",
        "code 3001", "failed with code: 57", "error code -1", "exit code 137", "exit status 1", "errno 13",
        "[Errno 13] Permission denied", "ORA-00942: no such table", "SQLSTATE[23000]: broken",
        "MySQL error 1062", "ERROR 1146 (42000): broken",
        "AADSTS50011: no reply URL", "Not found (404)", "errorCode: 4031",
    ],
)  # fmt: skip
def test_a_number_that_is_the_cause_stays(message: str) -> None:
    assert template(message) == message


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("zip code 40404", "zip code <*>"),
        ("postal code 500", "postal code <*>"),
        ("verification code 123456", "verification code <*>"),
        ("Invoice 503 was declined", "Invoice <*> was declined"),
        ("500 records were skipped", "<*> records were skipped"),
        ("Order 404 of 502", "Order <*> of <*>"),
        ("got 404 records", "got <*> records"),
        ("error 404 times", "error <*> times"),
    ],
)
def test_the_same_number_elsewhere_is_a_parameter(message: str, expected: str) -> None:
    assert template(message) == expected


@pytest.mark.parametrize(
    "value",
    [
        "5725767000000524157", "k9Mtd2gDcgG", "kXmtdBgDcgG", "6f9619ff-8b86-d011-b42d-00c04fc964ff", "0x7ffe01ab",
        "4,150,908", "4 150 908", "1.234.567,89", "1,00,000.50", "€ 12.50", "USD 1,200.00", "99 EUR", "$5", "₹2,500",
        "12%", "12.5 %", "anna@example.com", "o.brien@example.co.uk", "+49 30 5550199", "(555) 010-0199",
        "2026-11-29", "29/11/2026", "29.11.2026", "Nov 29, 2026", "29 November 2026", "Sun, 29 Nov 2026",
        "2026-11-29T10:11:12.123+05:30", "2026-11-29 10:11", "20261129", "10:11:12", "9:05 PM", "09:05 UTC",
        "Fri Jul 15 10:11:12 2026", "30 seconds", "1500 ms", "2.5s", "3 minutes", "00:30", "10.0.0.1", "10.0.0.1:8080",
        "fe80::1:2:3", "00:1a:2b:3c:4d:5e", "https://api.example.com/v1/leads?id=5", "https://example.com/a", "v1.20.3",
        "/var/data/list.csv", "C:\\data\\list.csv", "files.example.com", "shop.example.co.in",
        "db.lan.example", "list.csv", "INV-00017", '"Acme Ltd"',
        "'O'Brien & Sons'", "“Müller GmbH”", "«Иван Петров»", "「山田」", "`x`", "${trigger.Email}", "true", "null",
        "cafebabe", "<anna@example.com>", "blk_-1608999687919862906",
    ],
)  # fmt: skip
def test_each_kind_of_value_is_one_parameter(value: str) -> None:
    assert template(f"Cannot use {value} here") == "Cannot use <*> here"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1 record was skipped", "3 records were skipped"),
        ("1 of 7 entries", "3 of 7 entry"),
        ("2 record(s) failed", "1 record failed"),
        ("The value 'Berlin' for field 'City' is bad", "The value 'Delhi' for field 'City' is bad"),
        ("Value 5 is bad.", "Value 'x' is bad"),
        ("Value 5 is  bad\n", "Value 6 is bad!"),
        ("Bad ids: 1, 2 and 3", "Bad ids: 4"),
        ("Unknown: 'Anna', 'Bo', 'Cem'", "Unknown: 'Dana'"),
        ("Unknown: [Anna Schmidt, Bo]", "Unknown: [Cem, Dana, Eva Li]"),
        ("read 845 bytes (1.2 KB) of it", "read 12 bytes of it"),
        ("lasted <1 sec", "lasted 00:17"),
        ("uid=0 user=root rhost=a.example.com", "uid=17 user=anna rhost=10.0.0.1"),
        ("session opened for user root by cron", "session opened for user anna by cron"),
        ("refused password for root from 10.0.0.1", "refused password for x7 from 10.0.0.2"),
        ("Bad &quot;Acme&quot; &#39;x&#39;", "Bad \"Bolt\" 'y'"),
        ("in [12, 13, 14]", "in [7]"),
        ("Invalid user data from 10.0.0.1", "Invalid user login from 10.0.0.2"),
        ("refused password for info from 10.0.0.1", "refused password for a from 10.0.0.2"),
        ("lookup of a.example.zz [10.0.0.1] failed", "lookup of b-c.example.qq [10.0.0.2] failed"),
        ("sets 0x1 <ok> 0x2 <ok> 0x3 <ok>", "sets 0x1 <ok> 0x2 <ok> 0x3 <ok> 0x4 <ok>"),
        ("bus x+ is down", "bus z- is down"),
        ("no row in data/list.csv yet", "no row in a/b/c-1.txt yet"),
        ("no answer from a.b-c.qqq:443", "no answer from 10.0.0.1:443"),
        ('10.0.0.1 "GET /a HTTP/1.1" status: 404 len: 5', '10.0.0.1 "GET /b HTTP/1.1" status: 200 len: 7'),
        ("limit of 300MB reached", "limit of 2 GB reached"),
        (
            "The message of the app is too long to be shown as a whole, it said wh...",
            "The message of the app is too long to be shown as a whole, it said w...",
        ),
        ("r00=0x1 r01=0xfe", "r07=0x2 r08=0xaa"),
        ("Fans ( 3552 3534 )", "Fans ( 3552 **** 3375 )"),
        ("no node for /home/a/b", "no node for /x"),
        ("Path:/home/a x", "Path:/b x"),
        ("no answer from shop.example.com:443", "no answer from 10.0.0.1:443"),
    ],
)
def test_what_differs_by_chance_does_not_part_messages(one: str, other: str) -> None:
    assert template(one) == template(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("HTTP 502", "HTTP 503"),
        ("code 3001", "code 3062"),
        ("ORA-00942", "ORA-00001"),
        ("expects utf-8", "expects utf-16"),
        ("limit of 300 MB", "limit of 300 seconds"),
        ("limit of 300MB", "limit of 300s"),
        ("Field 'Email' is mandatory", "Field 'Phone' is mandatory"),
        ('The "Email" field is mandatory', 'The "Phone" field is mandatory'),
        ("Missing: [Last Name, Company]", "Missing: [Phone, Email]"),
        ("order.id is empty", "order.no is empty"),
        ("trigger.order.id is empty", "trigger.order.no is empty"),
        ("at com.example.Client:21", "at com.example.Server:21"),
        ("SMTP 452 refused", "SMTP 451 refused"),
        ("Input/output error", "Input/output fault"),
        ("no application/json", "no text/html"),
        ("Field 'Last_Name' is empty", "Field 'First_Name' is empty"),
        ('error "invalid_grant"', 'error "invalid_client"'),
        ('Server said "Token has expired, sign in"', 'Server said "Quota is used up"'),
        ("java.net.ConnectException: x", "java.io.IOException: x"),
        ("record is locked", "record is deleted"),
        ("invalid user name given", "invalid user role given"),
        ("waiting for data from 10.0.0.1", "waiting for login from 10.0.0.1"),
        ('"GET /a HTTP/1.1" failed', '"POST /a HTTP/1.1" failed'),
        ("テンプレート123が見つかりません", "レコード123が見つかりません"),
        ("NoSuchElementException here", "IllegalArgumentException here"),
        ("[preauth] closed", "[postauth] closed"),
        ("wait enabled.......0", "trap enabled.......0"),
        ("Invoice#12 is gone", "Order#12 is gone"),
        ("line 5:bad value", "line 5:odd value"),
        ("jk2_init() failed", "jk2_exit() failed"),
        ("fpr1=0x1 is bad", "gpr1=0x1 is bad"),
        ("5 record type is bad", "5 field type is bad"),
        ("login failed; ruser= rhost=10.0.0.1", "login failed; ruser= rhost=10.0.0.1 user=root"),
        ("Can't use users' data or owners' rows", "Can't use users' data or guests' rows"),
    ],
)
def test_what_tells_causes_apart_stays(one: str, other: str) -> None:
    assert template(one) != template(other)


def test_a_cut_end_is_no_part_of_the_cause() -> None:
    assert are_one("Contact 5 was not fou…", "Contact 71 was not f…", "Contact 8888 was not")
    assert template("Loading...") == "Loading"


def test_a_page_of_a_web_server_is_known_by_its_words() -> None:
    head = "<html><head><title>502 Bad Gateway</title><style>h1 {x: 1}</style></head>"
    page = head + "<body><h1>502 Bad Gateway</h1>{}</body></html>"
    one = page.replace("{}", "<hr>nginx/1.18.0<!-- padding 1 -->")
    assert template(one) == "502 Bad Gateway 502 Bad Gateway <*>"
    assert template(one) == template(page.replace("{}", "\n<hr>  nginx/1.25.3<script>var a = '<b>';</script>"))
    assert template(one) != template(one.replace("502 Bad Gateway", "503 Service Unavailable"))


def test_a_template_is_short_whatever_the_message() -> None:
    assert len(template("word " * 200_000)) <= 1_000
    assert are_one("a " * 3_000 + "b", "a " * 3_000 + "c")


def test_signs_that_nobody_sees_do_not_part_messages() -> None:
    assert template("Record\x07 gone\x00") == "Record gone"
    assert template("'utf-8' codec") == template("utf-8 codec")
    assert template("\u202bRecord\u200b 5\x00 is\ufeff gone\ue000") == "Record <*> is gone"


def test_letters_written_in_two_ways_are_the_same() -> None:
    assert are_one("Geschäft fehlt", "Gescha\u0308ft fehlt", "Gesch\\u00e4ft fehlt", "Gesch&auml;ft fehlt")


def test_brackets_with_nothing_in_them_are_as_those_with_a_name_or_an_address() -> None:
    named = "connection from 203.0.113.7 (mail.example.com) at 10:11:12"
    assert are_one(named, "connection from 198.51.100.9 () at 23:01:00", "connection from 198.51.100.9 ( ) at 23:01:00")
    assert template("Contact 5725767000000524157 () is gone") == "Contact <*> is gone"
    assert template("retry2() failed after parse ()") == "retry2() failed after parse ()"
