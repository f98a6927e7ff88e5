"""How a verification step says no."""

from monitor.domain.provenance import Verdict


class Refused(Exception):
    """The claim is not verified. `reason` is one stable word for grouping; the text is a sentence for the reviewer."""

    verdict = Verdict.INVALID

    def __init__(self, reason: str, detail: str) -> None:
        """Say which kind of fault, and what does not hold."""
        super().__init__(detail)
        self.reason = reason


class Undecided(Refused):
    """Cannot tell: a shape, a key or an authority that this program does not know."""

    verdict = Verdict.UNSUPPORTED
