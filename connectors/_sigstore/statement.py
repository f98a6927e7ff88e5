"""in-toto statements: what a signed payload says, and whether that is about the file that was downloaded.

Specification: https://github.com/in-toto/attestation/tree/main/spec
"""

from typing import TypeVar
from urllib.parse import quote

import msgspec
from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion, Version
from pypi_attestations import AttestationType

from connectors._sigstore.refusal import Refused
from monitor.domain.provenance import Subject
from monitor.domain.purl import Purl

T = TypeVar("T")
IN_TOTO = "application/vnd.in-toto+json"
STATEMENTS = {"https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"}
PACKAGES = frozenset({"npm", "pypi"})
"""Types of which a file belongs to one package: a file at GitHub may be any package's."""
MAX_SUBJECTS = 4096
NPM_PUBLISH = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1"
PYPI_PUBLISH = AttestationType.PYPI_PUBLISH_V1.value
BUILDS = {"https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1"}
RELEASES = {"https://in-toto.io/attestation/release/v0.1", "https://in-toto.io/attestation/release/v0.2"}


class _Subject(msgspec.Struct):
    digest: dict[str, str]
    name: str = ""


class Statement(msgspec.Struct, rename="camel"):
    """What the signer says of which files."""

    kind: str = msgspec.field(name="_type")
    subject: list[_Subject]
    predicate_type: str
    predicate: msgspec.Raw = msgspec.Raw(b"null")


class _Published(msgspec.Struct):
    name: str
    version: str


class Released(msgspec.Struct, rename="camel"):
    """What a release attestation says: the certificate is the host's own, so repository and tag stand only here."""

    repository: str
    tag: str
    repository_id: str = ""
    owner_id: str = ""


def parse(payload_type: str, payload: bytes) -> Statement:
    """Read a statement. Raises `Refused`."""
    if payload_type != IN_TOTO:
        raise Refused("type", f"the envelope holds {payload_type[:80]!r}, not a statement")
    try:
        statement = msgspec.json.decode(payload, type=Statement)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("malformed", f"not an in-toto statement: {error}") from error
    if statement.kind not in STATEMENTS or len(statement.subject) > MAX_SUBJECTS:
        raise Refused("type", f"a statement of the unknown type {statement.kind[:80]!r}")
    return statement


def about_distribution(statement: Statement, subject: Subject) -> None:
    """PyPI: the one subject is this file, by parsed name and sha256. Raises `Refused`."""
    only = _only(statement)
    said, asked = _distribution(only.name), _distribution(subject.filename)
    if asked[:2] != (subject.purl.name, _version(subject.purl.version or "")):
        raise Refused("name-mismatch", f"{subject.filename!r} is no file of {subject.purl}")
    if said[0] != asked[0]:
        raise Refused("name-mismatch", f"the statement is about {only.name[:120]!r}, another project's file")
    if said[1] != asked[1]:
        raise Refused("version-mismatch", f"the statement is about {only.name[:120]!r}, another version's file")
    if said != asked:
        raise Refused("name-mismatch", f"the statement is about {only.name[:120]!r}, another file of the version")
    _same_digest(only, subject, "sha256")


def about_package(statement: Statement, subject: Subject) -> None:
    """npm: the one subject is this version, by purl and sha512. Raises `Refused`."""
    only, purl = _only(statement), subject.purl
    # As the registry writes it, letter for letter, or in other words.
    if only.name != f"pkg:{purl.type}/{quote(purl.label)}@{quote(purl.version or '')}":
        _same_package(only.name, purl)
    _same_digest(only, subject, "sha512")


def _same_package(text: str, purl: Purl) -> None:
    try:
        said = Purl.parse(text)
    except ValueError as error:
        raise Refused("name-mismatch", f"the statement is about {text[:120]!r}, no package") from error
    if said != purl:
        reason = "version-mismatch" if said.package == purl.package else "name-mismatch"
        raise Refused(reason, f"the statement is about {said}")


def publishes(statement: Statement, subject: Subject) -> None:
    """The predicate of npm's publish attestation repeats name and version. Raises `Refused`."""
    published = _predicate(statement, _Published)
    if published.name != subject.purl.label:
        raise Refused("name-mismatch", f"the registry published {published.name[:120]!r}")
    if published.version != subject.purl.version:
        raise Refused("version-mismatch", f"the registry published version {published.version[:80]!r}")


def about_bytes(statement: Statement, subject: Subject) -> None:
    """GitHub: one of the subjects (often a whole release) has this file's digest; names are free. Raises `Refused`.

    Where a subject is named by a package URL and a package is asked about, it has to be that one.
    """
    ours = {(digest.algorithm, digest.hex) for digest in subject.digests.values() if digest.algorithm != "sha1"}
    about = [
        one.name for one in statement.subject if ours & {(name, text.lower()) for name, text in one.digest.items()}
    ]
    if not about:
        raise Refused("digest-mismatch", "the statement is not about these bytes")
    packages = [name for name in about if name.startswith("pkg:")]
    if subject.purl.type not in PACKAGES or len(packages) < len(about):
        return
    if not any(_purl(name) == subject.purl for name in packages):
        _same_package(packages[0], subject.purl)


def _purl(text: str) -> Purl | None:
    try:
        return Purl.parse(text)
    except ValueError:
        return None


def releases(statement: Statement, subject: Subject) -> Released:
    """GitHub's release attestation: repository and tag of the predicate are those of the file. Raises `Refused`."""
    released = _predicate(statement, Released)
    if released.repository.lower() != subject.purl.label.lower():
        raise Refused("name-mismatch", f"the release is one of {released.repository[:120]!r}")
    if released.tag != subject.purl.version:
        raise Refused("version-mismatch", f"the release is that of the tag {released.tag[:80]!r}")
    return released


def _predicate(statement: Statement, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(statement.predicate, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("malformed", f"the statement's predicate cannot be read: {error}") from error


def _only(statement: Statement) -> _Subject:
    if len(statement.subject) != 1:
        raise Refused("malformed", f"the statement has {len(statement.subject)} subjects instead of one")
    return statement.subject[0]


def _same_digest(said: _Subject, subject: Subject, algorithm: str) -> None:
    digest = subject.digests.get(algorithm)
    if digest is None or said.digest.get(algorithm, "").lower() != digest.hex:
        raise Refused("digest-mismatch", "the statement is about other bytes than those that were downloaded")


def _distribution(filename: str) -> tuple[str, Version | str, object]:
    """Return project, version, and what tells the files of a version apart. Raises `Refused`."""
    try:
        if filename.endswith(".whl"):
            name, version, build, tags = parse_wheel_filename(filename)
            return name, version, (build, tags)
        name, version = parse_sdist_filename(filename)
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion) as error:
        raise Refused("name-mismatch", f"{filename[:120]!r} is no distribution's file name") from error
    return name, version, filename.endswith(".zip")


def _version(text: str) -> Version | str:
    try:
        return Version(text)
    except InvalidVersion:
        return text
