"""An image is what its digest says, whatever tag stands beside it."""

from dataclasses import replace

import pytest

from monitor.domain.comparison import Kind, lines_of
from monitor.domain.deployment import PinKind
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.domain.server import Approval, Pin
from tests.make import deployment, digest, server, snapshot

IMAGE = Purl("docker", "acme", "files")
REVIEWED, OTHER, LONG = digest("reviewed"), digest("other"), Digest("sha512", "c" * 128)


@pytest.mark.parametrize(
    ("approved", "tag", "started", "stands"),
    [
        ((REVIEWED,), "1.4.2", REVIEWED, Kind.APPROVED),
        ((REVIEWED,), None, REVIEWED, Kind.APPROVED),
        ((REVIEWED,), "9.9", REVIEWED, Kind.APPROVED),
        ((REVIEWED, OTHER), "1.4.2", OTHER, Kind.APPROVED),
        ((REVIEWED,), "1.4.2", OTHER, Kind.DIGEST_DIFFERS),
        ((REVIEWED,), None, OTHER, Kind.DIGEST_DIFFERS),
        ((REVIEWED,), "1.5.0", OTHER, Kind.UNAPPROVED),
        ((REVIEWED,), "1.4.1", OTHER, Kind.UNAPPROVED),
        ((REVIEWED,), "1.4.2", LONG, Kind.UNAPPROVED),
        ((), "1.4.2", OTHER, Kind.UNAPPROVED),
        ((), None, OTHER, Kind.UNAPPROVED),
    ],
)
def test_the_digest_alone_decides(approved: tuple[Digest, ...], tag: str | None, started: Digest, stands: Kind) -> None:
    pinned = Approval(Pin(IMAGE.at("1.4.2"), frozenset(approved)), "rita", None, None)
    there = replace(deployment(), kind=PinKind.DIGEST, purl=IMAGE.at(tag), digest=started)
    listed = replace(server(), package=IMAGE)

    lines = list(lines_of(snapshot(server=listed, approval=pinned, deployments=(there,))))

    assert [line.kind for line in lines] == [stands]


def test_an_image_that_nobody_approved_is_unapproved_by_its_digest_alone() -> None:
    there = replace(deployment(), kind=PinKind.DIGEST, purl=IMAGE, digest=OTHER)

    lines = list(lines_of(snapshot(server=replace(server(), package=IMAGE), approval=None, deployments=(there,))))

    assert [line.kind for line in lines] == [Kind.UNAPPROVED]


def test_the_digest_that_a_tag_brought_is_compared_and_the_tag_floats() -> None:
    pinned = Approval(Pin(IMAGE.at("1.4.2"), frozenset({REVIEWED})), "rita", None, None)
    there = replace(deployment(), kind=PinKind.TAG, purl=IMAGE.at("1.4.2"), installed_digest=OTHER)

    lines = list(lines_of(snapshot(server=replace(server(), package=IMAGE), approval=pinned, deployments=(there,))))

    assert [line.kind for line in lines] == [Kind.DIGEST_DIFFERS, Kind.FLOATING]
