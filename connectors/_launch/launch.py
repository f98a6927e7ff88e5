"""What a launch command starts: the type, and the words that every launcher's reading shares.

Package types: `npm`, `pypi`, `github` (installed from a GitHub repository), `nuget`, `golang`, and for container images `docker`:
its namespace is the registry (none: Docker's own) and path (`ghcr.io/acme`, `localhost:5000/team`), its version the tag. The purl type
`oci` is not used, since it keeps the registry in a qualifier and two images of one name would be equal.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from monitor.domain.address import endpoint
from monitor.domain.deployment import PinKind
from monitor.domain.purl import Purl
from monitor.domain.release import Digest

VARIABLE = re.compile(r"\$\{[^}]*\}|\$\(|`|\$[A-Za-z_]\w*|%[A-Za-z_]\w*%|\{\{.*?\}\}")
"""What a client, a shell or a template still fills in, so that the text is not the value."""

PATH = re.compile(r"(file:|\.{1,2}($|[/\\])|~?[/\\]|[A-Za-z]:[/\\])")
GIT = re.compile(r"(git\+|git://|git@|(github|gitlab|bitbucket|gist):|ssh://)", re.IGNORECASE)
URL = re.compile(r"(https?|wss?)://", re.IGNORECASE)
LAUNCHERS = frozenset(
    (
        *("npx", "pnpx", "bunx", "nlx", "npm", "pnpm", "yarn", "bun", "deno", "uvx", "uv", "pipx", "dnx"),
        *("docker", "podman", "nerdctl", "finch"),
    )
)
"""Programs whose package can be read from their arguments."""

SHELLS = frozenset(
    (
        "sh",
        "bash",
        "zsh",
        "dash",
        "ksh",
        "ash",
        "fish",
        "busybox",
        "cmd",
        "powershell",
        "pwsh",
        "env",
        "sudo",
        "exec",
        "nohup",
    )
)
"""Programs that stand before another command, or read a line of them."""

STARTERS = frozenset(
    (
        *("tini", "tini-static", "dumb-init", "catatonit", "docker-init", "s6-setuidgid", "with-contenv", "gosu"),
        *("su-exec", "setpriv", "chroot", "nsenter", "unshare", "runuser", "su", "doas", "nice", "ionice", "stdbuf"),
        *("setsid", "timeout", "taskset", "chrt", "prlimit", "start-stop-daemon", "supervisord", "pm2", "nodemon"),
    )
)
"""Programs in an image that start whatever command they are given."""

KNOWN_PROGRAMS = {"mcp-remote": frozenset({"mcp-remote-client"})}
"""Package -> its programs that are named otherwise."""

INTERPRETERS = re.compile(
    r"(python|pypy)[\d.]*|py|node(js)?|deno|bun|ruby|perl|php|java|lua|tclsh|osascript|[gmn]?awk|curl|wget|eval|xargs|find|busybox|git|ssh|make"
)
"""Programs that run whatever they are given."""

MAX_BUNDLE = 200
"""Characters. A longer bundle of letters is no option that anybody knows."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What one command runs.

    `purl` carries the version only where the command names exactly one (for images: the tag, unless it is `latest`);
    `requested` is what was written instead of a version, or where installing from git, the source. Of a command that cannot be read
    with certainty (`opaque`) the kind is `unknown`, and the package carries no version, whatever it names.
    """

    kind: PinKind
    purl: Purl | None = None  # None: not a package of a known kind; `note` says what
    digest: Digest | None = None  # None: the command names no digest
    requested: str = ""
    note: str = ""
    remote: str | None = None  # the server that a bridge connects to; None: no bridge, or none is named
    inner: "Launch | None" = None  # what a bridge, or the command in a container, starts in turn
    redirects: tuple[str, ...] = ()
    beside: tuple["Launch", ...] = ()
    """Further packages and addresses that the same command names."""

    argv: tuple[str, ...] = field(default=(), compare=False, repr=False)
    """What is started on the machine itself, as written, to look for it there; it may hold secrets, and is kept nowhere."""


@dataclass(frozen=True, slots=True)
class Words:
    """A command line taken apart: options with their values (empty: a flag) in order, and the rest from the first positional on."""

    options: tuple[tuple[str, str], ...]
    rest: tuple[str, ...]
    unsure: tuple[str, ...] = ()
    """Options that are not known: whether a value follows them cannot be told, so that `rest` may begin elsewhere."""

    ended: bool = False
    """Whether `--` ended the options."""

    shifted: bool = False
    """Whether the first positional follows an option that is not known, and may be its value: a secret, for one."""

    def values(self, *names: str) -> tuple[str, ...]:
        """Return the values given to any of the options, in order."""
        return tuple(value for name, value in self.options if name in names)

    def given(self, *names: str) -> tuple[str, ...]:
        """Return which of the options occur, in their first spelling, each once."""
        return tuple(dict.fromkeys(name for name, _ in self.options if name in names))


def words(arguments: Sequence[str], valued: Collection[str], is_flag: Callable[[str], bool]) -> Words:
    """Read options up to the first positional or `--`: `--name=value`, `--name value`, `-nvalue`, and bundles such as `-ie NAME`.

    `valued` are the options that take a value, `is_flag` knows those that take none.
    """
    options: list[tuple[str, str]] = []
    at = 0
    ended = False
    swallowing: list[str] = []
    while at < len(arguments) and not ended:
        word = arguments[at]
        at += 1
        if word == "--":
            ended = True
            continue
        if not word.startswith("-") or word == "-":
            at -= 1
            break
        for name, value, open_ in _split(word, valued):
            if open_ and at < len(arguments):
                # Some parsers take an option for a value, others do not.
                swallowing += [name] if arguments[at].startswith("-") else []
                options.append((name, arguments[at]))
                at += 1
            else:
                options.append((name, value))
    strange = [name for name, _ in options if name not in valued and not is_flag(name)]
    open_ended = bool(options) and options[-1][0] in strange and not options[-1][1] and "=" not in arguments[at - 1]
    shifted = open_ended and not ended and at < len(arguments)
    return Words(tuple(options), tuple(arguments[at:]), tuple(dict.fromkeys(strange + swallowing)), ended, shifted)


def _split(word: str, valued: Collection[str]) -> list[tuple[str, str, bool]]:
    """Return (name, value, whether the value is the next word) for each option in one word."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return [(name, value, not equals and name in valued)]
    if len(word) > MAX_BUNDLE and word[:2] not in valued:
        return [(word[:2], "", False)]
    found: list[tuple[str, str, bool]] = []
    for at, letter in enumerate(word[1:], start=1):
        name, value = f"-{letter}", word[at + 1 :]
        if name in valued:
            return [*found, (name, value.removeprefix("="), not value)]
        found.append((name, "", False))
        if value.startswith("="):
            break
    return found


