"""What people press beside a message."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Button(StrEnum):
    """What a button says."""

    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"
    APPROVE = "approve"


@dataclass(frozen=True, slots=True)
class Press:
    """One press. Who pressed is the channel's word; whether they may is not decided there."""

    button: Button
    value: str
    """What the button carried: an incident; for an approval the mark of the ticket and the pin that was shown, with a space between."""
    by: str
    """The channel's id of the person."""
    ref: str
    """The channel's own name for the press: the same one may arrive twice."""


class ButtonSource(Protocol):
    """Where buttons are pressed."""

    @property
    def name(self) -> str:
        """The connector's name: `slack`."""

    async def probe(self) -> str:
        """Check that it can be listened to; return a line for `doctor`. Raises the four errors with the way out."""

    async def listen(self, pressed: Callable[[Press], Awaitable[None]], stop: asyncio.Event) -> None:
        """Tell each press until `stop` is set, and connect again whenever the connection ends. Raises the four errors at the first."""
