import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.registry_file import parse_registry
from monitor import cli, wiring
from monitor.domain.deployment import Deployment, PinKind
from monitor.domain.purl import Purl
from monitor.exports.proposal import propose
from tests import corpus


def home(folder: Path, servers: dict[str, object]) -> Path:
    (folder / ".cursor").mkdir(parents=True)
    (folder / ".cursor/mcp.json").write_text(json.dumps({"mcpServers": servers}))
    return folder


SERVERS: dict[str, object] = {
    "files": {"command": "npx", "args": ["-y", "@acme/files-mcp@1.4.2"]},
    "again": {"command": "npx", "args": ["-y", "@acme/files-mcp"]},
    "db\n- name: evil": {"command": "uvx", "args": ["acme-db==2.0.1"], "env": {"TOKEN": "hunter2"}},
    "far": {"url": "https://mcp.acme.example/mcp?token=hunter2"},
    "near": {"url": "http://localhost:3000/mcp"},
    "own": {"command": "node", "args": ["./server.js"]},
}


def test_what_runs_is_proposed_and_nothing_is_approved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "registry.yaml"

    code = cli.main(["init", "--home", str(home(tmp_path / "rita", SERVERS)), "--output", str(output)])

    registry = parse_registry(output.read_bytes(), str(output))
    assert code == 0
    assert registry.problems == ()
    assert [(each.server.name, each.server.owner, each.approval) for each in registry.entries] == [
        ("npm/acme.files-mcp", "unreviewed", None),
        ("pypi/acme-db", "unreviewed", None),
        ("remote/mcp.acme.example.mcp", "unreviewed", None),
    ]
    assert "3 servers proposed, none approved" in capsys.readouterr().err


def test_each_entry_says_what_runs_where(tmp_path: Path) -> None:
    output = tmp_path / "registry.yaml"

    cli.main(["init", "--home", str(home(tmp_path / "rita", SERVERS)), "--output", str(output)])

    text = output.read_text()
    assert f", cursor, files in {tmp_path}/rita/.cursor/mcp.json: 1.4.2\n" in text
    assert f", cursor, again in {tmp_path}/rita/.cursor/mcp.json: floats\n" in text
    assert "# http://localhost:3000/mcp: expected an https address" in text
    assert ", cursor, own in " in text
    assert "hunter2" not in text


def test_several_homes_are_one_proposal(tmp_path: Path) -> None:
    output = tmp_path / "registry.yaml"
    homes = [home(tmp_path / name, {"files": SERVERS["files"]}) for name in ("rita", "otto")]

    cli.main(["init", *(part for each in homes for part in ("--home", str(each))), "--output", str(output)])

    assert len(parse_registry(output.read_bytes(), "r").entries) == 1
    assert output.read_text().count("files in") == 2


def test_a_name_beside_one_that_it_may_be_taken_for_is_marked(tmp_path: Path) -> None:
    output = tmp_path / "registry.yaml"
    servers: dict[str, object] = {
        "files": {"command": "npx", "args": ["-y", "@acme/files-mcp@1.4.2"]},
        "flies": {"command": "npx", "args": ["-y", "@acme/flies-mcp@1.4.2"]},
        "weather": {"command": "uvx", "args": ["weather-report==2.0.1"]},
    }

    cli.main(["init", "--home", str(home(tmp_path / "rita", servers)), "--output", str(output)])

    marked = [line for line in output.read_text().splitlines() if "LOOKALIKE" in line]
    assert len(marked) == 2
    assert "npm/acme.files-mcp" in marked[1]


def test_a_file_of_an_installed_package_is_proposed_as_that_package() -> None:
    there = Deployment(
        "h", "cursor", "/a/mcp.json", "x", PinKind.PATH, None, installed=Purl.npm("@acme/files", "1.4.2")
    )

    proposed = parse_registry(propose([there], {}), "registry.yaml")

    assert [str(each.server.package) for each in proposed.entries] == ["pkg:npm/%40acme/files"]


def test_an_existing_file_is_never_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "registry.yaml"
    output.write_text("mine")

    code = cli.main(["init", "--home", str(tmp_path), "--output", str(output)])

    assert code == 2
    assert output.read_text() == "mine"
    assert "exists and is left alone" in capsys.readouterr().err


def test_a_machine_without_servers_gets_a_file_without_servers(tmp_path: Path) -> None:
    output = tmp_path / "registry.yaml"

    code = cli.main(["init", "--home", str(tmp_path), "--output", str(output)])

    registry = parse_registry(output.read_bytes(), "r")
    assert (code, registry.entries, registry.problems) == (0, (), ())


def test_a_configuration_that_cannot_be_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home(tmp_path / "rita", SERVERS) / ".cursor/mcp.json").write_text("{")

    code = cli.main(["init", "--home", str(tmp_path / "rita"), "--output", str(tmp_path / "r.yaml")])

    assert code == 3
    assert ".cursor/mcp.json" in capsys.readouterr().err


def test_a_home_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    assert cli.main(["init", "--home", str(tmp_path / "none"), "--output", str(tmp_path / "r.yaml")]) == 2


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def _speakable(name: str) -> bool:
    """Whether a package URL can be written for the name: what a client's configuration is read to holds no other."""
    try:
        return bool(str(Purl("npm", None, name)))
    except (ValueError, TypeError):
        return False


PURLS = st.builds(
    lambda kind, name: Purl(kind, None, name),
    st.sampled_from(["npm", "pypi", "docker", "github", "golang", "deb"]),
    TEXT.filter(_speakable),
)


@given(
    st.lists(
        st.builds(
            Deployment,
            TEXT,
            TEXT,
            TEXT,
            TEXT,
            st.sampled_from(PinKind),
            st.none() | PURLS,
            st.none() | TEXT.map(lambda text: f"https://mcp.acme.example/{text}"),
        ),
        max_size=5,
    )
)
@example([Deployment("", "", "", "", PinKind.REMOTE, None, "https://mcp.acme.example/\U00016e40")])
def test_whatever_runs_the_proposal_is_a_registry_file_without_problems(found: list[Deployment]) -> None:
    values = {str(each.purl.package) if each.purl else each.remote or "" for each in found} - {""}
    refused = {value: why for value in values if (why := wiring.unlistable(value))}

    registry = parse_registry(propose(found, refused), "r.yaml")

    assert registry.problems == ()
    assert len(registry.entries) == len(values - refused.keys())
    assert all(each.approval is None for each in registry.entries)


def test_what_real_people_run_is_proposed_without_a_problem(tmp_path: Path) -> None:
    folder = tmp_path / "rita/.continue/mcpServers"
    folder.mkdir(parents=True)
    for path in corpus.path("registries/client-configs").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())

    cli.main(["init", "--home", str(tmp_path / "rita"), "--output", str(tmp_path / "r.yaml")])

    registry = parse_registry((tmp_path / "r.yaml").read_bytes(), "r.yaml")
    assert registry.problems == ()
    assert len(registry.entries) > 80
