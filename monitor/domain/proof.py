"""What became of each thing that was checked in an evidence file."""

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """What became of a check."""

    HOLDS = "holds"
    FAILS = "fails"
    UNTOLD = "cannot be told"
    TOLD = "told"
    """Nothing that a bundle can prove of itself: for whoever reads it to compare."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked."""

    what: str
    result: Result
    detail: str
