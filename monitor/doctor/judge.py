"""Says of what was seen of an installation what is wrong with it, what that means, and how to fix it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from shlex import quote

GIB = 2**30
LITTLE_ROOM, NO_ROOM = 2 * GIB, GIB // 2
# Leases last a minute and tokens an hour: a clock that is further off than this decides wrongly who may work.
CLOCKS_APART = timedelta(seconds=5)
UNREAD_STATES = frozenset({"revoked", "foreign", "locked"})  # until a person does something nothing more is read
TROUBLED_STATES = frozenset({"unreachable", "schema", "stale", "silent"})


@dataclass(frozen=True)
class Complaint:
    """Tells one thing that is wrong.

    Attributes:
        code: by which scripts know it.
        is_error: something does not work; else it will not, or could be better.
        what: is wrong.
        means: what follows from it for people.
        fix: what to do.
    """

    code: str
    is_error: bool
    what: str
    means: str
    fix: str


@dataclass(frozen=True)
class SettingsMessage:
    """Holds one message of Django's checks of the settings."""

    code: str
    is_error: bool
    text: str
    hint: str


@dataclass(frozen=True)
class AccountSeen:
    """Holds how one Zoho account stands: a state of `monitor.queries.freshness`, in words, and why."""

    name: str
    state: str
    label: str
    reason: str


@dataclass(frozen=True)
class InstallationFacts:
    """Holds what was seen of an installation. What could not be looked at, because the database is away, is None.

    Attributes:
        is_development: DEBUG is on, or it is the demo.
        settings: what Django's checks say.
        is_static_collected: whether the files of pages are named by their content and compressed.
        database: why it cannot be reached; "" where it can.
        schema: what is wrong with its tables.
        encoding: the database's, "" where it has none of its own.
        clock_ahead: how far the database's clock is before ours; None where it has none of its own.
        room: free bytes where something is written, by name.
        open_files: files with data that others on this machine can read.
        keys: why no secret can be read.
        unreadable: secrets that no key at hand reads, by table and key.
        older_keys: how many secrets are not encrypted under the first key.
        not_ready: what `/healthz/ready` complains of, by part: worker, alerts, mail.
        failing_jobs: background jobs that fail, in words.
        mail_way: smtp, console or dummy.
        admins: how many people may connect accounts.
        hearers: how many people or channels alerts can reach.
        bounced: how many people's addresses are refused.
        accounts: all of Zoho's that are connected.
    """

    is_development: bool = False
    settings: Sequence[SettingsMessage] = ()
    is_static_collected: bool = True
    database: str = ""
    schema: str = ""
    encoding: str = ""
    clock_ahead: timedelta | None = None
    room: Mapping[str, int] = field(default_factory=dict)
    open_files: Sequence[str] = ()
    keys: str = ""
    unreadable: Sequence[str] = ()
    older_keys: int = 0
    not_ready: Mapping[str, Sequence[str]] = field(default_factory=dict)
    failing_jobs: Sequence[str] = ()
    mail_way: str = "smtp"
    admins: int | None = None
    hearers: int | None = None
    bounced: int = 0
    accounts: Sequence[AccountSeen] | None = None


def complaints(seen: InstallationFacts) -> list[Complaint]:
    """Returns what is wrong, errors first, else in the order in which it is to be fixed."""
    found = [*_settings(seen), *_machine(seen), *_database(seen), *_secrets(seen), *_work(seen), *_people(seen)]
    found += _accounts(seen.accounts)
    return sorted(found, key=lambda one: not one.is_error)


def _error(code: str, what: str, means: str, fix: str) -> Complaint:
    return Complaint(code=code, is_error=True, what=what, means=means, fix=fix)


def _warning(code: str, what: str, means: str, fix: str) -> Complaint:
    return Complaint(code=code, is_error=False, what=what, means=means, fix=fix)


def _settings(seen: InstallationFacts) -> Iterator[Complaint]:
    if seen.is_development:
        yield _warning(
            "development",
            "this is the demo, or DEBUG is on",
            "errors show their insides, and what production needs is not checked",
            "for production leave DEBUG and DEMO out of the environment and run this again",
        )
    for message in seen.settings:
        yield Complaint(
            message.code,
            message.is_error,
            message.text,
            "the product does not work as it should, or is not as safe as it could be",
            message.hint or "see docs/settings.md",
        )
    if not seen.is_static_collected:
        yield _warning(
            "static-not-collected",
            "the files of pages are not collected",
            "browsers fetch them again and again, uncompressed",
            "run `manage.py collectstatic --noinput` and start `web` again",
        )


def _machine(seen: InstallationFacts) -> Iterator[Complaint]:
    for name, free in seen.room.items():
        if free < LITTLE_ROOM:
            yield Complaint(
                "disk-full" if free < NO_ROOM else "disk-nearly-full",
                free < NO_ROOM,
                f"there are {free / GIB:.1f} GiB free for {name}",
                "once nothing can be written, nothing is mirrored, judged or sent",
                "make room, or keep less: docs/settings.md, Retention",
            )
    for name in seen.open_files:
        yield _warning(
            "file-open-to-others",
            f"others on this machine can read {name}",
            "it holds people's data, and secrets in encrypted form",
            f"chmod 600 {name}",
        )


