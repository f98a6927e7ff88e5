"""Events on their way to real receivers on loopback: a file, syslog over TCP and TLS, an HTTP collector."""

import asyncio
import ipaddress
import json
import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from monitor.domain.action import Ambiguous, Deferred, Delivered, Rejected, SendEvent
from monitor.domain.audit import AuditEvent
from monitor.jobs.hand_over import AT_ONCE
from tests.company import Company
from tests.ocsf_rules import complaints
from tests.scenarios.conftest import BUILDER, FILES
from tests.world import World

EVENT = SendEvent("event:siem:1", "siem", '{"class_uid":2003,"severity_id":5,"time":1763800000123}')


@pytest.fixture
def telling(settled_world: World, tmp_path: Path) -> Company:
    """A company with a file of events, and nothing known yet."""
    acme = Company(tmp_path, settled_world, settings='\n[[siem]]\nkind = "json-lines"\npath = "events.jsonl"\n')
    acme.approve(FILES, "1.4.2", package="pkg:npm/%40acme/files-mcp", tier=1)
    acme.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.2")
    return acme


def events(company: Company) -> list[dict[str, object]]:
    file = company.folder / "events.jsonl"
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


async def test_a_siem_hears_of_findings_and_of_decisions_once_each(telling: Company) -> None:
    await telling.run()
    telling.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    await telling.run()
    await telling.run()

    told = events(telling)

    assert [complaints(each) for each in told] == [[]] * len(told)
    assert {each["class_uid"] for each in told} == {2003, 3004}
    uids = [each["metadata"]["uid"] for each in told]  # type: ignore[index]
    assert len(uids) == len(set(uids)) > 0
    chain = {link.seq: link.hash for link in await telling.app.store.run(lambda unit: unit.chain())}
    assert all(chain[each["metadata"]["sequence"]] == each["metadata"]["uid"] for each in told)  # type: ignore[index]


async def test_a_calm_run_tells_nothing_and_a_cursor_that_nothing_moves_costs_no_event(telling: Company) -> None:
    await telling.run()
    before = events(telling)

    await telling.run()

    assert events(telling) == before


async def test_a_chain_of_which_a_siem_hears_nothing_is_read_on(telling: Company) -> None:
    await telling.run()
    idle = [AuditEvent(telling.world.clock(), "mcp-monitor", "outbox.taken", "host:1", {})] * (AT_ONCE + 1)
    await telling.app.store.run(lambda unit: unit.commit(*idle))
    told = AuditEvent(telling.world.clock(), "ada", "registry.entry-removed", FILES, {})
    await telling.app.store.run(lambda unit: unit.commit(told))

    await telling.run(["siem", "deliver"])

    assert events(telling)[-1]["activity_id"] == 4


async def test_a_file_that_cannot_be_written_is_tried_again(telling: Company, logged: list[str]) -> None:
    del logged  # that it failed is logged
    (telling.folder / "events.jsonl").mkdir()
    await telling.run()
    telling.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    report = await telling.run()
    (telling.folder / "events.jsonl").rmdir()
    telling.later(hours=1)

    await telling.run(["deliver"])

    assert any("events.jsonl" in problem for problem in report.problems)
    assert events(telling)


async def test_a_line_that_an_interrupted_write_left_behind_is_ended(telling: Company) -> None:
    (telling.folder / "events.jsonl").write_text('{"half')
    sink = telling.app.sinks["file"]

    await sink.send(EVENT)

    lines = (telling.folder / "events.jsonl").read_text("utf-8").splitlines()
    assert lines == ['{"half', EVENT.event]


# --- syslog ---------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def receiver(got: list[bytes], context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def syslog(folder: Path, world: World, port: int, *, tls: bool, ca: str = "") -> Company:
    section = f'\n[[siem]]\nkind = "syslog"\nhost = "127.0.0.1"\nport = {port}\ntls = {str(tls).lower()}\nca = "{ca}"\n'
    return Company(folder, world, settings=section)


async def until(ready: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not ready():  # noqa: ASYNC110 the receiver's own event is the arrival
            await asyncio.sleep(0.001)


async def test_syslog_over_tcp_counts_its_octets(settled_world: World, tmp_path: Path) -> None:
    got: list[bytes] = []
    async with receiver(got) as port:
        sent = await syslog(tmp_path, settled_world, port, tls=False).app.sinks["syslog"].send(EVENT)
        await until(lambda: bool(got))

    assert sent == Delivered("")
    length, _, message = got[0].partition(b" ")
    assert int(length) == len(message)
    shape = rb"<130>1 2025-11-22T08:26:40\.123Z \S+ mcp-monitor - ocsf-2003 - \xef\xbb\xbf(\{.*\})"
    found = re.fullmatch(shape, message)
    assert found is not None
    assert found[1].decode() == EVENT.event


async def test_syslog_over_tls_trusts_the_named_authority_alone(settled_world: World, tmp_path: Path) -> None:
    context, ca = authority(tmp_path)
    got: list[bytes] = []
    for folder in ("known", "unknown"):
        (tmp_path / folder).mkdir()
    async with receiver(got, context) as port:
        known = syslog(tmp_path / "known", settled_world, port, tls=True, ca=str(ca))
        unknown = syslog(tmp_path / "unknown", settled_world, port, tls=True)
        sent = await known.app.sinks["syslog"].send(EVENT)
        refused = await unknown.app.sinks["syslog"].send(EVENT)
        await until(lambda: any(got))

    assert sent == Delivered("")
    assert isinstance(refused, Deferred)
    assert "certificate is not trusted" in refused.detail


async def test_a_syslog_receiver_that_is_away_is_tried_again(settled_world: World, tmp_path: Path) -> None:
    async with receiver([]) as port:
        pass

    sent = await syslog(tmp_path, settled_world, port, tls=False).app.sinks["syslog"].send(EVENT)

    assert isinstance(sent, Deferred)


def authority(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate for 127.0.0.1 that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    ca, private = folder / "ca.pem", folder / "key.pem"
    ca.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca, private)
    return context, ca


# --- an HTTP collector ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def collector(status: int, got: list[tuple[Mapping[str, str], bytes]]) -> AsyncIterator[str]:
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if ": " in line)
        got.append((headers, await reader.readexactly(int(headers["content-length"]))))
        if status:
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode())
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/services/collector/event"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, Delivered), (503, Deferred), (403, Rejected), (500, Ambiguous), (0, Ambiguous)],
    ids=["taken", "busy", "a wrong token", "an error", "the connection broke"],
)
async def test_a_collector_that_answers_is_understood(
    status: int, outcome: type, settled_world: World, tmp_path: Path
) -> None:
    got: list[tuple[Mapping[str, str], bytes]] = []
    async with collector(status, got) as url:
        section = f'\n[[siem]]\nkind = "http-collector"\nurl = "{url}"\nformat = "splunk-hec"\ntoken_env = "HEC"\n'
        acme = Company(tmp_path, settled_world, settings=section, secrets={"HEC": "hec-token"})
        async with acme.app.edge.session():
            sent = await acme.app.sinks["http"].send(EVENT)

    assert isinstance(sent, outcome)
    headers, body = got[0]
    assert headers["authorization"] == "splunk hec-token"
    assert json.loads(body) == {
        "time": 1763800000.123,
        "source": "mcp-monitor",
        "sourcetype": "_json",
        "event": json.loads(EVENT.event),
    }
