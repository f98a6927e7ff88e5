"""Addresses: which may be asked, and how they may be shown.

An address is rebuilt from its parts with a host of plain letters, digits, dots and dashes, so that no two parsers read different hosts
from it (https://url.spec.whatwg.org/#url-parsing against RFC 3986).
"""

import base64
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote, urlsplit

MAX_LENGTH = 4096
"""Characters of an address."""

PORTS = {"https": 443, "http": 80}
HOST = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,252})|\[[0-9a-f:.]{2,45}\]")
PRINTABLE = re.compile(r"[!-~]*")
LOOPBACK = re.compile(r"localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]")

SHOWN_PARAMETERS = frozenset({"page", "per_page", "state", "format", "predicate_type", "fields", "ref", "maxResults"})
"""Query parameters whose values may be seen in logs, evidence and errors. Of the others only the names are."""


HIDDEN = "..."
MIN_SECRET = 20
"""Characters of a path's segment that may be a token: some registries carry one there (`https://registry.example/TOKEN/simple/`)."""
TURN = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")
"""Where the kind of character changes. Names do so seldom, random text at every second or third character."""
RANDOM_FROM = 1 / 8
"""Turns for a character. Of random tokens one in a hundred has fewer, of long names of packages one in two hundred has more."""
PUBLIC = re.compile(r"sha[0-9]{1,3}:[0-9a-f]+|.+\.(?:whl|zip|tgz|json|tar(?:\.[a-z0-9]+)?)(?:\.[a-z]+)?", re.IGNORECASE)
"""Segments that look random and are not: named digests, and files."""


class NoAddress(ValueError):
    """The text is no address that may be asked; the message says why, and shows no secret."""


@dataclass(frozen=True, slots=True)
class Address:
    """An http or https address in canonical form, without credentials and fragment."""

    scheme: str
    host: str
    port: int
    target: str = field(repr=False)
    """Path and query, percent-encoded, starting with a slash."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an absolute address. Raises `NoAddress`; credentials in it are refused, too."""
        if len(text) > MAX_LENGTH:
            raise NoAddress(f"an address of {len(text)} characters")
        if not PRINTABLE.fullmatch(text) or "\\" in text:
            raise NoAddress("an address with characters that no address holds")
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise NoAddress("an address that cannot be read") from error
        if parts.scheme not in PORTS:
            raise NoAddress(f"an address of scheme {parts.scheme[:20]!r}, not https")
        if parts.username is not None or parts.password is not None:
            raise NoAddress("an address that carries credentials")
        host = _host(parts.netloc)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.scheme, host, PORTS[parts.scheme] if port is None else port, target)

    @property
    def authority(self) -> str:
        """`host`, or `host:port` where the port is not the scheme's own."""
        return self.host if self.port == PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """`scheme://host[:port]`."""
        return f"{self.scheme}://{self.authority}"

    @property
    def loopback(self) -> bool:
        """Whether the address is this machine's own."""
        return LOOPBACK.fullmatch(self.host) is not None

    @property
    def shown(self) -> str:
        """The address as people and the store may see it: without values of unknown query parameters, and what looks like a token."""
        path, _, query = self.target.partition("?")
        pairs = (pair.partition("=") for pair in query.split("&") if pair)
        kept = [f"{name}={value if name in SHOWN_PARAMETERS else HIDDEN}" for name, _, value in pairs]
        seen = "/".join(HIDDEN if _looks_secret(segment) else segment for segment in path.split("/"))
        return self.origin + seen + ("?" + "&".join(kept) if kept else "")

    def __str__(self) -> str:
        """The whole address."""
        return self.origin + self.target


def shown(url: str) -> str:
    """Return the address as people and the store may see it, also one that holds credentials; of what is none, nothing is shown."""
    try:
        return Address.parse(split_credentials(url)[0]).shown
    except NoAddress as error:
        return f"({error})"


def split_credentials(url: str) -> tuple[str, str | None]:
    """Take `user:password@` out of an address and return it as a Basic `authorization` header's value; None: it holds none."""
    scheme, separator, rest = url.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    credentials, at, _ = authority.rpartition("@")
    if not separator or not at:
        return url, None
    user, _, password = credentials.partition(":")
    token = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
    return scheme + separator + rest[len(credentials) + 1 :], f"Basic {token}"


def under(base: Address, path: str) -> Address:
    """Append a path (and query) to the base's own path. Raises `NoAddress`, also for one that climbs out of the base."""
    asked = path.partition("?")[0]
    if any(unquote(segment) in {".", ".."} for segment in asked.split("/")):
        raise NoAddress("a path with dot segments")
    return Address.parse(f"{base.origin}{base.target.partition('?')[0].rstrip('/')}/{path.lstrip('/')}")


def allows(base: Address, hosts: Collection[str], address: Address) -> bool:
    """Whether the base's connector may ask that address: its own origin, or one of `hosts` (`host` or `host:port`).

    Plain http is for bases that are plain http themselves: nobody is led from https to http.
    """
    if address.origin == base.origin:
        return True
    encrypted = address.scheme == "https" or base.scheme == "http"
    return encrypted and address.authority in hosts


def _looks_secret(segment: str) -> bool:
    """Whether it may be a token. Wrong now and then: a name that is hidden costs a look into the configuration, a token that is shown more.

    Letters of one case alone are taken for a name.
    """
    text = unquote(segment)
    if len(text) < MIN_SECRET or PUBLIC.fullmatch(text):
        return False
    return text.isdigit() or len(TURN.findall(text)) >= RANDOM_FROM * len(text)


def _host(netloc: str) -> str:
    host = netloc.lower()
    if not host.endswith("]"):
        before, colon, _ = host.rpartition(":")
        host = before if colon and not before.endswith(":") else host
    if not HOST.fullmatch(host) or ".." in host:
        raise NoAddress(f"an address with the host {host[:80]!r}")
    return host
