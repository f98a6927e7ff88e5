import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.osquery_results import Replay, build
from monitor.domain.deployment import Deployment, HostReport, Inventory, PinKind
from monitor.domain.purl import Purl
from monitor.ports.errors import Malformed, NotFound

TIME = 1795608000
SHA = "a" * 64
LISTED = frozenset({Purl.npm("@acme/files"), Purl.pypi("acme-fetch"), Purl("docker", "acme", "notes")})
NPM = {"name": "@acme/files", "version": "1.4.2", "path": "/usr/local/lib/node_modules/@acme/files"}
PYTHON = {"name": "Acme_Fetch", "version": "2.4.2", "path": "/usr/lib/python3/dist-packages/acme_fetch"}


def line(
    *, host: str = "C02XK", query: str = "pack/mcp/packages", time: int = TIME, **more: object
) -> dict[str, object]:
    """A line as osquery's file logger writes it."""
    return {
        "name": query,
        "hostIdentifier": host,
        "calendarTime": "Wed Nov 25 12:00:00 2026 UTC",
        "unixTime": time,
        "epoch": 0,
        "counter": 0,
        "numerics": False,
        "decorations": {"host_uuid": host, "hostname": f"{host.lower()}.acme.example"},
        **more,
    }


def snapshot(*rows: Mapping[str, object], **more: object) -> dict[str, object]:
    return line(**{"snapshot": list(rows), "action": "snapshot", **more})  # type: ignore[arg-type]  # its own keywords


def added(row: Mapping[str, object], counter: int, **more: object) -> dict[str, object]:
    more = {"time": TIME + counter, **more}
    return line(**{"columns": row, "action": "added", "counter": counter, **more})  # type: ignore[arg-type]  # as above


def removed(row: Mapping[str, object], counter: int) -> dict[str, object]:
    return added(row, counter, action="removed")


def read(*lines: object) -> Inventory:
    replay = Replay("osquery", LISTED)
    raw = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in lines]
    replay.read(enumerate(raw, start=1), "results.log", written_at=TIME + 1000)
    return replay.inventory()


def only(*rows: Mapping[str, object], **more: object) -> Deployment:
    inventory = read(snapshot(*rows, **more))
    assert inventory.problems == ()
    assert len(inventory.deployments) == 1
    return inventory.deployments[0]


def versions(inventory: Inventory) -> list[str]:
    return [f"{each.host} {each.purl}" for each in inventory.deployments]


def test_a_package_of_the_registry_is_a_deployment_where_it_lies() -> None:
    inventory = read(snapshot(NPM, PYTHON))

    assert inventory.deployments == (
        Deployment("c02xk.acme.example", "osquery", NPM["path"], "@acme/files", PinKind.EXACT, Purl.npm("@acme/files", "1.4.2")),
        Deployment("c02xk.acme.example", "osquery", PYTHON["path"], "acme-fetch", PinKind.EXACT, Purl.pypi("acme-fetch", "2.4.2")),
    )  # fmt: skip
    assert inventory.complete
    assert inventory.reports == (HostReport("c02xk.acme.example", datetime.fromtimestamp(TIME, UTC)),)
    assert inventory.collected_at == datetime.fromtimestamp(TIME, UTC)


@pytest.mark.parametrize(
    ("row", "purl"),
    [
        ({"name": "evil-mcp", "version": "v1.0.0", "path": "/x/node_modules/evil-mcp"}, "pkg:npm/evil-mcp@1.0.0"),
        ({"name": "@modelcontextprotocol/y", "version": "1.0.0", "path": "C:\\x\\node_modules"}, "pkg:npm/%40modelcontextprotocol/y@1.0.0"),
        ({"name": "MCP_Server.Time", "version": "1.0", "path": "C:\\Python\\Lib\\site-packages"}, "pkg:pypi/mcp-server-time@1.0"),
        ({"name": "x-mcp", "version": "1.0.0", "source": "python_packages"}, "pkg:pypi/x-mcp@1.0.0"),
        ({"name": "x-mcp", "version": "1.0.0", "table": "npm_packages"}, "pkg:npm/x-mcp@1.0.0"),
        ({"name": "x-mcp", "version": "1.0", "summary": "", "author": ""}, "pkg:pypi/x-mcp@1.0"),
        ({"name": "x-mcp", "version": "1.0.0", "description": "", "homepage": ""}, "pkg:npm/x-mcp@1.0.0"),
        ({"name": "x-mcp", "version": "1.0.0", "query": "python"}, "pkg:pypi/x-mcp@1.0.0"),
    ],
)  # fmt: skip
def test_a_name_with_mcp_in_it_counts_and_the_row_tells_its_registry(row: dict[str, str], purl: str) -> None:
    query = row.pop("query", "pack/fleet/installed")

    assert str(only(row, query=query).purl) == purl


