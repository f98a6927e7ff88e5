import zlib
from datetime import datetime
from hashlib import sha256

import pytest

from monitor.domain.evidence import Evidence, Grounds
from monitor.domain.provenance import Form, TrustRoot, Verdict, Verification
from monitor.domain.purl import Purl
from monitor.domain.unknown import Reason, Unknown
from monitor.store.database import Database
from monitor.store.transaction import Unreachable
from tests.databases import NOW
from tests.store.keeping import LATER, count, keep, rows, tamper

BODY = b'{"versions": []}' * 100
DIGEST = sha256(BODY).hexdigest()
ROOT = TrustRoot("public-good", "/etc/roots/good.json", NOW, "configured", sha256(b"root").hexdigest())
ROOT_FILE = Evidence("file:good.json", ROOT.sha256, NOW, b"root")
VERSION = Purl.npm("@scope/server", "1.0.0")


def evidence(url: str, body: bytes = BODY, at: datetime = NOW) -> Evidence:
    return Evidence(url, sha256(body).hexdigest(), at, body)


async def test_a_body_is_kept_once_and_compressed(database: str, store: Database) -> None:
    first, second = evidence("http://registry.example/a"), evidence("http://registry.example/b")

    await keep(store, lambda unit: unit.keep_evidence([first, second]))
    await keep(store, lambda unit: unit.keep_evidence([first]))

    [(body, size)] = rows(database, "SELECT body, size FROM evidence")
    assert isinstance(body, bytes)
    assert zlib.decompress(body) == BODY
    assert len(body) < len(BODY) == size
    assert count(database, "sightings") == 2


async def test_an_address_that_gives_the_same_again_is_noted_first_and_last(database: str, store: Database) -> None:
    await keep(store, lambda unit: unit.keep_evidence([evidence("http://registry.example/a")]))

    await keep(store, lambda unit: unit.keep_evidence([evidence("http://registry.example/a", at=LATER)]))

    [(first, last)] = rows(database, "SELECT first_fetched_at, fetched_at FROM sightings")
    assert str(first) < str(last)


async def test_a_body_under_a_foreign_digest_is_refused(store: Database) -> None:
    forged = Evidence("http://registry.example/a", sha256(b"other").hexdigest(), NOW, BODY)

    with pytest.raises(ValueError, match="does not have the digest"):
        await keep(store, lambda unit: unit.keep_evidence([forged]))


# --- bodies, read back --------------------------------------------------------------------------------------------------


async def test_a_body_comes_back_as_it_was(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_evidence([evidence("http://registry.example/a")]))

    found = await store.run(lambda unit: unit.evidence([DIGEST]))

    assert found == {DIGEST: BODY}


async def test_a_body_that_was_never_kept_is_unknown(store: Database) -> None:
    found = await store.run(lambda unit: unit.evidence([DIGEST]))

    assert found == {DIGEST: Unknown(Reason.UNAVAILABLE, "store", "the document was not kept")}


async def test_of_a_body_that_was_too_large_only_the_digest_is_known(store: Database) -> None:
    await keep(store, lambda unit: unit.keep_evidence([Evidence("http://registry.example/a", DIGEST, NOW, b"")]))

    found = (await store.run(lambda unit: unit.evidence([DIGEST])))[DIGEST]

    assert isinstance(found, Unknown)
    assert "too large" in found.detail


@pytest.mark.parametrize("harm", ["other", "no zlib", "bomb"])
async def test_a_body_that_somebody_changed_is_noticed(database: str, store: Database, harm: str) -> None:
    await keep(store, lambda unit: unit.keep_evidence([evidence("http://registry.example/a")]))
    packed = {
        "other": zlib.compress(BODY[:-1] + b"]"),
        "no zlib": b"\x00\x01",
        "bomb": zlib.compress(bytes(2**24)),
    }[harm]
    literal = f"'\\x{packed.hex()}'" if database.startswith("postgresql") else f"x'{packed.hex()}'"
    tamper(database, f"UPDATE evidence SET body = {literal}".replace(":", "\\:"))  # noqa: S608 - the test's own bytes

    found = (await store.run(lambda unit: unit.evidence([DIGEST])))[DIGEST]

    assert isinstance(found, Unknown)
    assert "somebody changed it" in found.detail


# --- grounds ------------------------------------------------------------------------------------------------------------


def claim(document: str = DIGEST, *, purl: Purl = VERSION) -> Verification:
    return Verification(
        purl, "a.tgz", Form.NPM_ATTESTATIONS, Verdict.VERIFIED, "build", "so", document=document, url="http://a"
    )


async def test_what_claims_were_decided_on_belongs_to_them(store: Database) -> None:
    await keep(
        store,
        lambda unit: unit.keep_evidence([evidence("http://registry.example/a"), ROOT_FILE]),
        lambda unit: unit.keep_verifications([claim(), claim()], NOW, [ROOT]),
    )

    found = await store.run(lambda unit: unit.grounds([VERSION, VERSION.at("2.0.0")]))

    assert found == {VERSION: Grounds(NOW, (TrustRoot("public-good", "", NOW, "recorded", ROOT.sha256),))}


async def test_the_grounds_of_one_version_are_replaced_with_its_claims_and_no_others(
    database: str, store: Database
) -> None:
    other = evidence("http://registry.example/b", b"another document")
    await keep(
        store,
        lambda unit: unit.keep_evidence([evidence("http://registry.example/a"), other, ROOT_FILE]),
        lambda unit: unit.keep_verifications([claim(), claim(purl=VERSION.at("2.0.0"))], NOW, [ROOT]),
    )

    await keep(store, lambda unit: unit.keep_verifications([claim(other.sha256)], LATER))

    assert set(rows(database, "SELECT purl, sha256 FROM grounds WHERE root = ''")) == {
        (str(VERSION), other.sha256),
        (str(VERSION.at("2.0.0")), DIGEST),
    }
    found = await store.run(lambda unit: unit.grounds([VERSION]))
    assert found == {VERSION: Grounds(LATER, ())}


async def test_a_claim_cannot_be_kept_without_the_document_that_makes_it(store: Database) -> None:
    with pytest.raises(Unreachable):
        await keep(store, lambda unit: unit.keep_verifications([claim()], NOW))


async def test_claims_that_no_document_makes_have_no_grounds(database: str, store: Database) -> None:
    await keep(
        store,
        lambda unit: unit.keep_evidence([ROOT_FILE]),
        lambda unit: unit.keep_verifications([claim("")], NOW, [ROOT]),
    )

    assert count(database, "grounds") == 0
