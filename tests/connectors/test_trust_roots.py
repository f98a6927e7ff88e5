"""Trust roots are refreshed from a real TUF repository on loopback, whose keepers may be late, compromised or gone."""

import os
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors import sigstore_bundle, trust_roots
from monitor.domain.provenance import TrustRoot
from monitor.domain.unknown import Reason, Unknown
from monitor.ports.errors import Malformed
from monitor.ports.sources import TrustRootSource
from tests.connectors.conftest import Loopback
from tests.connectors.servers import make_edge
from tests.world.signing import NpmKeys, Sigstore
from tests.world.tuf import TufRepository

TODAY = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = datetime(2026, 11, 24, tzinfo=UTC)
KEYS = "registry.example/keys.json"


class Mirror:
    """A mirror of a repository, and a source that asks it. `day` is the source's clock."""

    def __init__(self, folder: Path, repository: TufRepository, url: str) -> None:
        self.repository, self.kept = repository, folder / "roots"
        self.day = TODAY
        self.edge = make_edge()
        self.source: TrustRootSource = trust_roots.build(
            self.edge.http,
            folder=self.kept,
            clock=lambda: self.day,
            public_good=url,
            public_good_begin=repository.begin(folder),
        )

    def publish(self) -> None:
        """Publish a root and keys of today."""
        self.repository.publish({"trusted_root.json": Sigstore().trusted_root(), KEYS: NpmKeys().keys()})

    async def refresh(self) -> Mapping[str, TrustRoot | Unknown]:
        """Ask the mirror."""
        return await self.source.refresh()

    @property
    def files(self) -> list[str]:
        """The names of the kept roots."""
        return sorted(path.name for path in self.kept.glob("*.json"))


@pytest.fixture
async def mirror(tmp_path: Path, loopback: Loopback) -> AsyncIterator[Mirror]:
    repository = TufRepository()
    made = Mirror(tmp_path, repository, loopback(repository.app))
    made.publish()
    async with made.edge.http.session():
        yield made


def reasons(found: Mapping[str, TrustRoot | Unknown]) -> set[tuple[Reason, str]]:
    return {(each.reason, each.detail) for each in found.values() if isinstance(each, Unknown)}


async def test_current_roots_are_kept_under_their_day_and_used(mirror: Mirror) -> None:
    found = await mirror.refresh()
    verifier = sigstore_bundle.build(refreshed=mirror.kept)

    assert mirror.files == ["npm-keys.2026-11-24.json", "public-good.2026-11-24.json"]
    assert [(each.name, each.dated, each.origin) for each in verifier.roots()] == [
        ("public-good", DAY, "refreshed"),
        ("npm-keys", DAY, "refreshed"),
    ]
    assert set(found.values()) == set(verifier.roots())


async def test_a_running_verifier_takes_up_newer_roots_when_told(mirror: Mirror) -> None:
    verifier = sigstore_bundle.build(refreshed=mirror.kept)
    before = {root.origin for root in verifier.roots()}

    await mirror.refresh()
    verifier.renew()

    assert (before, {root.origin for root in verifier.roots()}) == ({"shipped"}, {"refreshed"})


async def test_the_youngest_of_configured_and_refreshed_roots_is_used(mirror: Mirror, tmp_path: Path) -> None:
    await mirror.refresh()
    older, younger = tmp_path / "mine.2026-11-01.json", tmp_path / "mine.2026-12-01.json"
    for path in (older, younger):
        path.write_bytes(Sigstore().trusted_root())

    used = [sigstore_bundle.build(public_good=path, refreshed=mirror.kept).roots()[0] for path in (older, younger)]

    assert [root.origin for root in used] == ["refreshed", "configured"]


async def test_a_configured_root_replaces_the_one_that_ships_however_old_it_is(tmp_path: Path) -> None:
    ancient = tmp_path / "mine.2020-01-01.json"
    ancient.write_bytes(Sigstore().trusted_root())

    (root, _) = sigstore_bundle.build(public_good=ancient).roots()

    assert (root.origin, root.dated.year) == ("configured", 2020)


async def test_a_later_refresh_dates_what_has_not_changed_anew_and_keeps_two(mirror: Mirror) -> None:
    for _ in range(3):
        await mirror.refresh()
        mirror.day += timedelta(days=1)

    assert [name for name in mirror.files if name.startswith("public-good")] == [
        "public-good.2026-11-25.json",
        "public-good.2026-11-26.json",
    ]


