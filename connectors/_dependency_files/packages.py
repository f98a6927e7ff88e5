"""Names and versions as lock files and SBOMs write them, as package URLs: npm's and PyPI's, exact, and from a registry."""

import re
from urllib.parse import unquote

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from monitor.domain.address import without_credentials
from monitor.domain.purl import Purl
from monitor.domain.text import one_line

MAX_VERSION = 256
MAX_LABEL = 214
MAX_WORDS = 300
MAX_READ = 4096
"""Characters in which addresses, and the credentials in them, are looked for."""
MAX_BRACKETS = 32
EXACT = ("==", "===")
NPM_NAME = re.compile(r"(?:@[\w.~!'()*-]+/)?[\w.~!'()*-]+", re.ASCII)
PYPI_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
SEMVER = re.compile(
    r"[=v]?(?P<plain>(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)"
    r"(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)(?:\+[0-9A-Za-z.-]+)?",
    re.ASCII,
)
ALIAS = re.compile(r"npm:(?P<name>@?[^@]+)@(?P<version>.+)", re.DOTALL)
TARBALL = re.compile(r"https?://[^?#]*(?:/-/|/download/)[^?#]*")
"""Where npm registries keep their files: `/-/` for nearly all, `/download/` for GitHub's. A tarball of any other place is no package."""

ELSEWHERE = re.compile(r"[?&](?:vcs_url|download_url)=([^&#]*)")
MAX_PURL = 4096


def npm(name: str, version: str) -> Purl | None:
    """Return the package at exactly one version, `npm:name@1.2.3` included; None where it is none. Build metadata is no part of it."""
    if len(name) > MAX_LABEL or len(version) > MAX_VERSION + MAX_LABEL:
        return None
    if alias := ALIAS.fullmatch(version):
        name, version = alias["name"], alias["version"]
    exact = SEMVER.fullmatch(version.strip())
    if exact is None or len(version) > MAX_VERSION or not NPM_NAME.fullmatch(name):
        return None
    return Purl.npm(name, exact["plain"])


def pypi(name: str, version: str) -> Purl | None:
    """Return the package at exactly one version; None where it is none."""
    if len(name) > MAX_LABEL or len(version) > MAX_VERSION or not PYPI_NAME.fullmatch(name):
        return None
    try:
        Version(version)
    except InvalidVersion:
        return None
    return Purl.pypi(name, version.strip())


def project(kind: str, name: str, version: str) -> Purl | None:
    """Return who a project is: with its version where that is one. None: it has no name that a registry could hold."""
    whole = npm(name, version) if kind == "npm" else pypi(name, version)
    if whole is not None:
        return whole
    named = npm(name, "0.0.0") if kind == "npm" else pypi(name, "0")
    return named.at(None) if named else None


def from_registry(resolved: str) -> bool:
    """Whether npm's `resolved` address is a file of a registry; an absent one says nothing else."""
    return not resolved or TARBALL.match(resolved) is not None


def requirement(text: str) -> Requirement | None:
    """Read a requirement of Python's; None: it is none, or one that costs its reader more than it is worth."""
    if len(text) > MAX_READ or text.count("(") > MAX_BRACKETS:
        return None
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def pinned(read: Requirement) -> Purl | None:
    """Return the package where the requirement allows exactly one version; None where it is a range, or an address."""
    clauses = list(read.specifier)
    if len(clauses) != 1 or clauses[0].operator not in EXACT or read.url is not None:
        return None
    return pypi(read.name, clauses[0].version)


def same(one: Purl, other: Purl) -> bool:
    """Whether it is the same version, in any spelling of it."""
    if one.name != other.name or one.package != other.package:
        return False
    if one.version == other.version:
        return True
    try:
        return one.type == "pypi" and Version(one.version or "") == Version(other.version or "")
    except InvalidVersion:
        return False


def words(text: str) -> str:
    """Return what is declared as it may be kept and shown: without credentials, and not too long."""
    return one_line(without_credentials(text[:MAX_READ]), MAX_WORDS)


def label(text: str) -> str:
    """Return a name as a part of a path; of strangers, and so cut and made visible."""
    return one_line(text, MAX_LABEL) or "(no name)"


def said(text: str, name: str, version: str) -> Purl | None:
    """Read an SBOM's package URL without what qualifies it, `version` where it has none. None: not readable, or from elsewhere.

    It may be of any type, and without a version. `name` is the part's own.
    """
    elsewhere = ELSEWHERE.search(text[:MAX_PURL])
    if len(text) > MAX_PURL or (elsewhere and not from_registry(unquote(elsewhere[1]))):
        return None
    bare = re.split(r"[?#]", text, maxsplit=1)[0]
    try:
        read = Purl.parse(bare)
    except ValueError:
        return None
    at = read.version or version
    match read.type:
        case "npm":
            return project("npm", _cased(read.label, bare, name), at)
        case "pypi":
            return project("pypi", read.name, at)
        case _:
            return read


def _cased(label: str, text: str, name: str) -> str:
    """Return npm's name as it is written in the package URL, or beside it: parsing lowers it, and JSONStream is not jsonstream."""
    written = unquote(text).partition("/")[2][: len(label)]
    own = [each for each in (written, name) if each.lower() == label.lower()]
    return next((each for each in own if each != label), label)
