"""Who decides, and who is told: the organisation's people under one name each, whatever each system calls them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Person:
    """One person. Empty: not known there. `account` is the operating system's, on the machine where the program is called."""

    name: str
    jira: str = ""
    slack: str = ""
    github: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class People:
    """Everybody, and the group that may approve."""

    persons: tuple[Person, ...] = ()
    approvers: frozenset[str] = frozenset()
    approvers_needed: Mapping[int, int] = field(default_factory=dict)
    """By tier; 1 where none is given."""

    def known(self, system: str, name: str) -> Person | None:
        """Return who has that name at `jira`, `slack`, `github` or as an `account`; None: nobody, or more than one."""
        if not name:
            return None
        found = [each for each in self.persons if getattr(each, system).casefold() == name.casefold()]
        return found[0] if len(found) == 1 else None

    def needed(self, tier: int) -> int:
        """Return how many have to approve a server of that tier."""
        return max(1, self.approvers_needed.get(tier, 1))

    def named(self, name: str) -> Person | None:
        """Return the person of that name."""
        return next((each for each in self.persons if each.name == name), None)
