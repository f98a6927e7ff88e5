import asyncio
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest
from starlette.applications import Starlette

from monitor import web, wiring
from monitor.commands.scan import scan_host
from monitor.commands.serve import fleets, keep
from monitor.ending import ExitCode, Stop
from monitor.settings import ConfigError, load
from monitor.web_inventory import Fleet, inventory_route
from tests.connectors.homes import config

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HEAD = {"schema": "mcp-inventory/1", "host": "laptop-7", "collected_at": "2026-11-24T12:00:00Z"}
LINE = {"host": "laptop-7", "name": "files", "purl": "pkg:npm/%40acme/files-mcp"}
LIMIT = 100_000
TOKEN = "t0ken-a"


@dataclass
class Receiver:
    """A monitor that serves reports of two fleets, on a port of this machine, at a time of the test's."""

    folder: Path
    now: datetime = NOW
    port: int = 0
    fleets: list[Fleet] = field(default_factory=list)

    def post(self, body: bytes, *, token: str = TOKEN, **headers: str) -> tuple[int, dict[str, object], dict[str, str]]:
        """Send a report; return status, answer and headers."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        sent = {"authorization": f"Bearer {token}", "content-type": "application/x-ndjson"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request("POST", "/v1/inventory", body, sent)
            answer = connection.getresponse()
            content = answer.read()
            return answer.status, json.loads(content), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
    made = Receiver(tmp_path)
    made.fleets = [Fleet("laptops", "t0ken-a", folders[0], 60), Fleet("servers", "t0ken-b", folders[1], 60)]
    with answering(made):
        yield made


@contextmanager
def answering(receiver: Receiver) -> Iterator[None]:
    """Answer in a thread of its own, as `serve` does."""
    opened = web.listen("127.0.0.1:0")
    receiver.port = opened.getsockname()[1]
    route = inventory_route(receiver.fleets, keep, clock=lambda: receiver.now, limit=LIMIT)
    started: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def answer() -> None:
        stop = asyncio.Event()
        started.append((asyncio.get_running_loop(), stop))
        await web.answer(Starlette(routes=[route]), opened, stop=stop)

    thread = threading.Thread(target=lambda: asyncio.run(answer()))
    thread.start()
    try:
        yield
    finally:
        loop, stop = started[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        opened.close()


def lines(*each: object) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in each)


def test_a_report_is_kept_in_its_fleets_folder_and_the_answer_counts_it(receiver: Receiver) -> None:
    status, answer, _ = receiver.post(lines({**HEAD, "deployments": 1}, LINE))

    assert (status, answer) == (200, {"host": "laptop-7", "deployments": 1, "complete": True, "problems": []})
    [file] = (receiver.folder / "a").glob("*.jsonl")
    assert re.fullmatch(r"[0-9a-f]{32}\.jsonl", file.name)
    assert file.read_bytes() == lines({**HEAD, "deployments": 1}, LINE)
    assert list((receiver.folder / "b").glob("*.jsonl")) == []


def test_each_report_replaces_the_hosts_last_and_an_older_one_does_not(receiver: Receiver) -> None:
    receiver.post(lines(HEAD, LINE))
    replaced, _, _ = receiver.post(lines({**HEAD, "collected_at": "2026-11-24T12:01:00Z"}))
    older, answer, _ = receiver.post(lines(HEAD, LINE))

    assert (replaced, older) == (200, 409)
    assert answer == {"problems": ["a report of 2026-11-24T12:01:00Z is here already"]}
    assert len(list((receiver.folder / "a").glob("*.jsonl"))) == 1


def test_one_fleet_does_not_replace_another_ones_report(receiver: Receiver) -> None:
    receiver.post(lines(HEAD, LINE))
    receiver.post(lines(HEAD), token="t0ken-b")

    kept = [next((receiver.folder / name).iterdir()).read_bytes() for name in ("a", "b")]
    assert kept == [lines(HEAD, LINE), lines(HEAD)]


def test_a_bad_line_is_answered_with_its_number_and_costs_itself(receiver: Receiver) -> None:
    status, answer, _ = receiver.post(lines(HEAD, LINE, {"host": "laptop-7", "name": "bad"}))

    assert (status, answer["deployments"], answer["complete"]) == (200, 1, False)
    assert str(answer["problems"]).startswith("['line 3: expected a purl")


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": ""},
        {"authorization": "Bearer "},
        {"authorization": "Bearer t0ken"},
        {"authorization": "Bearer t0ken-a-and-more"},
        {"authorization": "Basic t0ken-a"},
        {"authorization": "Bearer \xff"},
    ],
)
def test_who_has_no_token_is_refused_and_nothing_is_kept(receiver: Receiver, headers: dict[str, str]) -> None:
    status, answer, answered = receiver.post(lines(HEAD, LINE), **headers)

    assert (status, answered["www-authenticate"]) == (401, "Bearer")
    assert answer == {"problems": ["expected the bearer token of a fleet"]}
    assert list((receiver.folder / "a").glob("*.jsonl")) == []


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (lines(HEAD), {"content_type": "application/json"}, 415),
        (lines(HEAD), {"content_type": ""}, 415),
        (lines(HEAD), {"content_encoding": "gzip"}, 415),
        (lines(HEAD) + b" " * LIMIT, {}, 413),
        (b"", {}, 422),
        (b"[" * 50_000, {}, 422),
        (lines({**HEAD, "schema": "other"}), {}, 422),
        (lines({**HEAD, "collected_at": "2026-11-24T13:00:00Z"}), {}, 422),
        (lines(LINE), {}, 422),
    ],
)
def test_what_is_no_report_is_refused_with_the_reason(
    receiver: Receiver, body: bytes, headers: dict[str, str], status: int
) -> None:
    found, answer, _ = receiver.post(body, **headers)

    assert (found, len(list((receiver.folder / "a").glob("*.jsonl")))) == (status, 0)
    assert answer["problems"]


def test_a_body_whose_length_nobody_announced_is_cut_off_at_the_limit(receiver: Receiver) -> None:
    connection = HTTPConnection("127.0.0.1", receiver.port, timeout=10)
    parts = iter([lines(HEAD), *[b" " * 10_000] * 11])
    sent = {"authorization": "Bearer t0ken-a", "content-type": "application/x-ndjson"}

    connection.request("POST", "/v1/inventory", parts, sent, encode_chunked=True)

    assert connection.getresponse().status == 413
    connection.close()


def test_a_fleet_that_sends_too_often_is_asked_to_wait_and_then_taken_again(receiver: Receiver) -> None:
    at_once = [receiver.post(b"", token="t0ken-b")[0] for _ in range(60)]
    status, _, headers = receiver.post(lines(HEAD), token="t0ken-b")
    other, _, _ = receiver.post(lines(HEAD))
    receiver.now += timedelta(seconds=1)
    later, _, _ = receiver.post(lines(HEAD), token="t0ken-b")

    assert set(at_once) == {422}
    assert (status, headers["retry-after"]) == (429, "1")
    assert (other, later) == (200, 200)


def test_the_collector_sends_to_it(receiver: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ = {"FLEET_TOKEN": "t0ken-a"}
    config(tmp_path / "home", "npx", "acme")
    receiver.now = wiring.utc_now()
    url = f"http://127.0.0.1:{receiver.port}/v1/inventory"

    code = scan_host(
        [tmp_path / "home"], host="laptop-7", output=url, token_env="FLEET_TOKEN", root=tmp_path, environ=environ
    )

    [file] = (receiver.folder / "a").glob("*.jsonl")
    assert code == ExitCode.QUIET
    assert json.loads(file.read_bytes().splitlines()[1])["purl"] == "pkg:npm/acme"
    assert capsys.readouterr().err == ""


def test_the_collector_is_told_that_its_token_is_wrong(receiver: Receiver, tmp_path: Path) -> None:
    environ = {"FLEET_TOKEN": "hidden"}
    url = f"http://127.0.0.1:{receiver.port}/v1/inventory"

    with pytest.raises(Stop, match="answered 401; expected the bearer token of a fleet") as caught:
        scan_host([tmp_path], host="h", output=url, token_env="FLEET_TOKEN", root=tmp_path, environ=environ)

    assert caught.value.code == ExitCode.USAGE
    assert "hidden" not in str(caught.value)


FOLDER = '[[inventory]]\nkind = "inventory-folder"\npath = "reports"\n'


def test_a_fleet_has_a_token_and_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    own = '[[inventory]]\nkind = "inventory-folder"\npath = "own"\nfleet = "b"\n'
    file.write_text(FOLDER + own + '[web.fleets]\na = "A"\nb = "B"\n', encoding="utf-8")

    found = fleets(load(file, {"A": "one", "B": "two"}))

    assert [(each.name, each.token, each.folder.name, each.rate) for each in found] == [
        ("a", "one", "reports", 2000),
        ("b", "two", "own", 2000),
    ]
    assert (tmp_path / "reports").is_dir()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[web.fleets]\na = "A"\n', "expected an .*inventory-folder, .* for the reports of 'a'"),
        (FOLDER + 'pattern = "x/*"\n[web.fleets]\na = "A"\n', "inventory-folder, with a pattern that"),
        (FOLDER + '[web.fleets]\na = ""\n', "web.fleets: expected for each fleet the name"),
        (FOLDER + '[web.fleets]\na = "NOT_SET"\n', "web.fleets.a: expected the environment variable NOT_SET"),
        (FOLDER + 'fleet = "b"\n', "expected a token in .*for the fleet 'b'"),
        (FOLDER.replace('"reports"\n', '"reports"\npattern = "../*"\n'), "pattern: expected a pattern of files"),
    ],
)
def test_a_fleet_without_a_folder_or_a_token_is_no_configuration(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError, match=complaint):
        load(file, {"A": "one"})


def test_two_fleets_need_two_tokens(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(FOLDER + '[web.fleets]\na = "A"\nb = "B"\n', encoding="utf-8")

    with pytest.raises(Stop, match=r"web\.fleets\.b: has the token of another fleet"):
        fleets(load(file, {"A": "one", "B": "one"}))


def test_the_collector_is_told_the_right_path_and_when_to_come_again(receiver: Receiver, tmp_path: Path) -> None:
    environ = {"FLEET_TOKEN": "t0ken-b"}
    base = f"http://127.0.0.1:{receiver.port}"
    receiver.now = wiring.utc_now()

    def send(path: str) -> None:
        for _ in range(100):
            scan_host([tmp_path], host="h", output=base + path, token_env="FLEET_TOKEN", root=tmp_path, environ=environ)

    with pytest.raises(Stop, match="takes reports at /v1/inventory"):
        send("/inventory")
    with pytest.raises(Stop, match="try again in "):
        send("/v1/inventory")
