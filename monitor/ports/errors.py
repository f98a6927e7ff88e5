"""How the outside may fail.

    SourceError
    ├── Unavailable   no answer, or a fault of the source's own: ask again later
    ├── Denied        credentials or rate refused
    ├── Malformed     an answer that is not what the source promises
    └── NotFound      the source knows no such thing: a fact, not a fault

No other exception leaves a connector.
"""

from typing import TypeVar

from monitor.domain.unknown import Reason, Unknown

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class SourceError(Exception):
    """A connector's refusal; the text is one line for a person, with no secret in it."""

    reason = Reason.UNAVAILABLE

    def __init__(self, source: str, detail: str) -> None:
        """Name the source and say what happened."""
        super().__init__(f"{source}: {detail}")
        self.source = source
        self.detail = detail

    def unknown(self) -> Unknown:
        """Return the error as the value that stands where the answer would."""
        return Unknown(self.reason, self.source, self.detail)


class Unavailable(SourceError):
    """No answer, or a fault of the source's own."""


class Denied(SourceError):
    """Credentials or rate refused."""

    reason = Reason.DENIED


class Malformed(SourceError):
    """An answer that is not what the source promises, or exceeds a limit."""

    reason = Reason.MALFORMED


class NotFound(SourceError):
    """The source answered that there is no such thing."""

    reason = Reason.MALFORMED
