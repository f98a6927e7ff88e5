"""`evidence`: one file that tells what was decided about a version, and bears it out anywhere, offline."""

import asyncio
import io
import json
import re
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import cli, evidence_file
from monitor.domain.audit import AuditEvent
from monitor.domain.bundle import Bundle
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.domain.review import Review, State, Vote, Word
from monitor.domain.server import Pin
from monitor.jobs.gather_evidence import gather
from monitor.ports.store import UnitOfWork
from tests.company import Company
from tests.desk import Desk, Printed
from tests.verifying import BUILDER, FETCH, FILES, NPM, desk
from tests.world import World
from tests.world.signing import Sigstore

__all__ = ["desk"]

PURL = Purl.npm("@acme/files-mcp", "1.4.2")


@pytest.fixture
def decided(desk: Desk) -> Desk:
    """After the first look, and after ada approved exactly what was verified."""
    desk.check()
    asyncio.run(desk.company.app.store.run(lambda unit: decide(unit, desk.world.clock())))
    return desk


def decide(unit: UnitOfWork, now: datetime, *, pin: Pin | None = None, actor: str = "ada") -> None:
    claims = unit.verifications([PURL.package])[PURL]
    pin = pin or Pin(PURL, frozenset(digest for claim in claims for digest in claim.digests))
    vote = Vote("ada", Word.APPROVE, now, "jira SEC-1", "history-1", pin.fingerprint, "read the diff")
    unit.keep_reviews([Review(FILES, pin, State.APPROVED, now, "SEC-1", votes=(vote,))])
    detail = {"version": str(PURL), "pin": pin.fingerprint, "word": "approve", "ref": vote.ref}
    unit.commit(AuditEvent(now, actor, "review.voted", FILES, detail), AuditEvent(now, "x", "other", "elsewhere", {}))


@dataclass(frozen=True)
class Reader:
    """An auditor with a file, and nothing else."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    path: Path


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file about a decided version."""
    with World() as world:
        world.npm.publish("@acme/files-mcp", "1.4.2", attested_by=BUILDER)
        company = Company(tmp_path_factory.mktemp("company"), world, tells=False)
        company.approve(FILES, "1.4.2", package=NPM)
        asyncio.run(company.run(("releases",)))
        asyncio.run(company.app.store.run(lambda unit: decide(unit, world.clock())))
        bundle = asyncio.run(company.app.store.run(lambda unit: gather(unit, FILES, PURL, configured=(), signed=None)))
    return evidence_file.write(bundle)


