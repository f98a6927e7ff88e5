"""PyPI's publisher object (PEP 740): a claim of the index, which must agree with the signing certificate.

The environment is not in the certificates of all years, and is not compared.
"""

import msgspec

from connectors._sigstore.refusal import Refused, Undecided
from monitor.domain.provenance import Publisher


class _GitHub(msgspec.Struct, tag_field="kind", tag="GitHub"):
    repository: str
    workflow: str


class _GitLab(msgspec.Struct, tag_field="kind", tag="GitLab"):
    repository: str
    workflow_filepath: str


class _Google(msgspec.Struct, tag_field="kind", tag="Google"):
    email: str


class _Kind(msgspec.Struct):
    kind: str


_DECODER: msgspec.json.Decoder[_GitHub | _GitLab | _Google] = msgspec.json.Decoder(_GitHub | _GitLab | _Google)
KINDS = {"GitHub", "GitLab", "Google"}


def bind(raw: bytes, claims: Publisher) -> None:
    """Check that the certificate says what the index says. Raises `Refused`, or `Undecided` for a kind that is not known."""
    try:
        kind = msgspec.json.decode(raw, type=_Kind).kind
        if kind not in KINDS:
            raise Undecided("shape", f"a publisher of the unknown kind {kind[:40]!r}")
        publisher = _DECODER.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("malformed", f"the publisher cannot be read: {error}") from error
    said = (claims.issuer, claims.repository, claims.workflow)
    match publisher:
        case _GitHub(repository, workflow):
            expected = (
                "https://token.actions.githubusercontent.com",
                f"https://github.com/{repository}",
                f".github/workflows/{workflow}",
            )
        case _GitLab(repository, workflow):
            expected = ("https://gitlab.com", f"https://gitlab.com/{repository}", workflow)
        case _Google(email):
            said, expected = (claims.issuer, claims.signer, ""), ("https://accounts.google.com", email, "")
    if said != expected:
        raise Refused(
            "identity", f"PyPI names the publisher {' '.join(expected)}, the certificate {' '.join(said)}"[:400]
        )


def _words(parts: tuple[str, str, str]) -> str:
    return " ".join(filter(None, parts))[:200]
