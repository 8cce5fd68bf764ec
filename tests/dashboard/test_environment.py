"""Settings: each part of an address works or is refused, in one line that names the setting and repeats no secret."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from dashboard import environment
from dashboard.addresses import read_address
from dashboard.environment import PATIENCE
from tests.realprocess import ROOT
from tests.test_docs import in_the_table

BASE = Path("/srv/monitor")


def refused(read: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> str:
    """The one line with which a setting is refused."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured) as caught:
        read()
    line = str(caught.value)
    assert line.startswith(name)
    assert "\n" not in line
    assert "s3cret" not in line
    return line


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path


class TestDatabase:
    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("postgres://u:p@h:5433/db", {"USER": "u", "PASSWORD": "p", "HOST": "h", "PORT": 5433, "NAME": "db"}),
            ("postgresql://h/db", {"USER": "", "PASSWORD": "", "HOST": "h", "PORT": "", "NAME": "db"}),
            ("postgres://u:p@%2Frun%2Fpostgresql/db", {"HOST": "/run/postgresql", "USER": "u"}),
            ("postgres://u:p@%2FRun%2FPg:5433/db", {"HOST": "/Run/Pg", "PORT": 5433}),
            ("postgres://u%40x:p%23%2F%3F%25@h/na%20me", {"USER": "u@x", "PASSWORD": "p#/?%", "NAME": "na me"}),
            ("postgres://u:p#x@h/db", {"PASSWORD": "p#x", "HOST": "h"}),
            ("postgres://[::1]:5432/db", {"HOST": "::1", "PORT": 5432}),
            ("postgres:///db?host=/run/postgresql", {"HOST": "", "OPTIONS": PATIENCE | {"host": "/run/postgresql"}}),
            ("postgres://h/db?sslmode=verify-full&sslrootcert=/etc/ca.pem", {"OPTIONS": PATIENCE | {
                "sslmode": "verify-full", "sslrootcert": "/etc/ca.pem"}}),
            ("postgres://h/db?connect_timeout=3", {"OPTIONS": PATIENCE | {"connect_timeout": "3"}}),
            ("postgres://h/db?DISABLE_SERVER_SIDE_CURSORS=True", {
                "DISABLE_SERVER_SIDE_CURSORS": True, "OPTIONS": PATIENCE}),
            ("POSTGRES://h/db", {"HOST": "h"}),
        ],
    )  # fmt: skip
    def test_every_part_of_an_address_of_postgresql_works(
        self, url: str, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", url)
        found = environment.database(BASE)
        assert {name: found[name] for name in expected} == expected
        assert found["ENGINE"] == "django.db.backends.postgresql"

    @pytest.mark.parametrize(
        ("path", "name"),
        [("var/x.sqlite3", "{base}/var/x.sqlite3"), ("{base}/a%20b.db", "{base}/a b.db"), (":memory:", ":memory:")],
    )
    def test_a_file_of_sqlite_is_found(self, path: str, name: str, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", f"sqlite:///{path.format(base=base)}")
        assert environment.database(base)["NAME"] == name.format(base=base)

    def test_without_the_setting_it_is_a_file_here(self, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("DATABASE_URL")
        folder = base / "50 % # of ?"
        folder.mkdir()
        assert environment.database(folder)["NAME"] == str(folder / "var" / "monitor.sqlite3")

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("mysql://u:s3cret@h/db", "must start with sqlite:/// or postgres://"),
            ("postgres:/h/db", "must start with sqlite:/// or postgres://"),
            ("s3cret", "must start with sqlite:/// or postgres://"),
            ("postgres://u:s3cret@h", "must name one database"),
            ("postgres://u:s3cret@h/", "must name one database"),
            ("postgres://u:s3cret@h/db/more", "must name one database"),
            ("postgres://u:s3cret@h/db#s3cret", "must not hold a #"),
            ("postgres://u:s3cret@h:port/db", "the port must be a number between 1 and 65535"),
            ("postgres://u:s3cret@h:99999/db", "the port must be a number between 1 and 65535"),
            ("postgres://u:s3cret@h:0/db", "the port must be a number between 1 and 65535"),
            ("postgres://u:5/s3cret@h/db", "must be percent-encoded"),
            ("postgres://u:s3c?ret@h/db", "must be percent-encoded"),
            ("postgres://u:s3@cret@h/db", "@ is %40"),
            ("postgres://h/db?tls=true", "no option tls"),
            ("postgres://h/db?sslmod=require", "no option sslmod"),
            ("postgres://h/db?CONN_MAX_AGE=0", "no option CONN_MAX_AGE"),
            ("postgres://h/db?password=s3cret", "no option password"),
            ("postgres://h/db?host=other", "no option host"),
            ("postgres://h/db?sslmode=verfy-full", "sslmode must be one of disable, allow"),
            ("postgres://h/db?sslmode", "must be option=value"),
            ("postgres://h/db?sslmode=require&sslmode=disable", "names an option twice"),
            ("sqlite:///var/x.sqlite3?mode=ro", "options behind a ? (mode)"),
            ("sqlite:///var/x.sqlite3#s3cret", "must not hold a #"),
            ("sqlite://var/x.sqlite3", "three slashes"),
            ("sqlite://", "names no database"),
            ("postgres://u:s3%cret@h/db", "must be written as %25"),
            ("postgres://u:s3cret%@h/db", "must be written as %25"),
            ("postgres://u@h/db%2", "must be written as %25"),
            ("postgres://u:s3cret@h;x/db", "the host is none"),
            ("postgres://u:s3cret@h%3Bx/db", "the host is none"),
        ],
    )
    def test_what_would_have_no_effect_is_refused(
        self, url: str, said: str, base: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert said in refused(lambda: environment.database(base), monkeypatch, "DATABASE_URL", url)


class TestEmail:
    @pytest.mark.parametrize(
        ("url", "host", "port", "tls", "ssl"),
        [
            ("smtp://mail.example.com", "mail.example.com", 25, False, False),
            ("smtp://mail.example.com/", "mail.example.com", 25, False, False),
            ("smtp+tls://mail.example.com:2525", "mail.example.com", 2525, True, False),
            ("SMTP+SSL://mail.example.com", "mail.example.com", 465, False, True),
            ("smtp://[::1]:26", "::1", 26, False, False),
        ],
    )
    def test_scheme_host_and_port(
        self, url: str, host: str, port: int, tls: bool, ssl: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("EMAIL_URL", url)
        found = environment.email(debug=False)
        assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == (host, port)
        assert (found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (tls, ssl)

    def test_user_and_password_are_percent_decoded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EMAIL_URL", "smtp+tls://ops%40example.com:p%23%2F%3A%3F%25@mail.example.com:587")
        found = environment.email(debug=False)
        assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("ops@example.com", "p#/:?%")

    @pytest.mark.parametrize("url", ["console:", "mailbox:", "Console://"])
    def test_words_without_a_host(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EMAIL_URL", url)
        assert "EMAIL_HOST" not in environment.email(debug=False)

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("smtp://u:s3cret@mail.example.com:587/?tls=true", "options behind a ? (tls): smtp+tls:// is STARTTLS"),
            ("smtp://u:s3cret@mail.example.com:587?ssl=1&timeout=5", "(ssl, timeout)"),
            ("smtp+tls://u:#s3cret@mail.example.com:587", "must not hold a #: write it as %23"),
            ("smtp+tls://u:?s3cret@mail.example.com:587", "must be percent-encoded"),
            ("smtp+tls://u:/s3cret@mail.example.com:587", "must be percent-encoded"),
            ("smtp://mail.example.com:25/x", "must not hold a path"),
            ("smtp://mail.example.com:25#x", "must not hold a #"),
            ("smtp://mail.example.com:s3cret", "the port must be a number"),
            ("smtp://mail.example.com:70000", "the port must be a number"),
            ("smtp://u@mail.example.com", "a user name and no password"),
            ("smtp://:s3cret@mail.example.com", "user:password"),
            ("smtp://", "names no host"),
            ("smtp://u:s3cret@", "names no host"),
            ("smtp://mail example.com", "the host is none"),
            ("smtps://mail.example.com", "must be smtp://, smtp+tls:// or smtp+ssl://"),
            ("mail.example.com:25", "must be smtp://"),
            ("smtp:mail.example.com", "must be smtp://"),
            ("mailbox:s3cret", "must be smtp://"),
            ("console://more", "must be smtp://"),
        ],
    )
    def test_what_would_have_no_effect_is_refused(self, url: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
        assert said in refused(lambda: environment.email(debug=False), monkeypatch, "EMAIL_URL", url)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://monitor.example.com", "https://monitor.example.com"),
        ("HTTPS://Monitor.Example.com/", "https://monitor.example.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_the_public_address_is_an_origin(url: str, origin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", url)
    assert environment.public_url(debug=False) == origin


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("monitor.example.com", "must start with https:// or http://"),
        ("ftp://monitor.example.com", "must start with https:// or http://"),
        ("https://monitor.example.com/sub", "must not hold a path"),
        ("https://monitor.example.com?s3cret=1", "options behind a ?"),
        ("https://monitor.example.com#s3cret", "must not hold a #"),
        ("https://u:s3cret@monitor.example.com", "must not hold a user name"),
        ("https://monitor.example.com:https", "the port must be a number"),
        ("https://monitor.example.com:99999", "the port must be a number"),
        ("https://", "must start with https:// or http://"),
        ("https://:8000", "names no host"),
        ("https://monitor%2Fexample.com", "names no host"),
    ],
)
def test_a_public_address_that_is_none_is_refused(url: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert said in refused(lambda: environment.public_url(debug=False), monkeypatch, "PUBLIC_URL", url)


def test_hosts_are_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "monitor.example.com, .example.org,127.0.0.1,[::1],*,my_host")
    expected = ["monitor.example.com", ".example.org", "127.0.0.1", "[::1]", "*", "my_host"]
    assert environment.hosts([]) == expected
    monkeypatch.setenv("ALLOWED_HOSTS", "")
    assert environment.hosts(["localhost"]) == ["localhost"]


@pytest.mark.parametrize("host", ["https://monitor.example.com", "monitor.example.com:8000", "a/b", "a b", "*.example"])
def test_what_no_host_is_called_is_refused(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "entry 2" in refused(lambda: environment.hosts([]), monkeypatch, "ALLOWED_HOSTS", f"localhost,{host}")


@pytest.mark.parametrize("level", ["loud", "WARN", "20"])
def test_a_level_that_is_none_is_refused(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "one of DEBUG, INFO, WARNING, ERROR" in refused(environment.log_level, monkeypatch, "LOG_LEVEL", level)
    monkeypatch.setenv("LOG_LEVEL", "error")
    assert environment.log_level() == "ERROR"


@pytest.mark.parametrize("value", ["monitor", "a@example.com, b@example.com", "Ops <monitor>", "@example.com", "a@"])
def test_a_sender_that_is_no_address_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(environment.sender, monkeypatch, "DEFAULT_FROM_EMAIL", value)
    monkeypatch.setenv("DEFAULT_FROM_EMAIL", "Ops, at night <ops@example.com>".replace(",", ""))
    assert environment.sender() == "Ops at night <ops@example.com>"


@pytest.mark.parametrize("value", ["ja", "2", "truee", "enabled"])
def test_yes_and_no_are_no_other_words(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "TRUST_PROXY" in refused(lambda: environment.boolean("TRUST_PROXY"), monkeypatch, "TRUST_PROXY", value)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("EMAIL_URI", "EMAIL_URL"),
        ("DATABASEURL", "DATABASE_URL"),
        ("DATABASE_URI", "DATABASE_URL"),
        ("email_url", "EMAIL_URL"),
        ("ALLOWED_HOST", "ALLOWED_HOSTS"),
        ("ENCRYPTION_KEY", "ENCRYPTION_KEYS"),
        ("RETAIN_ROW_DAYS", "RETAIN_ROWS_DAYS"),
        ("TRUSTPROXY", "TRUST_PROXY"),
    ],
)
def test_a_misspelt_setting_is_refused_where_the_right_one_is_not_set(
    given: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(meant, raising=False)
    assert f"{meant} is meant" in refused(environment.refuse_misspelt, monkeypatch, given, "s3cret")
    monkeypatch.setenv(meant, "something")
    environment.refuse_misspelt()


@pytest.mark.parametrize("given", ["NDEBUG", "DEMON", "PATH", "TEST_DATABASE_URL", "DATABASE_HOST", "MAIL", "LOGNAME"])
def test_variables_of_others_are_left_alone(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in environment.SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(given, "1")
    before = dict(os.environ)
    environment.refuse_misspelt()  # ends the program where a name looks like one of ours
    assert dict(os.environ) == before


def test_the_settings_whose_names_are_watched_are_those_of_the_document() -> None:
    assert set(environment.SETTINGS) == in_the_table()


def test_a_command_ends_with_that_one_line_and_exit_code_1() -> None:
    url = "smtp://u:s3cret@mail.example.com:587/?tls=true"
    ended = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=os.environ | {"DEBUG": "1", "EMAIL_URL": url, "DATABASE_URL": "sqlite:///:memory:"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: EMAIL_URL must not hold options behind a ? (tls)")
    assert ended.stderr.count("\n") == 1
    assert "s3cret" not in ended.stderr + ended.stdout


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_taken_apart_or_refused_in_one_line(before: str, behind: str) -> None:
    url = f"smtp://{before}@{behind}"
    try:
        found = read_address("NAME", url)
    except ImproperlyConfigured as error:
        said = str(error)
    else:
        said = "NAME"
        assert found.user or "@" not in url
        assert not set(url.partition("://")[2]) & {"#"}
    assert said.startswith("NAME")
    assert "\n" not in said