@pytest.fixture
def reader(bundled: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Reader:
    path = tmp_path / "evidence.zip"
    path.write_bytes(bundled)
    return Reader(tmp_path, capsys, path)


def made(desk: Desk, server: str = FILES, version: str = "1.4.2") -> Path:
    path = desk.folder / "evidence.zip"
    assert desk("evidence", server, version, "--output", str(path)).code == 0
    return path


def verified(desk: Desk | Reader, path: Path, *more: str, trusting: bool = True) -> Printed:
    """Verify with no configuration that could be read. `trusting`: the reader names the file's roots, which are the simulated world's."""
    desk.capsys.readouterr()
    roots: list[str] = []
    if trusting:
        with suppress(evidence_file.EvidenceError):
            grounds = opened(path).grounds
            roots = [part for root in (grounds.roots if grounds else ()) for part in ("--root", root.sha256)]
    code = cli.main(["evidence", "verify", str(path), *more, *roots, "--config", str(desk.folder / "no-such.toml")])
    out, err = desk.capsys.readouterr()
    return Printed(code, out, err)


def opened(path: Path) -> Bundle:
    with path.open("rb") as file:
        return evidence_file.read(file)


def altered(path: Path, change: Callable[[Bundle], Bundle]) -> Path:
    """Make the file anew, as somebody who knows how it is made."""
    path.write_bytes(evidence_file.write(change(opened(path))))
    return path


def failing(printed: Printed) -> list[str]:
    checks: Any = printed.json()["checks"]
    return [each["what"] for each in checks if each["result"] == "fails"]


# --- what stands --------------------------------------------------------------------------------------------------------


def test_a_version_is_decided_again_with_nothing_but_its_file(decided: Desk) -> None:
    path = made(decided)
    decided.world.stop()
    (decided.folder / "monitor.db").unlink()

    printed = verified(decided, path)

    assert printed.code == 0, printed.out
    assert "approve by ada" in printed.out
    assert "its digests are those of the verified files" in printed.out
    assert "compare it with a checkpoint that you keep" in printed.out


def test_the_file_is_the_same_bytes_whenever_the_same_is_kept(decided: Desk) -> None:
    first = made(decided).read_bytes()

    assert made(decided).read_bytes() == first


def test_what_is_read_is_what_was_written(reader: Reader) -> None:
    assert evidence_file.write(opened(reader.path)) == reader.path.read_bytes()


def test_raw_documents_roots_and_what_people_said_are_in_it(reader: Reader) -> None:
    bundle = opened(reader.path)

    assert {sha256(body).hexdigest() for body in bundle.bodies.values()} == set(bundle.bodies)
    assert {root.sha256 for root in bundle.grounds.roots if bundle.grounds} <= set(bundle.bodies)  # type: ignore[union-attr]  # decided
    assert {each.sha256 for each in bundle.sightings} <= set(bundle.bodies)
    assert (bundle.reviews[0].ticket, bundle.entries[0].entry.server.name) == ("SEC-1", FILES)
    assert bundle.first_seen is not None


def test_a_checkpoint_that_the_reader_keeps_proves_the_place_in_the_log(decided: Desk) -> None:
    kept = decided.folder / "checkpoint.json"
    decided("audit", "checkpoint", "--output", str(kept))

    printed = verified(decided, made(decided), "--checkpoint", str(kept))

    assert printed.code == 0
    assert "proves every event about the version" in printed.out


def test_pypi_with_several_files_is_decided_again_too(decided: Desk) -> None:
    printed = verified(decided, made(decided, FETCH, "2.4.2"))

    assert printed.code == 0
    assert (
        "the version alone was approved; the digests of the first look are those of the verified files" in printed.out
    )


# --- what does not hold -------------------------------------------------------------------------------------------------


def test_a_log_that_was_made_anew_is_found_against_the_readers_checkpoint(decided: Desk) -> None:
    kept = decided.folder / "checkpoint.json"
    decided("audit", "checkpoint", "--output", str(kept))
    fields = json.loads(kept.read_text("utf-8"))
    kept.write_text(json.dumps(fields | {"hash": "0" * 64}), "utf-8")

    printed = verified(decided, made(decided), "--checkpoint", str(kept), "--json")

    assert (printed.code, failing(printed)) == (1, ["checkpoints"])


def test_a_vote_that_the_log_does_not_have_is_nobodys(desk: Desk) -> None:
    desk.check()
    asyncio.run(desk.company.app.store.run(lambda unit: decide(unit, desk.world.clock(), actor="mallory")))

    printed = verified(desk, made(desk), "--json")

    assert (printed.code, failing(printed)) == (1, ["approve by ada"])


def test_an_approved_digest_that_no_verified_file_has_is_found(desk: Desk) -> None:
    desk.check()
    other = Pin(PURL, frozenset({Digest("sha256", "0" * 64)}))
    asyncio.run(desk.company.app.store.run(lambda unit: decide(unit, desk.world.clock(), pin=other)))

    printed = verified(desk, made(desk), "--json")

    assert (printed.code, failing(printed)) == (1, [f"approved pin {other.fingerprint}"])


def _event_edited(bundle: Bundle) -> Bundle:
    first = bundle.log.links[0]
    link = replace(first, link=replace(first.link, line=first.link.line.replace("2026", "2025")))
    return replace(bundle, log=replace(bundle.log, links=(link, *bundle.log.links[1:])))


def _event_left_out(bundle: Bundle) -> Bundle:
    return replace(bundle, log=replace(bundle.log, stretch=bundle.log.stretch[:1] + bundle.log.stretch[2:]))


def _cut_off(bundle: Bundle) -> Bundle:
    return replace(bundle, log=replace(bundle.log, stretch=bundle.log.stretch[:-1]))


def _approved_by_nobody(bundle: Bundle) -> Bundle:
    return replace(bundle, reviews=tuple(replace(each, votes=()) for each in bundle.reviews))


def _verdict_edited(bundle: Bundle) -> Bundle:
    claims = tuple(
        replace(each, publisher=replace(each.publisher, repository="https://github.com/evil/x"))
        if each.publisher
        else each
        for each in bundle.claims
    )
    return replace(bundle, claims=claims)


def _without_stretch(bundle: Bundle) -> Bundle:
    return replace(bundle, log=replace(bundle.log, stretch=()))


def test_a_log_that_is_too_long_to_be_enclosed_is_said_and_not_passed_over(reader: Reader) -> None:
    printed = verified(reader, altered(reader.path, _without_stretch))

    assert printed.code == 3
    assert "too long to be enclosed" in printed.out


def _no_name(bundle: Bundle) -> Bundle:
    return replace(
        bundle, reviews=tuple(replace(each, candidate=Pin(Purl("", None, "x", "1"))) for each in bundle.reviews)
    )


def _other_version(bundle: Bundle) -> Bundle:
    return replace(bundle, purl=bundle.purl.at("1.4.1"))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (_event_edited, "audit log"),
        (_event_left_out, "audit log"),
        (_cut_off, "audit log"),
        (_approved_by_nobody, "review"),
        (_verdict_edited, "npm-attestations of .*"),
        (_other_version, "claims"),
    ],
)
def test_whoever_makes_the_file_anew_is_found_out(
    reader: Reader, change: Callable[[Bundle], Bundle], found: str
) -> None:
    printed = verified(reader, altered(reader.path, change), "--json")

    assert printed.code == 1
    assert any(re.fullmatch(found, each) for each in failing(printed))


