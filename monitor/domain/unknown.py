"""Unknown is a value: a source that did not answer is never an empty answer."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why something is not known."""

    UNAVAILABLE = "unavailable"
    """The source did not answer, or answered with a fault of its own; ask again later."""
    DENIED = "denied"
    """The source refused our credentials, or our rate; a person may have to act."""
    MALFORMED = "malformed"
    """The source answered with something that is not what it promises."""
    NOT_COVERED = "not-covered"
    """No configured source knows this kind of thing."""
    NOT_ASKED = "not-asked"
    """This job does not ask the question; another one does."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """What we asked `source` and did not learn. `detail` is one line for a person, without secrets."""

    reason: Reason
    source: str
    detail: str

    def __str__(self) -> str:
        """One line, as shown in tables and tickets."""
        return f"{self.source}: {self.reason.value}, {self.detail}"


NOT_ASKED = Unknown(Reason.NOT_ASKED, "this job", "does not ask for this")