@pytest.mark.parametrize(
    "row",
    [
        {"name": "left-pad", "version": "1.3.0", "path": "/x/node_modules/left-pad"},
        {"name": "@modelcontextprotocol/sdk", "version": "1.20.0", "path": "/x/node_modules/@modelcontextprotocol/sdk"},
        {"name": "mcp", "version": "1.20.0", "path": "/x/site-packages/mcp"},
        {"name": "Browser MCP", "version": "1.0", "path": "/home/rita/.config/chrome/Extensions/abc"},
        {"name": "x-mcp", "version": "1.0", "source": "deb_packages"},
        {"cmdline": "vim mcp.json", "pid": "5"},
        {"cmdline": "/usr/bin/python3 -m http.server"},
        {"image": "postgres:18", "state": "running"},
        {"device": "/dev/sda", "size": 5},
    ],
)
def test_what_is_no_server_is_passed_over(row: dict[str, object]) -> None:
    inventory = read(snapshot(row))

    assert (inventory.deployments, inventory.problems) == ((), ())


@pytest.mark.parametrize(
    ("cmdline", "purl", "kind"),
    [
        ("npm exec @acme/files@1.4.2", "pkg:npm/%40acme/files@1.4.2", PinKind.EXACT),
        ("npm exec @acme/files@1.4.2 --root /srv", "pkg:npm/%40acme/files@1.4.2", PinKind.EXACT),
        ("node /usr/bin/npx -y @acme/files", "pkg:npm/%40acme/files", PinKind.NONE),
        ('"C:\\My Files\\node" "C:\\nodejs\\node_modules\\npm\\bin\\npx-cli.js" -y @acme/files@^1', "pkg:npm/%40acme/files", PinKind.RANGE),
        ("/home/rita/.local/bin/uv tool uvx acme-fetch==2.4.2", "pkg:pypi/acme-fetch@2.4.2", PinKind.EXACT),
        ("node /usr/lib/node_modules/npm/bin/npx-cli.js -y @acme/files@1.4.2", "pkg:npm/%40acme/files@1.4.2", PinKind.EXACT),
        ("node /srv/evil/node_modules/npm/bin/npx-cli.js @acme/files@1.4.2", "pkg:npm/%40acme/files", PinKind.UNKNOWN),
        ("/srv/evil/uv tool uvx acme-fetch==2.4.2", "pkg:pypi/acme-fetch", PinKind.UNKNOWN),
        ("node /srv/evil/npx -y @acme/files@1.4.2", "pkg:npm/%40acme/files", PinKind.UNKNOWN),
        ("uv tool uvx acme-fetch==2.4.2", "pkg:pypi/acme-fetch@2.4.2", PinKind.EXACT),
        ("docker run -i --rm acme/notes:3", "pkg:docker/acme/notes@3", PinKind.TAG),
        ("node /home/rita/.npm/_npx/ab12/node_modules/@acme/files/dist/index.js /data", "pkg:npm/%40acme/files", PinKind.PATH),
    ],
)  # fmt: skip
def test_a_command_line_is_read_as_a_clients_launch_command_is(cmdline: str, purl: str, kind: PinKind) -> None:
    deployment = only({"pid": "4711", "name": "node", "cmdline": cmdline, "uid": "501"})

    assert (deployment.location, str(deployment.purl), deployment.kind) == ("running processes", purl, kind)


def test_no_argument_of_a_process_is_kept() -> None:
    command = "npx -y @acme/files@1.4.2 --api-key s3cr3t-token --db postgres://rita:s3cr3t-token@db/x API=s3cr3t-token"

    assert "s3cr3t" not in repr(read(snapshot({"cmdline": command})))


def test_a_process_that_runs_twice_is_one_place() -> None:
    rows = [{"pid": str(pid), "cmdline": "npm exec @acme/files@1.4.2"} for pid in (5, 6)]

    assert len(read(snapshot(*rows)).deployments) == 1


def test_two_versions_of_one_process_are_two_places_whatever_their_order() -> None:
    rows = [{"cmdline": f"npm exec @acme/files@{version}"} for version in ("1.4.2", "1.4.1")]

    one, other = read(snapshot(*rows)), read(snapshot(*reversed(rows)))

    assert one.deployments == other.deployments
    assert [each.location for each in one.deployments] == ["running processes", "running processes #2"]