def test_a_name_that_is_none_is_no_fault_of_the_program(reader: Reader) -> None:
    printed = verified(reader, altered(reader.path, _no_name))

    assert printed.code == 1
    assert "fault of the program" not in printed.err


def test_another_root_decides_otherwise(reader: Reader) -> None:
    other = Sigstore().trusted_root()
    digest = sha256(other).hexdigest()

    def change(bundle: Bundle) -> Bundle:
        assert bundle.grounds
        roots = tuple(replace(r, sha256=digest) if r.name == "public-good" else r for r in bundle.grounds.roots)
        grounds = replace(bundle.grounds, roots=roots)
        return replace(bundle, grounds=grounds, bodies={**bundle.bodies, digest: other})

    assert verified(reader, altered(reader.path, change)).code == 1


def test_under_roots_that_nobody_vouches_for_nothing_can_be_told(reader: Reader) -> None:
    printed = verified(reader, reader.path, trusting=False)

    assert printed.code == 3
    assert "not one that this program has" in printed.out


def test_a_root_is_named_by_its_file_too(reader: Reader) -> None:
    bundle = opened(reader.path)
    assert bundle.grounds
    named: list[str] = []
    for root in bundle.grounds.roots:
        (reader.folder / root.sha256).write_bytes(bundle.bodies[root.sha256])
        named += ["--root", str(reader.folder / root.sha256)]

    printed = verified(reader, reader.path, *named, trusting=False)

    assert printed.code == 0, printed.out
    assert "one that you named" in printed.out


def test_a_root_that_is_neither_a_digest_nor_a_file_is_wrong_usage(reader: Reader) -> None:
    assert verified(reader, reader.path, "--root", "no-such-file").code == 2


def test_a_key_that_is_none_is_wrong_usage(reader: Reader) -> None:
    (reader.folder / "key").write_text("no key", "utf-8")

    assert verified(reader, reader.path, "--public-key", str(reader.folder / "key")).code == 2


def test_an_approval_by_hand_says_who_the_registry_names(reader: Reader) -> None:
    printed = verified(reader, reader.path)

    assert "by hand, without a review: the registry names rita@acme.example" in printed.out
    assert "told: no file can prove that of itself" in printed.out


def test_an_approval_whose_votes_are_not_in_the_file_cannot_be_told(desk: Desk) -> None:
    desk.check()
    detail = {"version": str(PURL), "pin": "0" * 16, "word": "approve", "by": "rita@acme.example"}
    early = AuditEvent(datetime(2026, 1, 1, tzinfo=UTC), "rita@acme.example", "review.approved", FILES, detail)
    asyncio.run(desk.company.app.store.run(lambda unit: unit.commit(early)))

    printed = verified(desk, made(desk))

    assert printed.code == 3, printed.out
    assert "no vote of rita@acme.example for this pin is in the file" in " ".join(printed.out.split())


def test_a_document_that_is_missing_cannot_be_decided_and_that_is_said(reader: Reader) -> None:
    document = next(each.document for each in opened(reader.path).claims if each.document)
    path = altered(
        reader.path,
        lambda bundle: replace(bundle, bodies={k: v for k, v in bundle.bodies.items() if k != document}),
    )

    printed = verified(reader, path)

    assert printed.code == 3
    assert "the document is not enclosed" in printed.out