async def test_the_keepers_keys_may_be_replaced_as_the_old_ones_say(mirror: Mirror) -> None:
    await mirror.refresh()
    mirror.repository.rotate()
    mirror.publish()

    assert reasons(await mirror.refresh()) == set()


async def test_a_key_that_nobody_named_is_refused_and_nothing_is_replaced(mirror: Mirror) -> None:
    await mirror.refresh()
    kept = {name: (mirror.kept / name).read_bytes() for name in mirror.files}
    mirror.repository.usurp()
    mirror.publish()

    found = await mirror.refresh()

    assert {reason for reason, _ in reasons(found)} == {Reason.MALFORMED}
    assert "does not hold" in next(detail for _, detail in reasons(found))
    assert {name: (mirror.kept / name).read_bytes() for name in mirror.files} == kept


async def test_a_repository_that_went_back_is_refused(mirror: Mirror) -> None:
    before = dict(mirror.repository.files)
    mirror.publish()
    await mirror.refresh()
    mirror.repository.files = before

    assert {reason for reason, _ in reasons(await mirror.refresh())} == {Reason.MALFORMED}


async def test_a_repository_that_was_not_renewed_in_time_is_refused(mirror: Mirror) -> None:
    mirror.repository.expires = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    mirror.publish()

    found = await mirror.refresh()

    assert {reason for reason, _ in reasons(found)} == {Reason.MALFORMED}
    assert "expired" in next(detail for _, detail in reasons(found))
    assert mirror.files == []


async def test_a_file_that_is_not_the_one_that_was_signed_is_refused(mirror: Mirror) -> None:
    for path in mirror.repository.files:
        if path.endswith("trusted_root.json"):
            mirror.repository.files[path] = Sigstore().trusted_root()

    found = await mirror.refresh()

    assert isinstance(found["public-good"], Unknown)
    assert isinstance(found["npm-keys"], TrustRoot)


async def test_a_signed_file_that_the_verifier_cannot_read_is_not_kept(mirror: Mirror) -> None:
    mirror.repository.publish({"trusted_root.json": b"{}", KEYS: NpmKeys().keys()})

    found = await mirror.refresh()

    assert isinstance(found["public-good"], Unknown)
    assert mirror.files == ["npm-keys.2026-11-24.json"]


@pytest.mark.parametrize("targets", [{}, {KEYS: b"{}", "other.example/keys.json": b"{}"}])
async def test_a_mirror_without_npms_keys_or_with_several_says_so(mirror: Mirror, targets: dict[str, bytes]) -> None:
    mirror.repository.publish({"trusted_root.json": Sigstore().trusted_root()} | targets)

    found = await mirror.refresh()

    assert isinstance(found["public-good"], TrustRoot)
    assert {detail.partition(" for ")[0] for _, detail in reasons(found)} == {f"the mirror has {len(targets)} files"}


async def test_without_a_network_there_is_one_clear_error(tmp_path: Path) -> None:
    offline = Mirror(tmp_path, TufRepository(), "http://127.0.0.1:9")

    async with offline.edge.http.session():
        found = await offline.refresh()

    assert len(reasons(found)) == 1
    assert {reason for reason, _ in reasons(found)} == {Reason.UNAVAILABLE}


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o757])
async def test_a_folder_that_others_can_write_is_neither_written_nor_read(mirror: Mirror, mode: int) -> None:
    await mirror.refresh()
    mirror.kept.chmod(mode)

    found = await mirror.refresh()

    assert {detail.partition(";")[0] for _, detail in reasons(found)} == {f"others can write into {mirror.kept}"}
    with pytest.raises(Malformed, match="others can write"):
        sigstore_bundle.build(refreshed=mirror.kept)


async def test_what_is_kept_is_ours_alone_whatever_the_umask(mirror: Mirror) -> None:
    before = os.umask(0)
    try:
        await mirror.refresh()
    finally:
        os.umask(before)

    folders = [path for path in (mirror.kept, *mirror.kept.rglob("*")) if path.is_dir()]
    assert [path for path in (mirror.kept, mirror.kept / "tuf") if path.stat().st_mode & 0o077] == []
    assert len(folders) > 2


async def test_nothing_is_asked_where_no_folder_is_named() -> None:
    edge = make_edge()
    source = trust_roots.build(edge.http, folder=None, clock=lambda: TODAY, public_good="http://127.0.0.1:9")

    assert await source.refresh() == {}
