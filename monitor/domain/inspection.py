"""What a version, or a file, turned out to be when a person asked about it by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitor.domain.finding import Fact
from monitor.domain.provenance import Publisher, Verdict, Verification, worst
from monitor.domain.unknown import Unknown


class Conclusion(StrEnum):
    """What remains of all claims."""

    HOLDS = "holds"
    FAILS = "fails"
    UNTOLD = "untold"
    """Something could not be had, or cannot be judged."""


@dataclass(frozen=True, slots=True)
class Objection:
    """What speaks against it although every signature may hold: another publisher, a demand that is not met. `rule` as in findings."""

    rule: str
    sentence: str
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Inspection:
    """All that is known of what was asked about. `what` is a package URL or a file's name."""

    what: str
    claims: tuple[Verification, ...]
    objections: tuple[Objection, ...] = ()
    compared: tuple[str, ...] = ()
    """With what it was compared, and what it could not be compared with: sentences."""
    demanded: bool = True
    """Whether somebody has to vouch for every file. An entry of the registry may demand less."""

    @property
    def conclusion(self) -> Conclusion:
        """One claim that fails decides, then an objection, then what could not be had or told."""
        return conclude(self.claims, demanded=self.demanded, against=bool(self.objections))


@dataclass(frozen=True, slots=True)
class Repeated:
    """A claim as it was recorded, and as it is decided again from what is kept."""

    recorded: Verification
    again: Verification | Unknown | None  # None: an absence, or a failure to ask: it leaves no document to decide again

    @property
    def differs(self) -> bool:
        """Whether the same evidence now says something else. The sentence may: programs learn to say things better."""
        if not isinstance(self.again, Verification):
            return False
        before, now = self.recorded, self.again
        return (before.verdict, before.publisher, before.root) != (now.verdict, now.publisher, now.root)


def conclude(claims: Sequence[Verification], *, demanded: bool, against: bool = False) -> Conclusion:
    """Sum up. Where nobody vouches, that holds only if nobody is demanded to."""
    match worst(claims):
        case Verdict.INVALID | Verdict.LOST:
            return Conclusion.FAILS
        case Verdict.UNAVAILABLE | Verdict.UNSUPPORTED:
            return Conclusion.FAILS if against else Conclusion.UNTOLD
        case Verdict.UNATTESTED | None:
            return Conclusion.FAILS if against or demanded or not claims else Conclusion.HOLDS
        case Verdict.VERIFIED:
            return Conclusion.FAILS if against else Conclusion.HOLDS


def demands(claims: Sequence[Verification], *, repository: str, workflow: str) -> tuple[Objection, ...]:
    """Hold the verified publishers against what a person names: `owner/name` or an address, a workflow's file; empty demands nothing."""
    if not repository and not workflow:
        return ()
    built = [claim.publisher for claim in claims if claim.verdict is Verdict.VERIFIED and claim.publisher]
    if not built:
        named = " ".join(filter(None, (repository, workflow)))
        return (Objection("publisher", f"no verified claim says that {named} built it"),)
    unlike = [each for each in dict.fromkeys(built) if not _is_by(each, repository, workflow)]
    return tuple(
        Objection(
            "publisher",
            "it was built by another publisher than the one that is demanded",
            (
                Fact("repository", f"{repository or 'any'} -> {each.repository}", "certificate"),
                Fact("workflow", f"{workflow or 'any'} -> {each.workflow}", "certificate"),
            ),
        )
        for each in unlike
    )


def _is_by(publisher: Publisher, repository: str, workflow: str) -> bool:
    wanted, built = repository.rstrip("/").lower(), publisher.repository.lower()
    same = not wanted or built == wanted or ("://" not in wanted and built == f"https://github.com/{wanted}")
    return same and (not workflow or workflow in {publisher.workflow, publisher.workflow.rpartition("/")[2]})
