"""Many subjects at once, each on its own: a failure of one, even a bug, never touches another."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import structlog

from monitor.domain.unknown import Reason, Unknown
from monitor.ports.errors import SourceError

T = TypeVar("T")
R = TypeVar("R")

log = structlog.get_logger()


async def guarded(subject: str, work: Awaitable[R]) -> R | Unknown:
    """Wait for `work`; its refusal, or its bug, becomes the `Unknown` that stands where the answer would."""
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - the bulkhead around one subject: whatever it is, the others must be checked
        return _unknown(subject, error)


def guarded_now(subject: str, work: Callable[[], R]) -> R | Unknown:
    """Do what `guarded` does, for work that waits for nothing."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - the same bulkhead
        return _unknown(subject, error)


def _unknown(subject: str, error: Exception) -> Unknown:
    if isinstance(error, SourceError):
        data = {"source": error.source, "subject": subject, "reason": error.reason.value, "detail": error.detail}
        log.warning("source.unknown", **data)
        return error.unknown()
    log.error("subject.failed", subject=subject, exc_info=error)
    return Unknown(Reason.UNAVAILABLE, "mcp-monitor", f"internal error at {subject}: {type(error).__name__}")


async def concurrently(items: Iterable[T], work: Callable[[T], Awaitable[R]], *, limit: int) -> dict[T, R]:
    """Run `work` on each item, at most `limit` at a time; per-host limits are the edge's business."""
    places = asyncio.Semaphore(limit)

    async def one(item: T) -> tuple[T, R]:
        async with places:
            return item, await work(item)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(item)) for item in items]
    return dict(task.result() for task in tasks)
