"""Connection logs: one schema, common other names, and a bad line that costs itself."""

import json
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gateway_log import Bad, connections
from monitor.domain.connection import Connection
from monitor.domain.purl import Purl

AT = "2026-11-20T11:00:00+00:00"
FILES = "io.github.acme/files-mcp"


def read(*lines: object) -> list[Connection | Bad]:
    texts = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in lines]
    return list(connections(BytesIO(b"\n".join(texts)), source="gw"))


def test_a_line_names_when_which_server_who_and_what() -> None:
    line = {"at": AT, "server": FILES, "version": "1.4.2", "client": "cursor", "person": "rita", "target": "production"}

    (found,) = read(line)

    assert isinstance(found, Connection)
    assert found.at == datetime.fromisoformat(AT)
    assert (found.server, found.client, found.person, found.target) == (FILES, "cursor", "rita", "production")
    assert found.version == Purl("generic", None, FILES, "1.4.2")


@pytest.mark.parametrize("at", [{"timestamp": AT}, {"time": 1795172400}, {"at": 1795172400000}, {"at": AT, "time": ""}])
def test_common_other_names_and_forms_are_taken(at: dict[str, object]) -> None:
    (found,) = read(at | {"server_name": FILES, "user": "rita", "environment": "prod", "server_version": "1"})

    assert isinstance(found, Connection)
    assert (found.server, found.person, found.target) == (FILES, "rita", "prod")
    assert found.at.tzinfo is UTC


def test_a_package_url_names_the_package_too() -> None:
    (found,) = read({"at": AT, "server": "files", "version": "pkg:npm/%40acme/files-mcp@1.4.2"})

    assert isinstance(found, Connection)
    assert found.version == Purl.npm("@acme/files-mcp", "1.4.2")


def test_no_secret_of_an_address_is_kept() -> None:
    (found,) = read({"at": AT, "url": "https://rita:hunter2@mcp.acme.example/mcp?token=hunter2"})

    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"not json", "malformed"),
        (b"[" * 20000, ""),
        (b"[]", "Expected `object`"),
        ({"server": "x"}, "expected at"),
        ({"at": AT}, "expected server"),
        ({"at": "yesterday", "server": "x"}, "Invalid isoformat"),
        ({"at": "2026-11-20T11:00:00", "server": "x"}, "names no zone"),
        ({"at": 1e300, "server": "x"}, ""),
        ({"at": AT, "server": "x" * 501}, "over 500 characters"),
        ({"at": AT, "server": "x", "version": "pkg:nonsense"}, ""),
        ({"at": AT, "server": 7}, "Expected `str"),
        (b'{"at": "' + b"x" * 70000 + b'"}', "over 65536 bytes"),
    ],
)
def test_a_bad_line_costs_itself_and_says_why(line: object, why: str) -> None:
    bad, good = read(line, {"at": AT, "server": "x"})

    assert isinstance(bad, Bad)
    assert (bad.line, why in bad.why) == (1, True)
    assert isinstance(good, Connection)


@given(st.binary(max_size=200))
def test_whatever_the_bytes_nothing_but_connections_and_problems_come_of_them(data: bytes) -> None:
    assert all(isinstance(each, Connection | Bad) for each in read(data))


def test_the_same_line_has_the_same_id_wherever_it_stands() -> None:
    line = {"at": AT, "server": "x"}

    first, second, other = read(line, line, line | {"person": "rita"})

    assert isinstance(first, Connection)
    assert isinstance(second, Connection)
    assert isinstance(other, Connection)
    assert first.id == second.id != other.id


def test_the_schema_names_every_field_that_is_read() -> None:
    schema = json.loads((Path(__file__).parents[2] / "docs" / "connections.schema.json").read_text("utf-8"))

    assert set(schema["properties"]) == {"at", "server", "version", "client", "person", "target", "remote"}
