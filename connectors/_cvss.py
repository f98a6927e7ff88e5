"""CVSS vectors of versions 2, 3 and 4, scored by a library, and the words that databases have for severities."""

from collections.abc import Iterable
from itertools import islice

from cvss import CVSS2, CVSS3, CVSS4, CVSSError

from monitor.domain.finding import Severity

MAX_VECTOR = 400
MAX_VECTORS = 100
"""Different ones of a record that are scored: real records have a handful."""

_READERS = {"CVSS_V2": CVSS2, "CVSS_V3": CVSS3, "CVSS_V4": CVSS4}
_WORDS = {
    "low": Severity.LOW,
    "moderate": Severity.MEDIUM,
    "medium": Severity.MEDIUM,
    "high": Severity.HIGH,
    "important": Severity.HIGH,
    "critical": Severity.CRITICAL,
}


def highest(vectors: Iterable[tuple[str, str]]) -> float | None:
    """Return the highest base score of vectors, each with its kind in OSV's words (`CVSS_V3`); None: none that can be scored."""
    return max(_scores(islice(dict.fromkeys(vectors), MAX_VECTORS)), default=None)


def rating(score: float) -> Severity:
    """CVSS's qualitative scale, 3.1 section 5 (and 4.0 section 6): also for version 2, which has no word above high."""
    scale = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
    return next((severity for least, severity in scale if score >= least), Severity.INFO)


def worded(text: str) -> Severity | None:
    """GitHub's words, also as others write them; None: no word for a severity."""
    return _WORDS.get(text.lower())


def _scores(vectors: Iterable[tuple[str, str]]) -> Iterable[float]:
    for kind, vector in vectors:
        reader = _READERS.get(kind)
        if reader is not None and len(vector) <= MAX_VECTOR:
            try:
                yield float(reader(vector).base_score)
            except CVSSError:
                continue  # some databases put a word or a torn vector there: it costs itself