def _database(seen: InstallationFacts) -> Iterator[Complaint]:
    if seen.database:
        yield _error(
            "database-away",
            f"the database cannot be reached: {seen.database}",
            "nothing works; worker, mails, people and accounts could not be looked at",
            "start it, or correct DATABASE_URL",
        )
    if seen.schema:
        yield _error(
            "database-schema",
            seen.schema,
            "nothing works until the tables are this version's",
            "see docs/operations.md, Upgrading",
        )
    if seen.encoding not in ("", "UTF8"):
        yield _error(
            "database-encoding",
            f"the database's encoding is {seen.encoding}",
            "names and errors that it cannot write are put aside and missing in the mirror",
            "make a database with encoding UTF8 and move the data into it",
        )
    if seen.clock_ahead is not None and abs(seen.clock_ahead) > CLOCKS_APART:
        apart = abs(seen.clock_ahead).total_seconds()
        yield _error(
            "clocks-apart",
            f"the clocks of this machine and the database are {apart:.0f} s apart",
            "leases and silences end too early or too late, and ages are wrong",
            "have both machines keep time (NTP)",
        )


def _secrets(seen: InstallationFacts) -> Iterator[Complaint]:
    if seen.keys:
        yield _error(
            "keys",
            seen.keys,
            "nothing is read from Zoho, and no secret can be stored",
            "see docs/settings.md, ENCRYPTION_KEYS",
        )
    elif seen.unreadable:
        yield _error(
            "secrets-unreadable",
            f"no key at hand reads {len(seen.unreadable)} of the stored secrets: {', '.join(seen.unreadable)}",
            "what they belong to cannot be used",
            "add the key that encrypted them to ENCRYPTION_KEYS, behind the first, or enter the secrets again",
        )
    if seen.older_keys:
        yield _warning(
            "secrets-under-an-older-key",
            f"secrets under an older key: {seen.older_keys}",
            "the older key cannot be taken away yet",
            "run `manage.py rotate_keys`",
        )


_PARTS = {
    "worker": (
        "nothing is read from Zoho, no alert is judged and no mail is sent",
        "start `manage.py worker`, or see its log for why it ended",
    ),
    "alerts": ("alerts may be missing", "see the worker's log for the error, and start the worker again"),
    "mail": (
        "alerts are judged and reach nobody by mail",
        "correct EMAIL_URL, then send yourself a test mail from your profile",
    ),
}


def _work(seen: InstallationFacts) -> Iterator[Complaint]:
    for part, (means, fix) in _PARTS.items():
        for problem in seen.not_ready.get(part, ()):
            if problem == seen.keys:
                continue  # which is told already
            yield _error(f"{part}-not-ready", problem, means, fix)
    for job in seen.failing_jobs:
        yield _error(
            "job-failing",
            f"a background job fails: {job}",
            "what it does is not done until it succeeds; it is tried again by itself",
            "see the worker's log for the error",
        )
    if seen.mail_way != "smtp" and not seen.is_development:
        where = "to the terminal" if seen.mail_way == "console" else "into the list of mails alone"
        yield _warning(
            "mail-not-sent",
            f"mails are written {where}",
            "no alert reaches anybody by mail",
            "set EMAIL_URL to a mail server",
        )


def _people(seen: InstallationFacts) -> Iterator[Complaint]:
    if seen.admins == 0:
        yield _error(
            "no-admin",
            "there is no active admin",
            "nobody can connect accounts or let people in",
            "run `manage.py createsuperuser`",
        )
    if seen.hearers == 0:
        yield _warning(
            "nobody-hears",
            "no active person has a mail address, and no channel is on",
            "alerts are judged, and nobody is told",
            "add an address under People, or a channel",
        )
    if seen.bounced:
        yield _warning(
            "addresses-refused",
            f"mail addresses that the mail server refuses: {seen.bounced}",
            "these people do not hear of alerts",
            "correct the addresses that are marked under People",
        )


def _accounts(accounts: Sequence[AccountSeen] | None) -> Iterator[Complaint]:
    if accounts is not None and not accounts:
        yield _warning(
            "no-account",
            "no Zoho account is connected",
            "there is nothing to watch",
            "connect one: Accounts, or `manage.py connect --help`",
        )
    for one in accounts or ():
        if one.state in UNREAD_STATES | TROUBLED_STATES:
            yield Complaint(
                f"account-{one.state}",
                one.state in UNREAD_STATES,
                f"account {one.name}: {one.label}" + (f" ({one.reason})" if one.reason else ""),
                "what is shown of it grows old, and what happens there is not told",
                _steps(one),
            )


def _steps(account: AccountSeen) -> str:
    name = quote(account.name)
    if account.state in ("revoked", "foreign"):
        return f"connect it again: `manage.py connect {name} --help`, or Reconnect on its page"
    if account.state == "locked":
        return "see docs/settings.md, ENCRYPTION_KEYS"
    if account.state == "unreachable":
        return "see whether this machine may connect to Zoho; it is tried again by itself"
    return f"see `manage.py status {name}`"