def test_a_container_is_its_image_and_what_starts_inside() -> None:
    rows = [
        {"name": "/notes", "image": "acme/notes:3", "image_id": f"sha256:{SHA}", "command": "node x.js", "state": "running"},
        {"id": "b2", "name": "/files", "image": "node:22", "command": "docker-entrypoint.sh npx -y @acme/files@1.4.2", "state": "exited"},
    ]  # fmt: skip

    found = read(snapshot(*rows)).deployments

    assert [(each.name, str(each.purl), each.kind, each.digest, each.disabled) for each in found] == [
        ("notes", "pkg:docker/acme/notes@3", PinKind.TAG, None, False),
        ("files (inside)", "pkg:npm/%40acme/files@1.4.2", PinKind.EXACT, None, True),
    ]


def test_a_snapshot_replaces_what_its_query_said_of_its_host() -> None:
    newer = {**NPM, "version": "1.4.3"}

    inventory = read(
        snapshot(NPM, PYTHON),
        snapshot(NPM, host="D7"),
        snapshot(PYTHON, query="other"),
        snapshot(newer, time=TIME + 60),
    )

    assert versions(inventory) == [
        "c02xk.acme.example pkg:npm/%40acme/files@1.4.3",
        "c02xk.acme.example pkg:pypi/acme-fetch@2.4.2",
        "d7.acme.example pkg:npm/%40acme/files@1.4.2",
    ]


def test_added_and_removed_rows_are_replayed_in_their_order() -> None:
    newer = {**NPM, "version": "1.4.3"}

    inventory = read(added(NPM, 0), added(PYTHON, 0), removed(NPM, 3), added(newer, 3), removed(PYTHON, 9))

    assert versions(inventory) == ["c02xk.acme.example pkg:npm/%40acme/files@1.4.3"]
    assert (inventory.complete, inventory.problems) == (True, ())


def test_rows_that_came_together_are_read_together() -> None:
    batch = line(diffResults={"added": [NPM, PYTHON], "removed": ""})
    later = line(diffResults={"added": "", "removed": [NPM]}, counter=4, time=TIME + 5)

    assert versions(read(batch, later)) == ["c02xk.acme.example pkg:pypi/acme-fetch@2.4.2"]


def test_the_first_results_of_a_query_begin_anew() -> None:
    inventory = read(added(NPM, 0), added(PYTHON, 5), added(PYTHON, 0, time=TIME + 50), removed(PYTHON, 60))

    assert inventory.deployments == ()


def test_a_host_whose_results_are_all_there_is_told_in_whole_beside_one_whose_are_not() -> None:
    inventory = read(added(NPM, 7), snapshot(NPM, host="D7"))

    assert not inventory.complete
    assert inventory.partial == {inventory.deployments[0].host}


def test_a_line_that_cannot_be_read_may_be_of_any_host() -> None:
    inventory = read(snapshot(NPM), b"{", snapshot(NPM, host="D7"))

    assert not inventory.complete
    assert inventory.partial == {each.host for each in inventory.deployments}


def test_of_several_equal_rows_one_stays_when_one_is_removed() -> None:
    rows = [{"pid": str(pid), "cmdline": "npm exec @acme/files@1.4.2"} for pid in (5, 6)]

    inventory = read(added(rows[0], 0), added(rows[1], 0), removed(rows[0], 1))

    assert len(inventory.deployments) == 1


def test_a_log_that_begins_in_the_middle_lets_nothing_be_gone() -> None:
    inventory = read(added(NPM, 7), added(NPM, 7, host="D7"))

    assert len(inventory.deployments) == 2
    assert not inventory.complete
    assert inventory.partial == {each.host for each in inventory.deployments}
    assert [problem.partition(":")[0] for problem in inventory.problems] == [
        "the log begins after the first results of 'pack/mcp/packages' on c02xk.acme.example, and 1 more"
    ]


def test_one_query_that_begins_in_the_middle_is_told_of_without_a_count_of_none() -> None:
    assert "more" not in read(added(NPM, 7)).problems[0]


def test_a_line_that_is_older_than_what_is_known_changes_nothing() -> None:
    inventory = read(snapshot(NPM, time=TIME + 60), snapshot(PYTHON))

    assert versions(inventory) == ["c02xk.acme.example pkg:npm/%40acme/files@1.4.2"]


def test_no_host_can_report_from_the_future() -> None:
    inventory = read(snapshot(NPM, time=TIME + 10**9))

    assert inventory.reports[0].reported_at == datetime.fromtimestamp(TIME + 1000, UTC)


def test_a_host_that_sends_changes_alone_may_be_silent() -> None:
    inventory = read(added(NPM, 0))

    assert inventory.reports == ()
    assert inventory.collected_at == datetime.fromtimestamp(TIME, UTC)


def test_two_hosts_of_one_name_stay_two() -> None:
    named = {"decorations": {"hostname": "localhost"}}

    inventory = read(snapshot(NPM, **named), snapshot(NPM, host="D7", **named))

    assert [each.host for each in inventory.deployments] == ["localhost (C02XK)", "localhost (D7)"]


