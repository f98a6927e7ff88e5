"""Who vouches for a file: signatures and attestations of PyPI, npm and GitHub, decided offline.

Knows: who signed what, where and when, under trust roots that ship with the program and can be replaced by files of the operator.
Does not know: whether the signer is the one who should have signed (the rules compare publishers), whether a certificate was obtained by
a stolen account, or anything that happened in the signing world after the day of the roots.

A claim ends as verified, as invalid (forged, or about something else), or as unsupported: cannot tell, because its shape, its key or its
authority is not known here. Nothing is ever verified for want of a check, and no input makes this module raise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from connectors._sigstore import shape, trust_root
from connectors._sigstore.refusal import Refused, Undecided
from monitor.domain.provenance import Attestation, Form, Publisher, Subject, TrustRoot, Verdict, Verification
from monitor.ports.errors import Malformed
from monitor.ports.sources import Verifier

if TYPE_CHECKING:
    from connectors._sigstore.claim import Claim

T = TypeVar("T")
PUBLIC_GOOD, NPM_KEYS, GITHUB = "public-good", "npm-keys", "github"
SHIPPED = Path(__file__).parent / "_sigstore" / "trust_roots"
MAX_DOCUMENT = 4 * 2**20
"""Bytes. Honest documents have a few dozen kB for each claim."""
MAX_DOCUMENTS = 64
MAX_CLAIMS = 24
"""In one document. Honest ones have a handful."""
MAX_DETAIL = 1000
"""Characters: what is quoted from a document or a certificate may be of any length."""


def build(
    *,
    public_good: Path | None = None,
    npm_keys: Path | None = None,
    github: Path | None = None,
    refreshed: Path | None = None,
) -> Verifier:
    """Build the verifier; a path replaces the root that ships (`github`: none ships, its root changes twice a year).

    `refreshed` is the folder into which `trust_roots` writes; a file there that is younger than the other one is used instead.
    Raises `Malformed` for a root file that is none, and for a folder that others can write.
    """
    return SigstoreBundles(partial(_read_roots, public_good, npm_keys, github, refreshed))


def _read_roots(
    public_good: Path | None, npm_keys: Path | None, github: Path | None, refreshed: Path | None
) -> "_Roots":
    if refreshed and refreshed.exists():
        trust_root.require_own(refreshed)
    good = _youngest(PUBLIC_GOOD, public_good, refreshed)
    npm = _youngest(NPM_KEYS, npm_keys, refreshed)
    own = _youngest(GITHUB, github, refreshed)
    if good is None or npm is None:
        raise Malformed("trust roots", f"none ship in {SHIPPED}: install the program anew")
    return _roots_of(dict([good, own, npm] if own else [good, npm]))


def _roots_of(files: Mapping[TrustRoot, bytes]) -> "_Roots":
    """Read the files' shapes. Raises `Malformed` where one is none, or one that is needed is missing."""
    named = {file.name: (file, raw) for file, raw in files.items()}
    if missing := {PUBLIC_GOOD, NPM_KEYS} - set(named):
        raise Malformed("trust roots", f"there is no {' and no '.join(sorted(missing))}")
    sigstore = {
        name: (file, trust_root.sigstore_root(file, raw)) for name, (file, raw) in named.items() if name != NPM_KEYS
    }
    return _Roots(files, sigstore, named[NPM_KEYS][0], trust_root.npm_keys(*named[NPM_KEYS]))


def _youngest(name: str, configured: Path | None, refreshed: Path | None) -> tuple[TrustRoot, bytes] | None:
    """Return the configured root, else the shipped one, unless a refreshed one is younger; None where there is none at all."""
    shipped = trust_root.newest(name, SHIPPED)
    kept = trust_root.newest(name, refreshed) if refreshed else None
    files = [(configured, "configured") if configured else (shipped, "shipped"), (kept, "refreshed")]
    found = [trust_root.read(name, path, origin) for path, origin in files if path]
    return max(found, key=lambda each: each[0].dated, default=None)


class _Roots:
    """Trust roots as they were read, and loaded when first needed: that takes a second."""

    def __init__(
        self,
        files: Mapping[TrustRoot, bytes],
        sigstore: dict[str, tuple[TrustRoot, trust_root.SigstoreRoot]],
        npm: TrustRoot,
        npm_keys: tuple[trust_root.NpmKey, ...],
    ) -> None:
        self.files = files
        self._sigstore = sigstore
        self._npm, self._npm_keys = npm, npm_keys

    @cached_property
    def claims(self) -> "Callable[[Attestation, Subject], list[Claim]]":
        """What takes a document apart, with keys and certificates ready to be used. Raises `Refused` or `Undecided`."""
        from connectors._sigstore import anchors, claim, forms  # noqa: PLC0415 - the import takes a second

        loaded = {name: anchors.load(file, root, self.files[file]) for name, (file, root) in self._sigstore.items()}
        trust = claim.Trust(loaded[PUBLIC_GOOD], loaded.get(GITHUB), self._npm, self._npm_keys)
        return partial(forms.claims, trust=trust)


