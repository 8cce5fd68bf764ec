"""Fills the slots of causes with invented values: ids, names in several scripts, dates, amounts, addresses."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from random import Random

SLOT = re.compile(r"\{\{(\w+)\}\}|\$?\{(\w+)\}")
NAMES = (
    "Zoë Åkesson", "王小明", "Иван Петров", "محمد العلي", "山田太郎", "José Núñez", "O'Brien & Sons", "Müller GmbH",
    "Ann", "Anna Schmidt", "আনিকা রহমান", "Ελένη Παππά", "김민준", "Renewal 2026 – Berlin", "ACME", "דנה לוי",
    "Priya Raman", "The Open Door Ltd.", "Łukasz Żak", "Q3 Offer (final)", "สมชาย ใจดี", "Garden/House", "New Deal",
)  # fmt: skip
LOGINS = ("root", "mchen", "backup", "guest", "x7", "anna.k", "test", "oracle", "svc-mail", "webadmin")
WORDS = ("colour", "Berlin", "Gross", "kitchen", "Winter", "chair", "Delta", "Umsatz", "lamp", "Harbour")
HOSTS = ("node-{}.example.com", "db{}.example.org", "shop.example.net", "mail-{}.example.co.uk", "files.example.com")
DURATIONS = (" seconds", " s", " ms", "s", " minutes", ".25 s")
BOXES = ("anna", "o.brien", "i+n", "x7")
QUERIES = ("", "?id=5&name=Ann")
NUMBERED = ("list_{}.csv", "offer-{}.pdf", "Q{}.xlsx", "img{}.png")
ENDINGS = ("", "/list.csv", "/a-1.txt")
FOLDERS = ("var", "home", "export", "data", "anna", "in", "crm", "2026-11", "old", "backup_3")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def _hex(random: Random, length: int) -> str:
    text = "".join(random.choices("0123456789abcdef", k=length))
    return text if re.search(r"\d", text) else _hex(random, length)


def _random_id(random: Random) -> str:
    """Makes an id of mixed case with at least one digit, such as `k9Mtd2gDcgG`."""
    return "".join(random.choices(LETTERS, k=9)) + random.choice("23456789") + random.choice(LETTERS)


def _ip(random: Random) -> str:
    return ".".join(str(random.randint(1, 254)) for _ in range(4))


def _date(random: Random) -> str:
    day, month, year = random.randint(1, 28), random.randint(1, 12), random.randint(2024, 2027)
    name = MONTHS[month - 1]
    forms = (
        f"{year}-{month:02}-{day:02}", f"{day:02}/{month:02}/{year}", f"{day}.{month}.{year}",
        f"{name} {day}, {year}", f"{day} {name} {year}", f"{year}-{month:02}-{day:02}T10:{day:02}:07Z",
        f"{year}-{month:02}-{day:02} 09:{day:02}",
        f"{year}{month:02}{day:02}", f"{DAYS[day % 7]}, {day:02} {name} {year}",
    )  # fmt: skip
    return random.choice(forms)


def _time(random: Random) -> str:
    hour, minute = random.randint(0, 23), random.randint(0, 59)
    second, half = random.randint(10, 59), "AM" if hour < 12 else "PM"
    forms = (f"{hour:02}:{minute:02}", f"{hour:02}:{minute:02}:{second}", f"{hour % 12 + 1}:{minute:02} {half}")
    return random.choice((*forms, f"2026-11-{second - 9:02}T{hour:02}:{minute:02}:00+05:30"[:25]))


def _amount(random: Random) -> str:
    value = random.randint(1_000, 9_999_999)
    forms = (
        f"{value:,}",
        f"{value:,}.50", f"€ {value}.00", f"USD {value:,}.99", f"{value} EUR", f"${value:,}", f"₹{value}",
        f"{value:,}".replace(",", ".") + ",25", f"{value:,}".replace(",", " "), "4,150,908",
    )  # fmt: skip
    return random.choice(forms)


def _path(random: Random) -> str:
    return "/" + "/".join(random.choices(FOLDERS, k=random.randint(2, 5))) + random.choice(ENDINGS)


def _phone(random: Random) -> str:
    number = random.randint(100, 999)
    return random.choice((f"+49 30 555{number}", f"(555) 010-0{number}", f"+1-555-0100-{number}", f"0044555{number}0"))


def _stamp(random: Random) -> str:
    day, hour = random.randint(1, 28), random.randint(10, 23)
    return f"{random.choice(DAYS)} {random.choice(MONTHS)} {day:2} {hour}:{day + 9}:{hour + 20} 2026"


MAKERS: dict[str, Callable[[Random], str]] = {
    "id": lambda random: str(random.randint(10**14, 10**19)),
    "rid": _random_id,
    "uuid": lambda random: str(uuid.UUID(int=random.getrandbits(128), version=4)),
    "hex": lambda random: _hex(random, random.choice((8, 11, 16, 32))),
    "hh": lambda random: _hex(random, 2),
    "email": lambda random: f"{random.choice(BOXES)}@{random.choice(('example.com', 'example.org'))}",
    "phone": _phone,
    "date": _date,
    "time": _time,
    "stamp": _stamp,
    "amount": _amount,
    "n": lambda random: str(random.choice((1, 2, 7, random.randint(2, 99), random.randint(100, 99_999)))),
    "nn": lambda random: f"{random.randint(0, 31):02}",
    "st": lambda random: random.choice(("200", "200", "202", "204", "404")),
    "pct": lambda random: f"{random.randint(80, 100)}{random.choice((' %', '%', '.5%'))}",
    "dur": lambda random: f"{random.randint(2, 90)}{random.choice(DURATIONS)}",
    "life": lambda random: random.choice(("<1 sec", f"00:{random.randint(10, 59)}", f"01:{random.randint(10, 59)}:07")),
    "size": lambda random: f"{random.randint(21, 900)}{random.choice((' MB', 'MB', '.4 MB', ' KB', ' GB'))}",
    "ip": _ip,
    "ipport": lambda random: f"{_ip(random)}:{random.randint(80, 65_000)}",
    "mac": lambda random: ":".join(_hex(random, 2) for _ in range(6)),
    "host": lambda random: random.choice(HOSTS).format(random.randint(1, 99)),
    "url": lambda random: f"https://{random.choice(HOSTS).format(3)}{_path(random)}{random.choice(QUERIES)}",
    "path": _path,
    "file": lambda random: random.choice(NUMBERED).format(random.randint(1, 99)),
    "inv": lambda random: f"{random.choice(('INV-', 'RE2026-', 'B/', 'SO-'))}{random.randint(1, 99_999):05}",
    "ver": lambda random: f"1.{random.randint(10, 29)}.{random.randint(0, 9)}",
    "login": lambda random: random.choice(LOGINS),
    "name": lambda random: random.choice(NAMES),
    "word": lambda random: random.choice(WORDS),
    "blks": lambda random: " ".join(f"blk_{random.randint(10**15, 10**18)}" for _ in range(random.randint(1, 6))),
}  # fmt: skip


def filled(line: str, random: Random) -> tuple[str, list[str]]:
    """Fills each slot of a line, and tells which values are the trigger data's as well.

    Args:
        line: with slots such as `{id}`; a slot in double braces is the trigger data's; `${trigger.x}` stays.
        random: decides the values.

    Returns:
        The line, and the values of its slots in double braces.
    """
    shared: list[str] = []

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        made = MAKERS[name](random)
        if found[1]:
            shared.append(made)
        return made

    return SLOT.sub(value, line), shared
