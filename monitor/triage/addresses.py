"""Takes URLs, e-mail addresses, paths, files and hosts out of a text in cheap form. Pure."""

from __future__ import annotations

import re

from monitor.triage.marks import PLACE as _P

_TOP = (
    "com|net|org|edu|gov|mil|int|info|biz|io|co|eu|de|uk|in|au|jp|cn|ca|fr|hk|tw|kr|sg|us|ch|at|nl|be|ru|pl|br|it|es|pt|se"
    "|no|dk|fi|ie|nz|za|ae|sa|mx|ar|tr|il|id|my|th|vn|ph|local|lan|internal|intra|corp|home|localdomain|example|test|cloud"
    "|app|dev|ai|me|tv|site|online|shop"
)
_SCHEMES = f"https?|ftps?|sftp|wss?|hdfs|s{_P}|jdbc|spark|file|tcp|udp|amqp|redis|mongodb|postgres(?:ql)?|mysql"
_IN_URL = r"[^\s\"'<>()\[\]{}]*"
_URL = re.compile(rf"(?<![A-Za-z])[A-Za-z][A-Za-z+\d]{{1,15}}://{_IN_URL}|(?<![\w.])www\.[^\s\"'<>()]+")
# The part behind "://" held a digit and is a sign by now.
_URL_CUT = re.compile(rf"\b(?:{_SCHEMES}):{_P}{_IN_URL}")
_MAIL = re.compile(r"<?(?<![\w.+-])[\w.+-]{1,80}@[\w-]{1,80}(?:\.[\w-]{1,80})*>?")
_NOT_IN_PATH = r"\s\"'<>()\[\]{},;=|"
_PATH = re.compile(
    rf"(?<![\w/<.)\]{_P}])(?:[A-Za-z]:(?=[/\\]\w))?(?:~|\.\.?)?[/\\](?=[\w.~$%{_P}/\\])"
    rf"(?:[^{_NOT_IN_PATH}:.!?]|[.:](?=[^{_NOT_IN_PATH}:.]))*+"
)
_RELATIVE = re.compile(r"(?<![\w/.-])[\w-]++(?:\.[\w-]++)*+(?:/[\w.-]{1,80}){1,20}\.\w{1,5}\b")
_FILE = re.compile(
    rf"(?<![\w/.{_P}-])[\w{_P}-]{{1,80}}(?:\.[\w{_P}-]{{1,80}}){{0,4}}?\.(?:pdf|csv|tsv|xlsx?|docx?|pptx?|png|jpe?g|gif|svg|txt|zip"
    r"|json|xml|ya?ml|html?|log|tar|gz|bak|tmp|jar|msg|eml|ics)\b"
)
# Names of classes are written the other way round and stay.
_NO_HOST = "com|org|net|java|javax|io|edu|gov|sun|akka|scala|android|kotlin"
_HOST = re.compile(
    rf"(?<![\w.@/$-])(?!(?:{_NO_HOST})\.)(?:[\w-]{{1,63}}\.){{1,8}}(?:{_TOP})\b(?![\w.(-]*[A-Za-z(])(?::{_P})?"
)
_SOURCES = ("java", "py", "js", "scala", "go", "cs", "rb", "php", "kt", "ts", "c", "cc", "cpp", "h")
_NO_SOURCE = "".join(rf"(?<!\.{ending})" for ending in _SOURCES)
_HOST_AND_PORT = re.compile(rf"(?<![\w.@/$-])[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{1,8}}{_NO_SOURCE}:{_P}")


def without_addresses(text: str) -> str:
    """Puts a parameter's sign for each address, path, file and host.

    Args:
        text: in cheap form; what holds a digit is a sign by now.
    """
    if ":" in text or "www." in text:
        text = _URL_CUT.sub(_P, _URL.sub(_P, text))
    if "@" in text:
        text = _MAIL.sub(_P, text)
    if "/" in text or "\\" in text:
        text = _RELATIVE.sub(_P, _PATH.sub(_P, text))
    if "." in text:
        text = _HOST_AND_PORT.sub(_P, _HOST.sub(_P, _FILE.sub(_P, text)))
    return text
