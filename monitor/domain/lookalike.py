"""Names that look like a listed one: what is on no list may be a slip, a fork, or somebody who hopes to be taken for a listed server.

A warning is a difference that people overlook and that squatters use: letters that look alike, one letter missing, doubled, wrong or
swapped, other marks between the words, the scope left out or changed, a word such as `official` or `py` added, the same name in another
ecosystem.
Words that half of all servers bear (`mcp`, `server`) tell nothing: names that differ in these alone are near, and no warning.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from monitor.domain.deployment import Deployment
from monitor.domain.purl import Purl
from monitor.domain.server import Server

LONGEST = 214
"""Characters of a name that are compared: npm allows no more."""
SHORTEST = 6
"""Letters. Of shorter names too many are one letter apart."""
LEAST_CORE = 4
"""Letters of the words that tell one server from another."""
GENERIC = frozenset(("mcp", "server", "servers", "client", "tool", "tools", "api", "sdk", "service", "the", "my"))
"""Words of which no server is known."""
RUNTIMES = frozenset(("js", "ts", "py", "node", "python", "npm", "pypi", "cli", "core", "lib"))
PROMISES = frozenset(("official", "real", "original", "secure", "pro", "plus", "fixed", "patched", "new", "latest"))
ADDED = RUNTIMES | PROMISES
"""Words that are added to a name to be taken for it."""
LOOKS = str.maketrans(
    "0135|\u0456\u04cf\u0131\u03bf\u043e\u0430\u0435\u0440\u0441\u0443\u0445\u0501\u04bb\u0458\u0455\u051b\u051d",
    "oiesllliooaepcyxdhjsqw",
)
"""Figures, then Cyrillic and Greek letters that are drawn like Latin ones."""
SHAPES = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("l", "i"))
Said = tuple[str, bool]
"""In which words two names differ, and whether that is a warning."""
WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Near:
    """The listed server that is nearest to a name, in which way (words for a person), and whether the name is a warning."""

    server: Server
    how: str
    lookalike: bool


@dataclass(frozen=True, slots=True)
class Names:
    """The names of listed servers, so that each question costs the length of a name and not that of the list."""

    _by_form: dict[tuple[str, str], list[tuple[Server, str, str]]] = field(default_factory=dict)
    """(kind of form, form) -> server, type and label."""

    @classmethod
    def of(cls, servers: Iterable[Server]) -> Self:
        """Index the packages, repositories and addresses of the servers."""
        made = cls()
        for server in servers:
            for kind, name in _listed(server):
                for form in _forms(name):
                    made._by_form.setdefault(form, []).append((server, kind, name))
        return made

    def nearest(self, deployment: Deployment, *, but: Server | None = None) -> Near | None:
        """Return the listed server (not `but`) that the deployment's package or address is nearest to; None: nothing is near."""
        asked = _asked(deployment)
        if asked is None:
            return None
        kind, name = asked
        for form in _forms(name):
            for server, other_kind, other in self._by_form.get(form, ()):
                if server is not but and (said := _difference(form[0], (kind, name), (other_kind, other))):
                    return Near(server, *said)
        return None

    def nearest_to(self, server: Server) -> Near | None:
        """Return the listed server that a server which asks to be listed is nearest to; None: nothing is near."""
        for kind, name in _listed(server):
            for form in _forms(name):
                for other, other_kind, other_name in self._by_form.get(form, ()):
                    said = _difference(form[0], (kind, name), (other_kind, other_name))
                    if other.name != server.name and said:
                        return Near(other, *said)
        return None


def _listed(server: Server) -> Iterator[tuple[str, str]]:
    if server.package:
        yield server.package.type, _text(server.package)
    if server.repository and server.repository != server.package:
        yield server.repository.type, _text(server.repository)
    if server.remote and (host := _host(server.remote)):
        yield "address", host


def _asked(deployment: Deployment) -> tuple[str, str] | None:
    if runs := deployment.runs:
        return runs.type, _text(runs)
    host = _host(deployment.remote) if deployment.remote else ""
    return ("address", host) if host else None


def _text(purl: Purl) -> str:
    return purl.label[:LONGEST]


def _host(remote: str) -> str:
    try:
        return (urlsplit(remote).hostname or "")[:LONGEST]
    except ValueError:
        return ""


