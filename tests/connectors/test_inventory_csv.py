import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.inventory_csv import build, parse_table
from monitor.domain.deployment import Deployment, Inventory, PinKind
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.ports.errors import Malformed, NotFound

HEADER = "host,name,purl\n"
GOOD = "laptop-7,files,pkg:npm/%40acme/files-mcp@1.4.2\n"
SHA = "b" * 64


def table(text: str | bytes) -> Inventory:
    data = text.encode() if isinstance(text, str) else text
    return parse_table(io.BytesIO(data), "fleet.csv")


def only(inventory: Inventory) -> Deployment:
    assert inventory.problems == ()
    return inventory.deployments[0]


def test_a_row_is_a_deployment_as_a_line_of_an_inventory_file_is() -> None:
    text = (
        "Host,Name,Client,Location,Package,Ecosystem,Version,Digest,Disabled,Redirects,Seen_At,Serial number\n"
        f"laptop-7,files,cursor,/home/rita/mcp.json,@acme/files-mcp,npm,1.4.2,sha256:{SHA},yes,"
        "NODE_OPTIONS UV_INDEX_URL=secret,2026-11-20T10:00:00+02:00,C02XK\n"
    )

    inventory = table(text)

    assert only(inventory) == Deployment(
        "laptop-7",
        "cursor",
        "/home/rita/mcp.json",
        "files",
        PinKind.EXACT,
        Purl.npm("@acme/files-mcp", "1.4.2"),
        digest=Digest("sha256", SHA),
        disabled=True,
        redirects=("NODE_OPTIONS", "UV_INDEX_URL"),
    )
    assert inventory.collected_at == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert inventory.complete


@pytest.mark.parametrize(
    "text",
    [
        "name;host;purl\nfiles;laptop-7;pkg:npm/x@1.0.0\n",
        "name\thost\tpurl\nfiles\tlaptop-7\tpkg:npm/x@1.0.0\n",
        "name, host, purl\r\nfiles, laptop-7, pkg:npm/x@1.0.0\r\n",
        '"name","host","purl"\n"files","laptop-7","pkg:npm/x@1.0.0"\n',
        "sep=;\r\nname;host;purl\r\nfiles;laptop-7;pkg:npm/x@1.0.0\r\n",
        "\ufeffname,host,purl\n\nfiles,laptop-7,pkg:npm/x@1.0.0",
    ],
)
def test_what_spreadsheets_write_is_read(text: str) -> None:
    deployment = only(table(text))

    assert (deployment.host, deployment.name, str(deployment.purl)) == ("laptop-7", "files", "pkg:npm/x@1.0.0")


def test_a_quoted_cell_holds_delimiters_and_quotes() -> None:
    deployment = only(table('host,name,purl\n"laptop-7, ""Rita\'s""",files,pkg:npm/x@1.0.0\n'))

    assert deployment.host == 'laptop-7, "Rita\'s"'


def test_an_empty_cell_is_left_out() -> None:
    deployment = only(table("host,name,package,ecosystem,version,remote,disabled\nh,far,,,,https://mcp.example/x,\n"))

    assert (deployment.kind, deployment.remote, deployment.disabled) == (
        PinKind.REMOTE,
        "https://mcp.example/x",
        False,
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("laptop-9,cut", "2 cells, and 3 in the header"),
        ("laptop-9,files,pkg:npm/x@1.0.0,more", "4 cells, and 3 in the header"),
        ('laptop-9,"files,pkg:npm/x@1.0.0', "not a row of CSV: unexpected end of data"),
        ("laptop-9,files,", "expected a purl"),
        ("laptop-9,,pkg:npm/x@1.0.0", "missing required field `name`"),
        ("laptop-9,files,pkg:npm/x@latest", "npm versions look like"),
        ("laptop-7,files,pkg:npm/x@1.0.0", "the same place as in line 2"),
        (b"laptop-9,f\xfciles,pkg:npm/x@1.0.0", "codec can't decode"),
        ("laptop-9,a\0b,pkg:npm/x@1.0.0", "NUL"),
        ("laptop-9,files," + "x" * 70_000, "over 65536 bytes"),
    ],
)
def test_a_bad_row_is_reported_with_its_number_and_costs_only_itself(row: str | bytes, reason: str) -> None:
    bad = row.encode() if isinstance(row, str) else row

    inventory = table((HEADER + GOOD).encode() + bad + b"\n" + b"last,files,pkg:npm/x@1.0.0\n")

    assert [each.host for each in inventory.deployments] == ["laptop-7", "last"]
    assert len(inventory.problems) == 1
    assert inventory.problems[0].startswith("fleet.csv: line 3: ")
    assert reason in inventory.problems[0]


@pytest.mark.parametrize("switch", ["perhaps", "2", "wahr"])
def test_a_switch_that_is_neither_on_nor_off_is_a_problem(switch: str) -> None:
    rows = f"a,x,pkg:npm/x@1.0.0,no\nb,x,pkg:npm/x@1.0.0,{switch}\n"

    inventory = table("host,name,purl,disabled\n" + rows)

    assert inventory.problems == (f"fleet.csv: line 3: disabled: expected true or false, got {switch!r}",)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ((HEADER + GOOD).encode("utf-16"), "UTF-16; save it as CSV in UTF-8"),
        ((HEADER + GOOD).encode("utf-16-le"), "UTF-16; save it as CSV in UTF-8"),
        (b"", "expected a header with host and name"),
        (GOOD.encode(), "expected a header with host and name"),
        (b"host|name|purl\n", "expected a header with host and name"),
        (b"host,name,purl,name\n", "the header names name twice"),
        (b"h\xfcst,name\n", "expected a header"),
        (b'host,"name\n', "the header: not a row of CSV"),
        (HEADER.encode(), "no deployment in it"),
        ((HEADER + "x\n").encode(), "no deployment in it"),
    ],
)
def test_a_file_that_is_no_table_is_refused_as_a_whole(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        table(data)


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reading_fail_in_another_way(data: bytes) -> None:
    inventory = table((HEADER + GOOD).encode() + data)

    assert inventory.deployments[0].host == "laptop-7"


@given(st.binary(max_size=200))
def test_no_header_makes_the_reading_fail_in_another_way(data: bytes) -> None:
    try:
        table(data + b"\n" + GOOD.encode())
    except Malformed as refusal:
        assert refusal.detail  # noqa: PT017  either it is read, or it says why not


async def test_the_file_is_read_anew_at_each_call(tmp_path: Path) -> None:
    path = tmp_path / "fleet.csv"
    source = build(path)
    path.write_text(HEADER + GOOD, "utf-8")
    before = await source.inventory()

    path.write_text(HEADER + GOOD + "laptop-8,files,pkg:npm/x@1.0.0\n", "utf-8")
    after = await source.inventory()

    assert (source.name, len(before.deployments), len(after.deployments)) == (f"csv {path}", 1, 2)


async def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such file"):
        await build(tmp_path / "fleet.csv").inventory()
