"""Who vouches for a file: signatures and attestations of PyPI, npm and GitHub, decided offline.

Knows: who signed what, where and when, under trust roots that ship with the program and can be replaced by files of the operator.
Does not know: whether the signer is the one who should have signed (the rules compare publishers), whether a certificate was obtained by
a stolen account, or anything that happened in the signing world after the day of the roots.

A claim ends as verified, as invalid (forged, or about something else), or as unsupported: cannot tell, because its shape, its key or its
authority is not known here. Nothing is ever verified for want of a check, and no input makes this module raise.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from connectors._sigstore import trust_root
from connectors._sigstore.refusal import Refused, Undecided
from monitor.domain.provenance import Attestation, Form, Publisher, Subject, TrustRoot, Verdict, Verification
from monitor.ports.sources import Verifier

if TYPE_CHECKING:
    from connectors._sigstore.claim import Claim, Trust

T = TypeVar("T")
SHIPPED = Path(__file__).parent / "_sigstore" / "trust_roots"
MAX_DOCUMENT = 4 * 2**20
"""Bytes. Honest documents have a few dozen kB for each claim."""
MAX_DOCUMENTS = 64
MAX_CLAIMS = 64
"""In one document. Honest ones have a handful."""


def build(*, public_good: Path | None = None, npm_keys: Path | None = None, github: Path | None = None) -> Verifier:
    """Build the verifier; a path replaces the root that ships (`github`: none ships, its root changes twice a year).

    Raises `Malformed` for a root file that is none.
    """
    good, good_raw = trust_root.read("public-good", public_good or _shipped("public-good"))
    npm, npm_raw = trust_root.read("npm-keys", npm_keys or _shipped("npm-keys"))
    roots = {"public-good": (good, good_raw)}
    if github:
        roots["github"] = trust_root.read("github", github)
    return SigstoreBundles(roots, (npm, trust_root.npm_keys(npm, npm_raw)))


def _shipped(name: str) -> Path:
    """Return the youngest file of that name."""
    return max(SHIPPED.glob(f"{name}.*.json"))


class SigstoreBundles:
    """The verifier. Libraries, keys and certificates are loaded with the first document: that takes a second."""

    def __init__(
        self,
        roots: dict[str, tuple[TrustRoot, bytes]],
        npm: tuple[TrustRoot, tuple[trust_root.NpmKey, ...]],
    ) -> None:
        self._roots = {name: (file, trust_root.sigstore_root(file, raw), raw) for name, (file, raw) in roots.items()}
        self._npm, self._npm_keys = npm

    def roots(self) -> tuple[TrustRoot, ...]:
        """Return the trust roots in use."""
        return (*(file for file, _, _ in self._roots.values()), self._npm)

    def verify(self, subject: Subject, attestations: Sequence[Attestation]) -> tuple[Verification, ...]:
        """Decide every claim of every document; at least one verification for each document."""
        found: list[Verification] = []
        for attestation in attestations[:MAX_DOCUMENTS]:
            found += self._document(subject, attestation)
        if len(attestations) > MAX_DOCUMENTS:
            fault = Undecided("too-large", f"{len(attestations)} documents; {MAX_DOCUMENTS} were looked at")
            found.append(_refusal(subject, attestations[-1].form, "documents", fault))
        return tuple(found)

    @cached_property
    def _trust(self) -> "Trust":
        from connectors._sigstore import anchors, claim  # noqa: PLC0415 - the import takes a second

        loaded = {name: anchors.load(file, root, raw) for name, (file, root, raw) in self._roots.items()}
        return claim.Trust(loaded["public-good"], loaded.get("github"), self._npm, self._npm_keys)

    def _document(self, subject: Subject, attestation: Attestation) -> list[Verification]:
        """Decide one document: take it apart, then each claim on its own."""
        form = attestation.form
        claims = _guarded(lambda: self._claims(subject, attestation))
        if isinstance(claims, Refused):
            return [_refusal(subject, form, form.value, claims)]
        if not claims:
            detail = "the document holds no claim"
            return [_verification(subject, form, verdict=Verdict.UNATTESTED, reason="empty", detail=detail)]
        decided = [_decided(subject, form, claim) for claim in claims[:MAX_CLAIMS]]
        if len(claims) > MAX_CLAIMS:
            excess = Undecided("too-large", f"{len(claims)} claims; {MAX_CLAIMS} were looked at")
            decided.append(_refusal(subject, form, form.value, excess))
        return decided

    def _claims(self, subject: Subject, attestation: Attestation) -> "list[Claim]":
        if len(attestation.document) > MAX_DOCUMENT:
            raise Undecided("too-large", f"the document has more than {MAX_DOCUMENT} bytes")
        from connectors._sigstore import forms  # noqa: PLC0415 - the import takes a second

        return forms.claims(attestation, subject, self._trust)


def _guarded(step: Callable[[], T]) -> T | Refused:
    """Run a step on hostile input; whatever happens is an answer."""
    try:
        return step()
    except Refused as refused:
        return refused
    except Exception as error:  # noqa: BLE001 - hostile input, and the libraries leak: a claim must cost nothing but itself
        return Undecided("fault", f"the verification broke with {type(error).__name__}: {error}"[:300])


def _decided(subject: Subject, form: Form, claim: "Claim") -> Verification:
    held = _guarded(claim.decide)
    if isinstance(held, Refused):
        return _refusal(subject, form, claim.name, held)
    return _verification(
        subject,
        form,
        verdict=Verdict.VERIFIED,
        reason=held.kind,
        detail=f"{claim.name}: {held.detail}",
        publisher=held.publisher,
        root=held.root,
    )


def _refusal(subject: Subject, form: Form, name: str, refused: Refused) -> Verification:
    detail = f"{name}: {refused}"
    return _verification(subject, form, verdict=refused.verdict, reason=refused.reason, detail=detail)


def _verification(
    subject: Subject,
    form: Form,
    *,
    verdict: Verdict,
    reason: str,
    detail: str,
    publisher: Publisher | None = None,
    root: str = "",
) -> Verification:
    digests = tuple(sorted(subject.digests.values()))
    return Verification(subject.purl, subject.filename, form, verdict, reason, detail, publisher, root, digests)
