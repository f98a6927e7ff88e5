import asyncio
import json
import re
import stat
from hashlib import sha256
from pathlib import Path

import pytest

from connectors._host_policies import host_policies
from monitor.commands.export import denied_versions
from monitor.domain.deployment import PolicyState
from monitor.domain.enforcement import VERB, Exported, policy_state
from monitor.domain.purl import Purl
from monitor.domain.review import Review, State
from monitor.domain.server import Pin
from tests.company import Company
from tests.desk import Desk
from tests.make import NOW
from tests.world import World

FILES = "io.github.acme/files-mcp"
FAR = "io.github.acme/far"


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], world: World, tmp_path: Path, logged: list[str]) -> Desk:
    """Two approved servers, one of them remote; looked at once."""
    del logged  # the program sets up its own log
    company = Company(tmp_path, world, tells=False)
    world.npm.publish("@acme/files-mcp", "1.4.2", attested_by=None)
    company.approve(FILES, "1.4.2", package="pkg:npm/%40acme/files-mcp")
    company.registry[FAR] = {
        "name": FAR,
        "owner": "platform",
        "remote": "https://mcp.acme.example/mcp",
        "approved": {"by": "rita@acme.example"},
    }
    desk = Desk(company, capsys)
    desk.check()
    return desk


def allowed(data: bytes | str) -> list[object]:
    read = json.loads(data)["allowedMcpServers"]
    assert isinstance(read, list)
    return read


def kept(desk: Desk) -> list[dict[str, object]]:
    lines = desk("audit", "export").out.splitlines()
    return [event for line in lines if (event := json.loads(line)["event"])["verb"] == VERB]


def test_a_file_is_written_that_its_host_is_known_by(shell: Desk) -> None:
    place = shell.folder / "etc/claude-code/managed-settings.json"

    printed = shell("export", "allowlist", "--for", "claude-code", "--output", str(place))

    assert (printed.code, printed.out, printed.err) == (0, "", "")
    assert {"serverCommand": ["npx", "-y", "@acme/files-mcp@1.4.2"]} in allowed(place.read_bytes())
    assert stat.S_IMODE(place.stat().st_mode) == 0o644
    (event,) = kept(shell)
    detail = event["detail"]
    assert isinstance(detail, dict)
    assert detail["sha256"] == sha256(place.read_bytes()).hexdigest()
    (policy,) = host_policies(shell.folder / "home", shell.folder)
    exported = Exported(str(event["subject"]), NOW, detail["sha256"])
    assert policy_state(policy, [exported]) is PolicyState.PRESENT
    assert policy.exported_at is not None


@pytest.mark.parametrize("client", ["claude-code", "codex", "registry-api"])
def test_an_export_that_says_the_same_leaves_the_file_and_its_hosts_up_to_date(shell: Desk, client: str) -> None:
    place = shell.folder / "out"
    shell("export", "allowlist", "--for", client, "--output", str(place))
    files = [path for path in (place, *place.rglob("*")) if path.is_file()]
    for path in files:
        path.write_bytes(re.sub(rb'(exported_at[": =]+)20\d\d', rb"\g<1>2020", path.read_bytes()))
    before = [path.read_bytes() for path in files]

    printed = shell("export", "allowlist", "--for", client, "--output", str(place))

    assert printed.code == 0
    assert [path.read_bytes() for path in files] == before
    assert len(kept(shell)) == 1


def test_an_export_that_says_something_else_replaces_the_file(shell: Desk) -> None:
    place = shell.folder / "out"
    shell("export", "allowlist", "--for", "claude-code", "--output", str(place))
    del shell.company.registry[FAR]
    shell.company.write()

    shell("export", "allowlist", "--for", "claude-code", "--output", str(place))

    assert b"mcp.acme.example" not in place.read_bytes()
    assert len(kept(shell)) == 2


def test_without_a_place_the_file_goes_to_stdout(shell: Desk) -> None:
    printed = shell("export", "allowlist", "--for", "copilot")

    assert {"serverUrl": "https://mcp.acme.example/mcp"} in allowed(printed.out)


def test_malware_is_denied_and_no_longer_allowed(shell: Desk) -> None:
    shell.world.osv.malware("MAL-2026-1", Purl.npm("@acme/files-mcp"), "1.4.2")
    shell.company.later(hours=2)
    asyncio.run(shell.company.run(("advisories",)))

    printed = shell("export", "allowlist", "--for", "copilot")

    assert printed.code == 1
    assert f"not allowed: {FILES}: 1.4.2 is quarantined or was rejected" in printed.err
    assert allowed(printed.out) == [{"serverUrl": "https://mcp.acme.example/mcp"}]
    denied = json.loads(printed.out)["deniedMcpServers"]
    assert {"serverCommand": ["npx", "-y", "@acme/files-mcp@1.4.2"]} in denied