# Kinds of form, the surest first: `same`, `looks`, `letters`, `bare` (without its scope), `added`, `core` (without generic words).


def _forms(name: str) -> Iterator[tuple[str, str]]:
    yield "same", name.casefold()
    yield "looks", _looks(name)
    joined = name.casefold()
    if len(joined) >= SHORTEST:
        yield "letters", joined
        for gap in dict.fromkeys(joined[:at] + joined[at + 1 :] for at in range(len(joined))):
            yield "letters", gap
    if known := _core(name):
        yield "bare", name.rpartition("/")[2].casefold()
        yield "added", "-".join(word for word in _words(name) if word not in ADDED)
        yield "core", known


def _words(name: str) -> list[str]:
    return WORD.findall(name.rpartition("/")[2].casefold())


def _core(name: str) -> str:
    """The words that tell one server from another; empty where there is none, or too little of them."""
    core = "-".join(sorted(word for word in _words(name) if word not in GENERIC and word not in ADDED))
    return core if len(core) >= LEAST_CORE else ""


def _looks(name: str) -> str:
    """The name as a reader in a hurry sees it: no marks between words, letters that look alike as one."""
    seen = unicodedata.normalize("NFKD", name.casefold()).translate(LOOKS)
    seen = "".join(each for each in seen if each.isalnum() or each in "@/")
    for shape, letter in SHAPES:
        seen = seen.replace(shape, letter)
    return seen


def _difference(form: str, ours: tuple[str, str], theirs: tuple[str, str]) -> Said | None:
    """Say how two names that share a form differ; None: no more than chance."""
    (kind, name), (other_kind, other) = ours, theirs
    addresses = kind == "address"
    if addresses != (other_kind == "address"):
        return None
    if addresses and form in ("bare", "added", "core"):
        return None
    return _SAYS[form](kind, other_kind, name, other)


def _same(kind: str, other_kind: str, name: str, other: str) -> Said | None:
    if kind == "address":
        return f"another address at {other}", False
    if kind == other_kind:
        return f"{other} in other capitals" if name != other else f"the same name as {other}", name != other
    return f"the same name at {other_kind}: {other}", True


def _letters(_kind: str, _other_kind: str, name: str, other: str) -> Said | None:
    return (f"one letter from {other}", True) if _one_letter(name.casefold(), other.casefold()) else None


def _other_scope(_kind: str, _other_kind: str, name: str, other: str) -> Said | None:
    """A scope that was left out is a warning; another one is anybody's server of that name, unless the scopes look alike."""
    mine, theirs = _scope(name), _scope(other)
    if not mine and theirs:
        return f"{other} without its scope", True
    if mine and theirs:
        return f"{other} of another scope or owner", _looks(mine) == _looks(theirs) or _one_letter(mine, theirs)
    return f"{other} under a scope", False


def _added(_kind: str, _other_kind: str, name: str, other: str) -> Said | None:
    return (f"{other} with a word added or left out", True) if _scope(name) in ("", _scope(other)) else None


def _scope(name: str) -> str:
    return name.rpartition("/")[0].casefold()


def _one_letter(left: str, right: str) -> bool:
    """Whether one letter is missing, too many, another one, or swapped with its neighbour. A figure that differs is another edition."""
    short, long = sorted((left, right), key=len)
    if left == right or len(long) - len(short) > 1:
        return False
    at = next((index for index, letter in enumerate(short) if letter != long[index]), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :] and not long[at].isdigit()
    if short[at] == long[at + 1 : at + 2] and short[at + 1 : at + 2] == long[at]:
        return short[at + 2 :] == long[at + 2 :]
    return short[at + 1 :] == long[at + 1 :] and not (short[at].isdigit() and long[at].isdigit())


_SAYS: Mapping[str, Callable[[str, str, str, str], Said | None]] = {
    "same": _same,
    "looks": lambda _kind, _other_kind, _name, other: (f"looks like {other}", True),
    "letters": _letters,
    "bare": _other_scope,
    "added": _added,
    "core": lambda _kind, _other_kind, _name, other: (f"named like {other}", False),
}
"""By form: the kind and name that are asked about, the kind and name on the list."""
