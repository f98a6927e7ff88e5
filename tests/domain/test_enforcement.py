from datetime import timedelta

import pytest

from monitor.domain.deployment import HostPolicy, PolicyState
from monitor.domain.enforcement import Exported, policy_state
from tests.make import NOW

OLD = Exported("claude-code", NOW - timedelta(days=2), "a" * 64)
NEW = Exported("claude-code", NOW, "b" * 64)
OTHER = Exported("codex", NOW + timedelta(days=1), "c" * 64)


@pytest.mark.parametrize(
    ("sha256", "state"),
    [
        ("b" * 64, PolicyState.PRESENT),
        ("a" * 64, PolicyState.OLDER),
        ("c" * 64, PolicyState.ALTERED),
        ("0" * 64, PolicyState.ALTERED),
        ("", PolicyState.ABSENT),
    ],
)
def test_a_hosts_file_is_compared_with_every_export_for_its_client(sha256: str, state: PolicyState) -> None:
    policy = HostPolicy("claude-code", "/etc/claude-code/managed-settings.json", sha256)

    assert policy_state(policy, [NEW, OTHER, OLD]) is state


def test_a_file_that_nobody_exported_is_altered() -> None:
    assert policy_state(HostPolicy("codex", "/etc/codex/requirements.toml", "d" * 64), []) is PolicyState.ALTERED


def test_the_same_bytes_exported_again_are_present() -> None:
    again = Exported("claude-code", NOW + timedelta(days=3), OLD.sha256)

    policy = HostPolicy("claude-code", "x", OLD.sha256)

    assert policy_state(policy, [OLD, NEW, again]) is PolicyState.PRESENT


def test_of_two_exports_of_one_second_the_later_in_the_log_is_the_newer() -> None:
    policy = HostPolicy("claude-code", "x", NEW.sha256)
    same = Exported("claude-code", NOW, OLD.sha256)

    assert policy_state(policy, [same, NEW]) is PolicyState.PRESENT
    assert policy_state(policy, [NEW, same]) is PolicyState.OLDER
