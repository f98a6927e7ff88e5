"""How long Jira asks us to stay away: in seconds, as a time, for longer than anybody lives, or not at all."""

from datetime import UTC, datetime

import pytest

from connectors._edge.http import Response
from connectors._jira_answers import delivered, quota_wait
from monitor.domain.action import Ambiguous, Deferred, Delivered
from monitor.domain.evidence import Evidence
from monitor.ports.sources import Validator

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
QUOTA = "jira-quota-tenant-based"


def answer(status: int, *, wait: float | None = None, body: bytes = b"", **headers: str) -> Response:
    """An answer of Jira's."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    evidence = Evidence("u", "0" * 64, NOW, body)
    return Response(status, named, body, "u", evidence, Validator("u", "", ""), "http://127.0.0.1/", wait)


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("2026-11-24T09:20:00Z", 1200.0),
        ("2026-11-24T09:20:00+0000", 1200.0),
        ("2026-11-24T08:00:00Z", 1.0),
        ("2126-11-24T09:00:00Z", 3600.0),
        ("2026-11-24T09:20:00", 60.0),
        ("soon", 60.0),
        ("", 60.0),
    ],
)
def test_a_quota_without_seconds_lasts_until_its_reset_within_reason(reset: str, seconds: float) -> None:
    refused = answer(429, x_ratelimit_reset=reset, ratelimit_reason=QUOTA)

    assert quota_wait(refused, NOW) == seconds
    assert isinstance(delivery := delivered(refused, now=NOW), Deferred)
    assert delivery.after_seconds == seconds


@pytest.mark.parametrize("wait", [0.0, 7.0, 9e18])
def test_seconds_go_before_a_time_and_are_bounded(wait: float) -> None:
    refused = answer(429, wait=wait, x_ratelimit_reset="2026-11-24T09:20:00Z", ratelimit_reason=QUOTA)

    assert quota_wait(refused, NOW) == min(max(wait, 1.0), 3600.0)


@pytest.mark.parametrize("reason", ["", "jira-burst-based", "jira-per-issue-on-write"])
def test_only_a_quota_is_the_whole_accounts(reason: str) -> None:
    assert quota_wait(answer(429, wait=7.0, ratelimit_reason=reason), NOW) is None
    assert quota_wait(answer(503, wait=7.0, ratelimit_reason=QUOTA), NOW) is None


def test_a_change_is_done_when_jira_says_nothing_or_json_and_in_doubt_when_somebody_else_answers() -> None:
    done = [delivered(answer(status, body=body), now=NOW, ref="k") for status, body in ((204, b""), (200, b"{}"))]
    doubted = delivered(answer(200, body=b"<!doctype html><title>Sign in</title>"), now=NOW, ref="k")

    assert done == [Delivered("k")] * 2
    assert isinstance(doubted, Ambiguous)
