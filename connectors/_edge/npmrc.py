"""The npmrc file format, and the credentials in it.

Source: npm's documentation, `configuring-npm/npmrc`, "auth related configuration".
"""

import base64
import re
from collections.abc import Mapping
from urllib.parse import urlsplit


def settings(text: str) -> dict[str, str]:
    """Read `key = value` lines; comments, lists and sections are passed over. Values are as written, not expanded."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = (part.strip() for part in line.partition("="))
        if equals and key and key[0] not in ";#[" and not key.endswith("[]"):
            found[key if key.startswith("//") else key.lower()] = _unquoted(value)
    return found


def expand(value: str, env: Mapping[str, str]) -> str:
    """Put in `${NAME}` from the environment as npm does: an unset one stays as written, `${NAME?}` becomes empty."""

    def replacement(match: re.Match[str]) -> str:
        name, optional = match["name"], match["optional"]
        return env.get(name, "" if optional else match[0])

    return re.sub(r"\$\{(?P<name>[^${}?]+)(?P<optional>\??)\}", replacement, value)


def authorization(url: str, secrets: Mapping[str, str]) -> str | None:
    """Return the `authorization` header for a registry from its `//host/path/:…` settings, None where there are none.

    The nearest path counts, up to the host itself.
    """
    parts = urlsplit(url)
    path = parts.path if parts.path.endswith("/") else parts.path + "/"
    while True:
        place = f"//{parts.netloc}{path}:"
        if token := secrets.get(place + "_authToken"):
            return f"Bearer {token}"
        if basic := secrets.get(place + "_auth"):
            return f"Basic {basic}"
        user, password = secrets.get(place + "username"), _decoded(secrets.get(place + "_password", ""))
        if user and password is not None:
            return "Basic " + base64.b64encode(f"{user}:".encode() + password).decode()
        if path == "/":
            return None
        path = path[: path.rstrip("/").rfind("/") + 1]


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) or None
    except ValueError:
        return None


def _unquoted(value: str) -> str:
    for quote in "\"'":
        if len(value) > 1 and value[0] == value[-1] == quote:
            return value[1:-1]
    return re.split(r"\s[;#]", value, maxsplit=1)[0].strip()