# --- hostile files ------------------------------------------------------------------------------------------------------


def zipped(*members: tuple[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing) as file:
        for name, data in members:
            file.writestr(zipfile.ZipInfo(name), data, compress_type=packing)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no zip file"),
        (b"PK\x03\x04 and no more", "no zip file"),
        (zipped(("../../etc/passwd", b"x")), "no name of a member"),
        (zipped(("bodies/../manifest.json", b"x")), "no name of a member"),
        (zipped(("/manifest.json", b"x")), "no name of a member"),
        (zipped(("claims.json", bytes(2**25))), "packed too tightly"),
        (zipped(("claims.json", b"x"), packing=zipfile.ZIP_BZIP2), "packed in another way"),
        (zipped(*((f"bodies/{n:064x}", b"") for n in range(5001))), "over 5000 members"),
        (zipped(("claims.json", b"[]")), "manifest.json: missing"),
        (zipped(("manifest.json", b"[" * 100_000)), "manifest.json: "),
        (zipped(("manifest.json", b'{"format":"x","server":"","purl":"","members":{}}')), "expected the format"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_hostile_file_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(evidence_file.EvidenceError, match=re.escape(why)):
        evidence_file.read(io.BytesIO(data))


def test_a_member_that_stands_there_twice_is_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        data = zipped(("claims.json", b"[]"), ("claims.json", b"[1]"))

    with pytest.raises(evidence_file.EvidenceError, match="there twice"):
        evidence_file.read(io.BytesIO(data))


@pytest.mark.parametrize("member", ["claims.json", "log/links.jsonl", "bodies/"])
def test_a_member_that_was_changed_is_named(reader: Reader, member: str) -> None:
    with zipfile.ZipFile(reader.path) as file:
        members = {info.filename: file.read(info) for info in file.infolist()}
    name = next(each for each in members if each.startswith(member))
    (reader.folder / "changed.zip").write_bytes(zipped(*(members | {name: members[name] + b" "}).items()))

    printed = verified(reader, reader.folder / "changed.zip")

    assert printed.code == 1
    assert f"{name}: changed since the bundle was made" in printed.err


@given(st.binary(max_size=300), st.integers(0, 2**32))
def test_nothing_but_a_refusal_comes_of_noise(noise: bytes, at: int) -> None:
    whole = bytearray(evidence_file.write(Bundle(FILES, PURL)))
    begin = at % len(whole)
    whole[begin : begin + len(noise)] = noise

    with suppress(evidence_file.EvidenceError):
        evidence_file.read(io.BytesIO(bytes(whole)))


# --- usage --------------------------------------------------------------------------------------------------------------


def test_what_nothing_is_kept_of_is_no_evidence(decided: Desk) -> None:
    assert decided("evidence", FILES, "9.9.9", "--output", str(decided.folder / "x.zip")).code == 3
    assert decided("evidence", "io.github.acme/filez", "1", "--output", str(decided.folder / "x.zip")).code == 2
    assert not (decided.folder / "x.zip").exists()


def test_a_key_that_signed_the_enclosed_checkpoint_proves_the_log(desk: Desk) -> None:
    config = desk.company.config.read_text("utf-8")
    audit = f'\n[audit]\nsigning_key_file = "audit.key"\ncheckpoints = "{desk.folder}/kept"\n'
    desk.company.config.write_text(config + audit, "utf-8")
    (desk.folder / "kept").mkdir()
    desk("audit", "keygen", "--out", str(desk.folder / "audit.key"))
    desk.check()
    asyncio.run(desk.company.app.store.run(lambda unit: decide(unit, desk.world.clock())))
    asyncio.run(desk.company.run(("checkpoints",)))
    desk("audit", "keygen", "--out", str(desk.folder / "other.key"))

    path = made(desk)

    assert verified(desk, path, "--public-key", str(desk.folder / "audit.key.pub")).code == 0
    refused = verified(desk, path, "--public-key", str(desk.folder / "other.key.pub"))
    assert refused.code == 1
    assert "its signature does not hold" in refused.out


def test_the_builder_is_in_the_file(reader: Reader) -> None:
    bundle = opened(reader.path)

    assert {each.publisher.repository for each in bundle.claims if each.publisher} == {
        f"https://github.com/{BUILDER.repository}"
    }
