import zlib
from datetime import datetime
from hashlib import sha256

import pytest

from monitor.domain.evidence import Evidence
from monitor.store.database import Database
from tests.databases import NOW
from tests.store.keeping import LATER, count, keep, rows

BODY = b'{"versions": []}' * 100


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