def option_names(text: str) -> frozenset[str]:
    """Return the words of a list of option names, for the tables of the launchers."""
    return frozenset(text.split())


def program(command: str) -> str:
    """Return the bare name of an executable: no folder of either system, no extension of Windows, lower case."""
    name = re.split(r"[/\\]", command.strip().rstrip("/\\"))[-1].lower()
    return re.sub(r"\.(exe|cmd|bat|ps1|com)$", "", name)


def local(note: str = "") -> Launch:
    """Something that is already on the machine."""
    return Launch(PinKind.PATH, note=note)


def unknown(note: str, requested: str = "") -> Launch:
    """Something that the command does not let us name."""
    return Launch(PinKind.UNKNOWN, note=note, requested=requested)


def floating(purl: Purl, kind: PinKind, requested: str) -> Launch:
    """A package whose version the command leaves open."""
    return Launch(kind, purl.package, requested=requested)


def by_place(read: Words, reader: Callable[[str], Launch]) -> Launch:
    """Read the first positional, but where it may be the value of an option that nobody knows: that may be a secret."""
    return unknown("what follows is not read") if read.shifted else reader(read.rest[0])


def moved(launch: Launch, ways: Sequence[str]) -> Launch:
    """Return the launch as started in another folder: what installs a package takes settings, or the package, from there."""
    package = launch.purl is not None and launch.purl.type != "docker"
    return also(launch, redirects=ways) if package else launch


def address(url: str) -> str | None:
    """Return a remote server's address without its secrets; None where it is none of http, https, ws or wss, or does not parse strictly."""
    return endpoint(url) if URL.match(url.strip()) else None


def also(launch: Launch, *, note: str = "", redirects: Sequence[str] = ()) -> Launch:
    """Return the launch with a further note and further redirections."""
    return replace(
        launch,
        note="; ".join(part for part in (launch.note, note) if part),
        redirects=tuple(dict.fromkeys((*launch.redirects, *redirects))),
    )


def opaque(launch: Launch, note: str) -> Launch:
    """Return the launch as one whose command cannot be read with certainty: what it names is named, and nothing is pinned."""
    version = launch.purl.version if launch.purl else None
    return replace(
        also(launch, note=note),
        kind=PinKind.UNKNOWN,
        purl=launch.purl.package if launch.purl else None,
        digest=None,
        requested=launch.requested or version or "",
        inner=opaque(launch.inner, note) if launch.inner else None,
        beside=tuple(opaque(each, note) if each.kind is not PinKind.REMOTE else each for each in launch.beside),
    )


def unless_sure(launch: Launch, read: Words) -> Launch:
    """Return the launch, opaque where its options hold one that is not known."""
    if not read.unsure:
        return launch
    return opaque(launch, "an option that is not known: " + ", ".join(name[:40] for name in read.unsure[:3]))


def named_after(package: Purl, command: str) -> bool:
    """Say whether a command is surely the package's own program: it bears the package's name, or that and `mcp`, `server` or the scope."""
    word = _plain(program(command))
    name, scope = _plain(package.name), _plain(package.namespace or "").rpartition("/")[2]
    if not word or INTERPRETERS.fullmatch(word) or word in LAUNCHERS:
        return False
    around = {"", scope, "mcp", "server", "mcp-server", "cli"}
    return word in {f"{mark}-{name}".strip("-") for mark in around} | {
        f"{name}-{mark}".strip("-") for mark in around
    } | KNOWN_PROGRAMS.get(package.label, frozenset())


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.lstrip("@")).lower()
