"""What a launch command starts: the type, and the words that every launcher's reading shares.

Package types: `npm`, `pypi`, `github` (installed from a GitHub repository), `nuget`, `golang`, and for container images `docker`:
its namespace is the registry and path exactly as written (`ghcr.io/acme`, `localhost:5000/team`), its version the tag. The purl type
`oci` is not used, since it keeps the registry in a qualifier and two images of one name would be equal.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from monitor.domain.deployment import PinKind
from monitor.domain.purl import Purl
from monitor.domain.release import Digest

VARIABLE = re.compile(r"\$\{[^}]*\}|\$\(|`|\$[A-Za-z_]\w*|%[A-Za-z_]\w*%|\{\{.*?\}\}")
"""What a client, a shell or a template still fills in, so that the text is not the value."""

REDIRECTS = re.compile(
    r"""(?ix) (NPM_CONFIG_(.*REGISTRY|USERCONFIG|GLOBALCONFIG|NODE_OPTIONS|PREFIX|SCRIPT_SHELL|.*PROXY|CAFILE|STRICT_SSL)
    |YARN_(NPM_REGISTRY_SERVER|REGISTRY)|BUN_CONFIG_REGISTRY|UV_.*INDEX.*|UV_FIND_LINKS|UV_CONFIG_FILE|UV_INSECURE_HOST
    |PIP_.*INDEX.*|PIP_FIND_LINKS|PIP_CONFIG_FILE|NODE_OPTIONS|NODE_PATH|PYTHONPATH|PYTHONHOME|PYTHONSTARTUP
    |LD_PRELOAD|LD_LIBRARY_PATH|LD_AUDIT|DYLD_INSERT_LIBRARIES|DYLD_LIBRARY_PATH|DOCKER_HOST|CONTAINER_HOST)"""
)
"""Names of environment variables that redirect where code comes from, or preload some."""

PATH = re.compile(r"(file:|\.{1,2}($|[/\\])|~?[/\\]|[A-Za-z]:[/\\])")
GIT = re.compile(r"(git\+|git://|git@|(github|gitlab|bitbucket|gist):|ssh://)", re.IGNORECASE)
URL = re.compile(r"(https?|wss?)://", re.IGNORECASE)
GITHUB = re.compile(
    r"(?:git\+)?(?:github:|(?:https?|git|ssh)://(?:[^/@\s]*@)?github\.com/|(?:ssh://)?git@github\.com[:/])?"
    r"(?P<repository>[\w.-]+/[\w.-]+?)(?:\.git)?/?(?:[@#](?P<ref>[^#\s]+))?",
    re.IGNORECASE,
)
LAUNCHERS = frozenset(
    (
        *("npx", "pnpx", "bunx", "nlx", "npm", "pnpm", "yarn", "bun", "deno", "uvx", "uv", "pipx", "dnx"),
        *("docker", "podman", "nerdctl", "finch"),
    )
)
"""Programs whose package can be read from their arguments."""

COMMIT = re.compile(r"[0-9a-fA-F]{40}")


@dataclass(frozen=True, slots=True)
class Launch:
    """What one command runs.

    `purl` carries the version only where the command names exactly one (for images: the tag, unless it is `latest`);
    `requested` is what was written instead of a version, or where installing from git, the source.
    """

    kind: PinKind
    purl: Purl | None = None  # None: not a package of a known kind; `note` says what
    digest: Digest | None = None  # None: the command names no digest
    requested: str = ""
    note: str = ""
    remote: str | None = None  # the server that a bridge connects to; None: no bridge, or none is named
    inner: "Launch | None" = None  # what a bridge, or the command in a container, starts in turn
    redirects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """A command line taken apart: options with their values (empty: a flag) in order, and the rest from the first positional on."""

    options: tuple[tuple[str, str], ...]
    rest: tuple[str, ...]

    def values(self, *names: str) -> tuple[str, ...]:
        """Return the values given to any of the options, in order."""
        return tuple(value for name, value in self.options if name in names)

    def given(self, *names: str) -> tuple[str, ...]:
        """Return which of the options occur, in their first spelling, each once."""
        return tuple(dict.fromkeys(name for name, _ in self.options if name in names))


def words(arguments: Sequence[str], takes_value: Callable[[str], bool]) -> Words:
    """Read options up to the first positional or `--`: `--name=value`, `--name value`, `-nvalue`, and bundles such as `-ie NAME`."""
    options: list[tuple[str, str]] = []
    at = 0
    while at < len(arguments):
        word = arguments[at]
        at += 1
        if word == "--":
            break
        if not word.startswith("-") or word == "-":
            at -= 1
            break
        for name, value, open_ in _split(word, takes_value):
            if open_ and at < len(arguments):
                options.append((name, arguments[at]))
                at += 1
            else:
                options.append((name, value))
    return Words(tuple(options), tuple(arguments[at:]))


def _split(word: str, takes_value: Callable[[str], bool]) -> list[tuple[str, str, bool]]:
    """Return (name, value, whether the value is the next word) for each option in one word."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return [(name, value, not equals and takes_value(name))]
    found: list[tuple[str, str, bool]] = []
    for at, letter in enumerate(word[1:], start=1):
        name, value = f"-{letter}", word[at + 1 :]
        if takes_value(name):
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


def git(source: str) -> Launch:
    """An installation from git. Only a full commit id is firm; for GitHub the repository is the package, its ref the version."""
    shown = without_credentials(source)
    read = GITHUB.fullmatch(re.sub(r"#(subdirectory|egg)=.*", "", source.strip()))
    if not read or VARIABLE.search(source):
        return unknown("installs from git", shown)
    try:
        package, ref = Purl.github(read["repository"]), read["ref"]
        digest = Digest("gitCommit", ref) if ref and COMMIT.fullmatch(ref) else None
        kind = PinKind.DIGEST if digest else PinKind.TAG if ref else PinKind.NONE
        return Launch(kind, package.at(ref), digest=digest, requested=shown, note="installs from git")
    except ValueError as error:
        return unknown(f"installs from git: {error}", shown)


def without_credentials(url: str) -> str:
    """Return the address without the parts that hold secrets: a user name or password before the host, the query."""
    return re.sub(r"(?<=://)[^/?#\s]*@(?=[^/?#\s])", "", re.sub(r"\?[^#\s]*", "", url))


def address(url: str) -> str | None:
    """Return a remote server's address without credentials, query and fragment; None where it is none of http, https, ws or wss."""
    if not URL.match(url.strip()):
        return None
    return without_credentials(url.strip()).partition("#")[0]


def redirecting(names: Sequence[str]) -> tuple[str, ...]:
    """Return those names of environment variables that redirect a source or preload code, in order, each once."""
    return tuple(dict.fromkeys(name for name in names if REDIRECTS.fullmatch(name)))


def also(launch: Launch, *, note: str = "", redirects: Sequence[str] = ()) -> Launch:
    """Return the launch with a further note and further redirections."""
    return replace(
        launch,
        note="; ".join(part for part in (launch.note, note) if part),
        redirects=tuple(dict.fromkeys((*launch.redirects, *redirects))),
    )
