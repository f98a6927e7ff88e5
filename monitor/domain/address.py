"""Addresses of remote servers: read strictly, without secrets, in one form in which equal endpoints are equal text."""

import re
from urllib.parse import urlsplit

from monitor.domain.fingerprint import fingerprint

SCHEMES = {"http": 80, "https": 443, "ws": 80, "wss": 443}
MAX_LENGTH = 2048
HOST = re.compile(r"[^\s/\\?#@:%\[\]<>^|`{}\"]+|\[[0-9A-Fa-f:.]+\]")
VARIABLE = re.compile(r"\$\{[\w:.-]{1,80}\}")
SHORT = 12
"""Characters. A shorter part of a path is shown as it is, but for one of letters and digits mixed."""

HASHED = 12
"""Digits of the hash that stands for a secret."""

PLAIN = re.compile(r"(?=.{1,80}$)([A-Za-z]?[a-z]{0,18}|v?\d{1,4})([._~@:-]([A-Za-z]?[a-z]{0,18}|v?\d{1,4}))*")
"""Words and small numbers with marks between them, as people write them."""

HIDDEN = re.compile(r"~[0-9a-f]{12}")
KEY = re.compile(r"(?=([A-Za-z_-]*[0-9]+[A-Za-z_-]+){2})[\w-]{8,}")
"""Letters and digits that take turns, as in no word with a number."""

LABEL = re.compile(r"(?=([a-z]*[0-9]+[a-z]+){2})[0-9a-z]{20,}")
HALVES = re.compile("[\ud800-\udfff]")
"""What no encoding can write."""

GIVEN = re.compile(r"(?<=[A-Za-z0-9_-])(?<!subdirectory)(?<!egg)=(?![=\s])[^\s;,]+")
"""A value behind a name: no comparison of versions, such as `==1.0` or `>=1`."""

MIXED = re.compile(r"(?<![\w@#~.-])(?=[A-Za-z_+-]*[0-9])[\w+-]{16,}(?![\w-])|(?<![\w@#~])[0-9a-fA-F]{16,}(?!\w)")
TOKEN = re.compile(
    r"(?i)\b(gh[pousr]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{10,}|npm_\w{16,}|pypi-[\w-]{16,}|sk-[\w-]{16,}|xox[a-z]-[\w-]{10,}"
    r"|AKIA[0-9A-Z]{12,}|eyJ[\w-]{10,}\.[\w-]+(\.[\w-]+)?|AIza[\w-]{20,})"
)
"""Tokens that are known by how they begin."""


def endpoint(url: str) -> str | None:
    """Return `scheme://host[:port]/path` without credentials, query and fragment; None for what does not parse strictly. Never raises.

    Parts of host and path that may be secrets are replaced by a short hash: equal endpoints stay equal, and reading twice changes nothing.
    """
    text = url.strip()
    # What a client still fills in stands for any host; it is shown, and equals no real one.
    named = VARIABLE.search(text.partition("://")[2].partition("/")[0])
    text = VARIABLE.sub("variable", text, count=1) if named else text
    if len(text) > MAX_LENGTH or "\\" in text or not text.isprintable() or re.search(r"\s", text.partition("?")[0]):
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    scheme, host = parts.scheme.lower(), parts.netloc.rpartition("@")[2]
    name = host if port is None else host[: host.rindex(":")]
    name = name.removesuffix(":").lower()
    if scheme not in SCHEMES or not text[len(scheme) :].startswith("://") or not HOST.fullmatch(name):
        return None
    name = ".".join(map(_without_key, name.split(".")))
    authority = name if port in (None, SCHEMES[scheme]) else f"{name}:{port}"
    authority = authority.replace("variable", named[0], 1) if named else authority
    return f"{scheme}://{authority}" + "/".join(map(_without_secret, parts.path.split("/")))


def same_endpoint(url: str) -> str | None:
    """Return the form in which two spellings of one endpoint are equal: as `endpoint`, without a final slash."""
    found = endpoint(url)
    return found.rstrip("/") if found else None


def without_credentials(text: str) -> str:
    """Return the text without what holds secrets in addresses: a user name or password before the host, the query; and known tokens."""
    bare = re.sub(r"(?<=://)[^/?#\s]*@(?=[^/?#\s])", "", re.sub(r"\?[^#\s]*", "", text))
    return TOKEN.sub("…", bare)


def shown(text: str, limit: int = 500) -> str:
    """Return text that somebody else wrote, as it may be kept and shown: without what may be a secret, an address as `endpoint`."""
    text = HALVES.sub("\N{REPLACEMENT CHARACTER}", text[: limit * 8])
    return (endpoint(text) or _without_values(without_credentials(text)))[:limit]


def _without_values(text: str) -> str:
    """Take out what is given to a name by `=`, and words of letters and digits as no one writes them; commits of a source stay."""
    return MIXED.sub(lambda word: word[0] if PLAIN.fullmatch(word[0]) else "…", GIVEN.sub("=…", text))


def _without_key(label: str) -> str:
    """Hide a label of a host that is a key: some vendors give each customer one."""
    return _hidden(label) if LABEL.fullmatch(label) else label


def _without_secret(segment: str) -> str:
    if TOKEN.search(segment) or ((len(segment) >= SHORT or KEY.fullmatch(segment)) and not PLAIN.fullmatch(segment)):
        return segment if HIDDEN.fullmatch(segment) else _hidden(segment)
    return segment


def _hidden(text: str) -> str:
    return "~" + fingerprint("segment of a path", text)[:HASHED]