class SigstoreBundles:
    """The verifier. `read_roots` is asked at the start, and by `renew`."""

    def __init__(self, read_roots: Callable[[], _Roots]) -> None:
        self._read_roots = read_roots
        self._roots = read_roots()
        # One at a time: the libraries load on the first use, and msgspec crashes the process where two threads do that at once.
        # Nothing is lost by it: a verification is computation, of which threads do one at a time anyway.
        self._alone = Lock()

    def roots(self) -> tuple[TrustRoot, ...]:
        """Return the trust roots in use."""
        return tuple(self._roots.files)

    def root_files(self) -> Mapping[TrustRoot, bytes]:
        """Return the trust roots in use with the files' contents."""
        return self._roots.files

    def under(self, files: Mapping[TrustRoot, bytes]) -> Verifier:
        """Return a verifier that trusts these files alone. Raises `Malformed`."""
        return SigstoreBundles(lambda: _roots_of(files))

    def renew(self) -> None:
        """Read the trust roots anew. Raises `Malformed`, and goes on with the old ones."""
        self._roots = self._read_roots()

    def verify(self, subject: Subject, attestations: Sequence[Attestation]) -> tuple[Verification, ...]:
        """Decide every claim of every document; at least one verification for each document. Safe to call from several threads."""
        with self._alone:
            return self._verify(subject, attestations)

    def _verify(self, subject: Subject, attestations: Sequence[Attestation]) -> tuple[Verification, ...]:
        found: list[Verification] = []
        for attestation in attestations[:MAX_DOCUMENTS]:
            digest = sha256(attestation.document).hexdigest()
            found += self._document(_Asked(subject, attestation.form, digest, attestation.url), attestation)
        if len(attestations) > MAX_DOCUMENTS:
            fault = Undecided("too-large", f"{len(attestations)} documents; {MAX_DOCUMENTS} were looked at")
            found.append(_refusal(_Asked(subject, attestations[-1].form), "documents", fault))
        return tuple(found)

    def _document(self, asked: "_Asked", attestation: Attestation) -> list[Verification]:
        """Decide one document: take it apart, then each claim on its own."""
        name = attestation.form.value
        claims = _guarded(lambda: self._claims(asked.subject, attestation))
        if isinstance(claims, Refused):
            return [_refusal(asked, name, claims)]
        if not claims:
            return [_verification(asked, Verdict.UNATTESTED, reason="empty", detail="the document holds no claim")]
        work = shape.Work()
        decided = [_decided(asked, claim, work) for claim in claims[:MAX_CLAIMS]]
        if len(claims) > MAX_CLAIMS:
            excess = Undecided("too-large", f"{len(claims)} claims; {MAX_CLAIMS} were looked at")
            decided.append(_refusal(asked, name, excess))
        return decided

    def _claims(self, subject: Subject, attestation: Attestation) -> "list[Claim]":
        if len(attestation.document) > MAX_DOCUMENT:
            raise Undecided("too-large", f"the document has more than {MAX_DOCUMENT} bytes")
        return self._roots.claims(attestation, subject)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is decided: what one document says of a file. `document` is its sha256; empty, like `url`, where it is about no single one."""

    subject: Subject
    form: Form
    document: str = ""
    url: str = ""


def _guarded(step: Callable[[], T]) -> T | Refused:
    """Run a step on hostile input; whatever happens is an answer."""
    try:
        return step()
    except Refused as refused:
        return refused
    except Exception as error:  # noqa: BLE001 - hostile input, and the libraries leak: a claim must cost nothing but itself
        return Undecided("fault", f"the verification broke with {type(error).__name__}: {error}"[:300])


def _decided(asked: _Asked, claim: "Claim", work: shape.Work) -> Verification:
    held = _guarded(lambda: claim.decide(work))
    if isinstance(held, Refused):
        return _refusal(asked, claim.name, held)
    detail = f"{claim.name}: {held.detail}"
    return _verification(
        asked, Verdict.VERIFIED, reason=held.kind, detail=detail, publisher=held.publisher, root=held.root
    )


def _refusal(asked: _Asked, name: str, refused: Refused) -> Verification:
    return _verification(asked, refused.verdict, reason=refused.reason, detail=f"{name}: {refused}")


def _verification(
    asked: _Asked,
    verdict: Verdict,
    *,
    reason: str,
    detail: str,
    publisher: Publisher | None = None,
    root: str = "",
) -> Verification:
    subject = asked.subject
    return Verification(
        subject.purl,
        subject.filename,
        asked.form,
        verdict,
        reason,
        detail[:MAX_DETAIL],
        publisher,
        root,
        digests=tuple(sorted(subject.digests.values())),
        document=asked.document,
        url=asked.url,
    )