def test_a_host_is_named_as_well_as_it_can_be() -> None:
    bare = {"name": "q", "action": "snapshot", "snapshot": [NPM], "unixTime": str(TIME)}

    inventory = read({**bare, "hostIdentifier": "C02XK"}, {**bare, "hostname": "old.acme.example"})

    assert [each.host for each in inventory.deployments] == ["C02XK", "old.acme.example"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{", "truncated"),
        (b"[]", "Expected `object`"),
        (b'{"severity":0,"message":"status"}', "no result of a query"),
        (line(action="changed"), "no result of a query"),
        (line(), "expected a snapshot, columns or diffResults"),
        (snapshot(snapshot={}), "Expected `array`"),
        (added({"name": ["x"]}, 3), "got `array`"),
        (added({"name": "x-mcp", "version": "1.0", "query": "x"}, 3), "of npm or of PyPI?"),
        (added({**NPM, "version": "newest"}, 3), "npm versions look like"),
        (b'{"x":' * 10_000, "recursion"),
    ],
)
def test_a_bad_line_is_reported_with_its_number_and_costs_only_itself(bad: object, reason: str) -> None:
    inventory = read(snapshot(NPM), bad, snapshot(PYTHON, query="other"))

    assert len(inventory.deployments) == 2
    assert len(inventory.problems) == 1
    assert inventory.problems[0].startswith("results.log: line 2: ")
    assert reason in inventory.problems[0]


def test_a_bad_row_of_a_snapshot_costs_only_itself() -> None:
    inventory = read(snapshot(NPM, {"name": {}}, PYTHON))

    assert (len(inventory.deployments), len(inventory.problems)) == (2, 1)


@pytest.mark.parametrize("data", [b"", b"\n", b"{}\n"])
def test_a_log_without_any_result_is_no_empty_inventory(data: bytes) -> None:
    with pytest.raises(Malformed, match="no result of a query in it"):
        read(data)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reading_fail_in_another_way(data: bytes) -> None:
    assert len(read(snapshot(NPM), data).deployments) == 1


ROWS = st.dictionaries(
    st.sampled_from(["name", "version", "path", "cmdline", "image", "command", "state", "summary"]),
    st.one_of(st.text(max_size=40), st.integers(), st.sampled_from(["npx -y x-mcp", "x-mcp", "1.0.0", "mcp/x:1"])),
)


@given(st.lists(ROWS, max_size=5))
def test_no_row_makes_the_reading_fail_in_another_way(rows: list[dict[str, object]]) -> None:
    inventory = read(snapshot(*rows))

    assert all(each.host and each.name for each in inventory.deployments)


@given(st.lists(st.tuples(st.sampled_from([NPM, PYTHON]), st.booleans()), max_size=12))
def test_a_replay_ends_with_what_a_snapshot_would_hold(changes: list[tuple[dict[str, str], bool]]) -> None:
    there: list[dict[str, str]] = []
    lines = [snapshot()]
    for at, (row, appears) in enumerate(changes, start=1):
        if appears and row not in there:
            there.append(row)
            lines.append(added(row, at))
        elif not appears and row in there:
            there.remove(row)
            lines.append(removed(row, at))

    assert sorted(versions(read(*lines))) == sorted(versions(read(snapshot(*there))))


async def test_rotated_files_are_read_in_the_order_of_their_last_change(tmp_path: Path) -> None:
    old, new = tmp_path / "osqueryd.results.log.1.log", tmp_path / "osqueryd.results.log"
    old.write_text(json.dumps(added(NPM, 0)) + "\n", "utf-8")
    new.write_text(json.dumps(removed(NPM, 1)) + "\n" + json.dumps(added(PYTHON, 1)) + "\n", "utf-8")
    os.utime(old, (TIME + 10, TIME + 10))
    os.utime(new, (TIME + 20, TIME + 20))

    whole = await build(tmp_path, listed=lambda: LISTED).inventory()
    pattern = await build(tmp_path / "osqueryd.*", listed=lambda: LISTED).inventory()

    assert versions(whole) == versions(pattern) == ["c02xk.acme.example pkg:pypi/acme-fetch@2.4.2"]
    assert whole.complete


async def test_the_registry_is_asked_at_each_call(tmp_path: Path) -> None:
    path, listed = tmp_path / "results.log", set[Purl]()
    path.write_text(json.dumps(snapshot(NPM)), "utf-8")
    source = build(path, listed=lambda: listed)
    before = await source.inventory()

    listed.add(Purl.npm("@acme/files"))
    after = await source.inventory()

    assert (len(before.deployments), len(after.deployments)) == (0, 1)


@pytest.mark.parametrize("name", ["absent.log", "absent*.log"])
async def test_a_missing_log_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFound, match="absent"):
        await build(tmp_path / name, listed=lambda: LISTED).inventory()
