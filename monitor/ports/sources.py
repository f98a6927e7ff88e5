"""What the program asks: registries, advisories, inventories, the verifier, the HTTP edge and the clock."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from monitor.domain.advisory import Advisory, AdvisoryRef, Question
from monitor.domain.dependency import Dependencies
from monitor.domain.deployment import Inventory
from monitor.domain.evidence import Evidence
from monitor.domain.provenance import Attestation, Subject, TrustRoot, Verification
from monitor.domain.purl import Purl
from monitor.domain.release import Artifact, Digest, Listing, Release
from monitor.domain.risk import RiskTable
from monitor.domain.server import Registry
from monitor.domain.unknown import Unknown

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Validator:
    """What makes the next request for `key` (address and form) conditional."""

    key: str
    etag: str
    last_modified: str


@dataclass(frozen=True, slots=True)
class Fresh(Generic[T_co]):
    """An answer, what makes the next question conditional, and the raw documents. Keep all three in one transaction, or none."""

    value: T_co
    validators: tuple[Validator, ...] = ()
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The source says that what we know still stands. Never an empty answer."""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file that was streamed through the hashes and dropped: size in bytes, algorithm -> digest (sha256, sha512, sha1)."""

    size: int
    digests: Mapping[str, Digest]


@dataclass(frozen=True, slots=True)
class MirrorState:
    """A local copy: how many records, the youngest modification in it, and when it was compared with its origin last."""

    records: int
    youngest: datetime | None  # None: no record
    compared_at: datetime
    whole_at: datetime
    """When it was compared as a whole last."""
    changed: int = 0
    """Records that this refresh brought, changed or removed."""
    problems: tuple[str, ...] = ()
    """Records that could not be read, each a sentence with its id (at most 20)."""


Validators = Mapping[str, Validator]
"""By key. A connector sends those that it knows, and returns those to keep."""


class ReleaseSource(Protocol):
    """A registry or forge that lists releases of packages."""

    @property
    def name(self) -> str:
        """The connector's name: `pypi`, `npm`, `github`."""

    async def listing(self, package: Purl, known: Validators) -> Fresh[Listing] | Unchanged:
        """Return every release, yanked ones too, in no order; `Unchanged` only when `known` made the source say so.

        Raises the four errors; `NotFound` means that the source knows no such package.
        """

    async def download(self, artifact: Artifact) -> Downloaded:
        """Stream the file through the hashes: never stored, extracted or run. Allowed hosts only, size limited."""

    async def attestations(self, release: Release, artifact: Artifact) -> Fresh[tuple[Attestation, ...]]:
        """Return everything that vouches for the file, unverified. Empty: the source says that nobody does.

        Where the listing announces an attestation and the endpoint has none, `Unavailable`: two answers that disagree are no fact.
        """

    async def dependencies(self, release: Release) -> Fresh[Dependencies]:
        """Return what the registry says that the version needs: its own dependencies, at a version where exactly one is declared.

        Raises the four errors; `NotFound` where the source says nothing of dependencies.
        """

    async def confirms_absence(self, release: Release, artifact: Artifact) -> bool:
        """Ask the attestation endpoint about a file for which the listing announces none: whether it, too, has none.

        Raises the four errors.
        """


class Verifier(Protocol):
    """Decides claims. Total on any input: never raises, never asks the network."""

    def verify(self, subject: Subject, attestations: Sequence[Attestation]) -> tuple[Verification, ...]:
        """Decide each attestation's claim about the subject; nothing for an empty sequence."""

    def roots(self) -> tuple[TrustRoot, ...]:
        """Return the trust roots in use."""

    def root_files(self) -> Mapping[TrustRoot, bytes]:
        """Return the trust roots in use with the files' contents."""

    def under(self, files: Mapping[TrustRoot, bytes]) -> "Verifier":
        """Return a verifier that trusts these files alone: for what was decided under them. Raises `Malformed`."""

    def renew(self) -> None:
        """Read the trust roots anew, after they were refreshed. Raises `Malformed`; the old ones stay in use then."""


class TrustRootSource(Protocol):
    """Where newer trust roots come from."""

    async def refresh(self) -> Mapping[str, TrustRoot | Unknown]:
        """Fetch, verify and keep the roots that are current; by name the file that is kept now, or why there is none.

        Raises nothing: what was kept before stays where a root cannot be had. Empty: nowhere to keep them is configured.
        """


class AdvisorySource(Protocol):
    """A database of advisories."""

    @property
    def name(self) -> str:
        """The connector's name: `osv`."""

    @property
    def database(self) -> str:
        """Whose records it gives: `Advisory.database`."""

    @property
    def batched(self) -> bool:
        """Whether many versions cost one request, or none: such a source is asked every few minutes, others with the releases."""

    async def match(self, questions: Collection[Question]) -> Mapping[Purl, tuple[AdvisoryRef, ...] | Unknown]:
        """Return, for the version of every question, the live records that the source says name it.

        A version of a type that the source does not cover is `Unknown(NOT_COVERED)`, never clean.
        Raises nothing: each version has its answer.
        """

    async def advisory(self, ref: AdvisoryRef) -> Fresh[Advisory]:
        """Return the record as it is now, whatever state `ref` names, withdrawn ones too. Raises the four errors."""


class AdvisoryMirror(Protocol):
    """A local copy of a database of advisories."""

    @property
    def name(self) -> str:
        """The connector's name: `osv_mirror`."""

    async def refresh(self, *, whole: bool) -> MirrorState:
        """Bring the copy up to date: what was modified since, or with `whole` everything anew, and what is gone upstream is gone.

        Raises the four errors; the copy stays as it was then. A copy that was never made is made whole.
        """

    async def state(self) -> MirrorState | Unknown:
        """Return the copy's state; why there is none."""


class RiskSource(Protocol):
    """A list of how likely known flaws are to be used."""

    @property
    def name(self) -> str:
        """The connector's name: `kev`, `epss`."""

    async def read(self, known: Validators) -> Fresh[RiskTable] | Unchanged:
        """Return the whole list; `Unchanged` only when `known` made the source say so. Raises the four errors."""


class DependencySource(Protocol):
    """Reads what the organisation keeps of a version's dependencies: lock files and SBOMs."""

    def read(self, place: Path, of: Purl, *, known: str) -> Dependencies | Unchanged:
        """Read the file about that version of a server; `Unchanged` where it is in the state that the stamp `known` names.

        Raises `NotFound` where there is no such file, `Unavailable` and `Malformed`.
        """


class DeploymentSource(Protocol):
    """Something that knows what runs where."""

    @property
    def name(self) -> str:
        """The connector's name and its place, for people."""

    async def inventory(self) -> Inventory:
        """Return all that it sees now. Raises the four errors when it could not be read as a whole."""


class RegistrySource(Protocol):
    """Where the approved servers are listed."""

    def read(self) -> Registry:
        """Return the good entries and the problems of the others. Raises `Unavailable` or `Malformed` for the file as a whole."""


class Edge(Protocol):
    """The HTTP client that all connectors of a process share."""

    def session(self) -> AbstractAsyncContextManager[None]:
        """Open the connections for the time of a run."""

    def gates(self) -> Mapping[str, datetime]:
        """Return the hosts that asked us to wait, and until when."""

    def close(self, gates: Mapping[str, datetime]) -> None:
        """Ask nothing of these hosts before their time: what an earlier run was told."""


class Clock(Protocol):
    """Time, so that tests own it."""

    def __call__(self) -> datetime:
        """Return now, aware, in UTC."""
