import os
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from connectors._host_policies import PLACES, host_policies
from monitor.domain.deployment import HostPolicy

PLACED = [(client, place) for client, places in PLACES.items() for place in places.values()]


def put(root: Path, place: str, text: str) -> Path:
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(("client", "place"), PLACED)
def test_a_file_is_found_where_its_client_keeps_it(tmp_path: Path, client: str, place: str) -> None:
    text = '{"_mcp_monitor": {"exported_at": "2026-11-20T12:00:00+00:00"}}'
    path = put(tmp_path, place, text)

    found = host_policies(tmp_path / "home", tmp_path)

    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert found == (HostPolicy(client, str(path), sha256(text.encode()).hexdigest(), at),)


def test_a_comment_in_toml_says_when_it_was_exported(tmp_path: Path) -> None:
    put(tmp_path, "etc/codex/requirements.toml", '# exported_at = "2026-11-20T12:00:00+00:00"\n')

    (found,) = host_policies(tmp_path, tmp_path)

    assert found.exported_at == datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "{}", '{"exported_at": "yesterday"}', '"exported_at": "9999-99-99T99:99:99Z"'])
def test_a_file_that_does_not_say_when_is_a_file_all_the_same(tmp_path: Path, text: str) -> None:
    put(tmp_path, "etc/claude-code/managed-settings.json", text)

    (found,) = host_policies(tmp_path, tmp_path)

    assert found.sha256 == sha256(text.encode()).hexdigest()
    assert found.exported_at is None


def test_a_client_that_is_used_and_has_no_file_is_named_with_the_place_where_it_is_missing(tmp_path: Path) -> None:
    (tmp_path / ".codex").mkdir()

    found = host_policies(tmp_path, tmp_path / "root", system="linux")

    assert found == (HostPolicy("codex", str(tmp_path / "root/etc/codex/requirements.toml")),)


def test_a_client_that_nobody_uses_is_not_missed(tmp_path: Path) -> None:
    assert host_policies(tmp_path, tmp_path) == ()


def test_what_cannot_be_read_as_a_file_is_no_export(tmp_path: Path) -> None:
    (tmp_path / "etc/claude-code").mkdir(parents=True)
    os.mkfifo(tmp_path / "etc/claude-code/managed-settings.json")

    (found,) = host_policies(tmp_path, tmp_path)

    assert found.sha256 == "0" * 64


def test_every_file_that_is_merged_with_the_clients_own_is_told(tmp_path: Path) -> None:
    put(tmp_path, "etc/claude-code/managed-settings.json", "{}")
    wider = put(tmp_path, "etc/claude-code/managed-settings.d/99.json", '{"allowedMcpServers": []}')
    put(tmp_path, "etc/claude-code/managed-settings.d/notes.txt", "")

    found = host_policies(tmp_path / "home", tmp_path)

    assert [each.location for each in found] == [str(tmp_path / "etc/claude-code/managed-settings.json"), str(wider)]


def test_more_merged_files_than_are_read_count_as_one_that_no_export_wrote(tmp_path: Path) -> None:
    for number in range(30):
        put(tmp_path, f"etc/claude-code/managed-settings.d/{number}.json", "{}")

    found = host_policies(tmp_path / "home", tmp_path)

    assert len(found) == 21
    assert found[-1] == HostPolicy("claude-code", str(tmp_path / "etc/claude-code/managed-settings.d"), "0" * 64)
