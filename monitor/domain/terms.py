"""For how long an organisation trusts its own decisions, and how long it waits before it makes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Terms:
    """What the policy says of ages, as far as the rules judge by it."""

    hold: timedelta = timedelta(hours=72)
    hold_security_fix: timedelta = timedelta(hours=24)
    expires_after: Mapping[int, timedelta] = field(default_factory=dict)
    """How long an approval holds that names no end, by tier; a tier that is not named: without end."""