def test_an_entry_that_cannot_be_read_is_not_left_out_without_a_word(shell: Desk) -> None:
    shell.company.registry["x"] = {"name": "x", "owner": "platform"}
    shell.company.write()

    printed = shell("export", "allowlist", "--for", "codex")

    assert printed.code == 1
    assert "x: name: expected" in printed.err


def test_a_machine_is_told_what_was_written_and_what_was_left_out_and_why(shell: Desk) -> None:
    shell.company.approve("io.github.acme/built", "1.0.0", package="pkg:github/acme/built")
    shell.company.registry["bad"] = {"name": "bad", "owner": "platform"}
    shell.company.write()
    place = shell.folder / "managed-settings.json"
    ask = ("export", "allowlist", "--for", "claude-code", "--output", str(place), "--json")

    first, again = (json.loads(shell(*ask).out) for _ in range(2))

    assert (first["client"], first["output"], first["written"]) == ("claude-code", str(place), True)
    assert {each["server"]: each["version"] for each in first["allowed"]} == {
        FILES: "pkg:npm/%40acme/files-mcp@1.4.2",
        FAR: None,
    }
    assert [each["server"] for each in first["left_out"]] == ["io.github.acme/built"]
    assert all(each["reason"] for each in first["left_out"])
    assert {each["name"] for each in first["problems"]} == {"bad"}
    assert again == first | {"written": False}


def test_a_machine_is_told_nothing_where_the_file_itself_goes_to_stdout(shell: Desk) -> None:
    printed = shell("export", "allowlist", "--for", "claude-code", "--json")

    assert (printed.code, printed.out) == (2, "")
    assert "--output" in printed.err


def test_a_list_that_allows_nothing_is_not_written(shell: Desk) -> None:
    shell.company.registry = {FILES: {"name": FILES, "owner": "platform", "package": "pkg:npm/x"}}
    shell.company.write()
    place = shell.folder / "managed-settings.json"
    place.write_text("as before")

    printed = shell("export", "allowlist", "--for", "claude-code", "--output", str(place))

    assert printed.code == 2
    assert "would allow no server at all" in printed.err
    assert place.read_text() == "as before"
    assert kept(shell) == []


def test_a_place_that_cannot_be_written_keeps_what_was_there(shell: Desk) -> None:
    (shell.folder / "file").write_text("")

    printed = shell("export", "allowlist", "--for", "gemini", "--output", str(shell.folder / "file/settings.json"))

    assert printed.code == 2
    assert list(shell.folder.rglob(".settings.json.*")) == []


def test_the_registrys_folder_loses_what_is_not_approved_any_more(shell: Desk) -> None:
    folder = shell.folder / "srv"
    shell("export", "allowlist", "--for", "registry-api", "--output", str(folder))
    before = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.json"))
    (folder / "robots.txt").write_text("mine")
    del shell.company.registry[FAR]
    shell.company.write()

    printed = shell("export", "allowlist", "--for", "registry-api", "--output", str(folder))

    assert printed.code == 0
    assert len(before) == 7
    assert [path for path in before if not (folder / path).exists()] == [
        f"v0.1/servers/{FAR}/versions/{name}index.json" for name in ("1.0.0/", "", "latest/")
    ]
    assert not (folder / f"v0.1/servers/{FAR}").exists()
    assert (folder / "robots.txt").exists()


def test_the_registry_needs_a_folder(shell: Desk) -> None:
    printed = shell("export", "allowlist", "--for", "registry-api")

    assert printed.code == 2
    assert "--output" in printed.err


@pytest.mark.parametrize("client", ["claude-code", "copilot", "vscode", "codex", "gemini", "kiro"])
def test_every_client_has_a_file(shell: Desk, client: str) -> None:
    printed = shell("export", "allowlist", "--for", client)

    assert printed.code == 0
    assert "@acme/files-mcp" in printed.out


def test_only_what_a_reviewer_rejected_is_denied() -> None:
    reviews = [
        Review(FILES, Pin(Purl.npm("@acme/files-mcp", f"1.5.{at}")), state, NOW) for at, state in enumerate(State)
    ]

    denied = denied_versions([], reviews)

    assert denied == {review.candidate.purl for review in reviews if review.state is State.REJECTED}


def test_to_look_at_an_export_again_leaves_every_host_up_to_date(shell: Desk) -> None:
    first = shell("export", "allowlist", "--for", "claude-code")
    shell.company.later(days=1)

    again = shell("export", "allowlist", "--for", "claude-code")

    assert again.out == first.out
    assert len(asyncio.run(shell.company.app.store.run(lambda unit: unit.events(VERB)))) == 1
