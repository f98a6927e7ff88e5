"""A file on this machine and the document that lies beside it, as a question to the verifier.

It knows: the file's digests and name, and of which form the document is, by its shape.
It does not know: where either came from. The file is hashed, and never opened otherwise; nothing of the document is believed here.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename

from connectors._reading_files.opening import opened
from monitor.domain.provenance import Attestation, Form, Subject
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.ports.errors import Malformed

T = TypeVar("T")
NAME = "file"
CHUNK = 2**20
MAX_DOCUMENT = 8 * 2**20
"""Bytes. The verifier itself looks at half of it."""
MAX_NAME = 512
ALGORITHMS = ("sha256", "sha512", "sha1")
KNOWN = "expected a sigstore bundle, JSON lines of bundles, a PyPI provenance object, or a list of attestations as npm or GitHub serve it"


class _Document(msgspec.Struct, rename={"media_type": "mediaType"}):
    """What tells the forms apart; absent: another form."""

    media_type: str | None = None
    attestation_bundles: list[msgspec.Raw] | None = None
    attestations: list[msgspec.Raw] | None = None


class _Envelope(msgspec.Struct):
    payload: bytes


class _Bundle(msgspec.Struct, rename="camel"):
    dsse_envelope: _Envelope | None = None  # None: a bare signature


class _Attestation(msgspec.Struct, rename={"predicate_type": "predicateType"}):
    bundle: msgspec.Raw
    predicate_type: str | None = None  # None: not npm's


class _Subject(msgspec.Struct):
    name: str = ""


class _Release(msgspec.Struct):
    repository: str = ""
    tag: str = ""


class _Statement(msgspec.Struct, rename="camel"):
    subject: list[_Subject] = []
    predicate: msgspec.Raw = msgspec.Raw(b"null")


def read_subject(file: Path, attestation: Attestation, *, purl: Purl | None) -> Subject:
    """Hash the file. `purl` None: it is taken for what its name or the document says that it is.

    Raises `NotFound` and `Unavailable`.
    """
    digests = _hash(file)
    name = file.name[:MAX_NAME]
    by_name = attestation.form is Form.PYPI_PROVENANCE
    said = purl or (_by_name(name) if by_name else _by_document(attestation.document))
    return Subject(said or Purl("generic", None, name), name, digests)


def read_document(path: Path) -> Attestation:
    """Read the document and tell its form by its shape. Raises `NotFound`, `Unavailable`, and `Malformed` for none that is known."""
    with opened(path, source=NAME) as file:
        document = file.read(MAX_DOCUMENT + 1)
    if len(document) > MAX_DOCUMENT:
        raise Malformed(NAME, f"{path.name} is larger than {MAX_DOCUMENT} bytes; {KNOWN}")
    form = recognise(document)
    if form is None:
        raise Malformed(NAME, f"{path.name} is of no form that is known; {KNOWN}")
    return Attestation(form, document, path.name)


def recognise(document: bytes) -> Form | None:
    """Tell the form by the shape; None: of no form that is known."""
    read = _decoded(document, _Document)
    if read is None:
        first = document.strip().split(b"\n", 1)[0]
        lines = _decoded(first, _Document)
        return Form.SIGSTORE_BUNDLE if lines and lines.media_type is not None else None
    if read.media_type is not None:
        return Form.SIGSTORE_BUNDLE
    if read.attestation_bundles is not None:
        return Form.PYPI_PROVENANCE
    if read.attestations is None:
        return None
    labelled = [one.predicate_type is not None for one in _attestations(read)]
    return Form.NPM_ATTESTATIONS if any(labelled) else Form.GITHUB_ATTESTATION


def _hash(path: Path) -> dict[str, Digest]:
    hashes = {algorithm: hashlib.new(algorithm, usedforsecurity=False) for algorithm in ALGORITHMS}
    with opened(path, source=NAME) as file:
        while chunk := file.read(CHUNK):
            for each in hashes.values():
                each.update(chunk)
    return {algorithm: Digest(algorithm, each.hexdigest()) for algorithm, each in hashes.items()}


def _by_name(name: str) -> Purl | None:
    """A Python distribution's name says what it is."""
    try:
        if name.endswith(".whl"):
            project, version, _, _ = parse_wheel_filename(name)
        elif name.endswith((".tar.gz", ".zip")):
            project, version = parse_sdist_filename(name)
        else:
            return None
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None
    return Purl.pypi(project, str(version))


def _by_document(document: bytes) -> Purl | None:
    """The package, or the release, that the document says it is about: the signature over it remains to be verified."""
    for said in _statements(document):
        for subject in said.subject[:1]:
            if subject.name.startswith("pkg:npm/"):
                return _purl(subject.name)
        release = _decoded(said.predicate, _Release)
        if release and release.repository.count("/") == 1 and release.tag:
            return Purl.github(release.repository[:MAX_NAME], release.tag[:MAX_NAME])
    return None


def _purl(text: str) -> Purl | None:
    try:
        return Purl.parse(text)
    except ValueError:
        return None


def _statements(document: bytes) -> Iterator[_Statement]:
    read = _decoded(document, _Document)
    bundles = [bytes(one.bundle) for one in _attestations(read)] if read and read.attestations else [document]
    for raw in bundles[:4]:
        bundle = _decoded(raw, _Bundle)
        if bundle and bundle.dsse_envelope and (said := _decoded(bundle.dsse_envelope.payload, _Statement)):
            yield said


def _attestations(read: _Document) -> list[_Attestation]:
    found = (_decoded(raw, _Attestation) for raw in (read.attestations or [])[:64])
    return [one for one in found if one is not None]


def _decoded(raw: bytes | msgspec.Raw, shape: type[T]) -> T | None:
    """Read as that shape; None: it has another one."""
    try:
        return msgspec.json.decode(raw, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
