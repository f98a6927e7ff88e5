from dataclasses import replace

from monitor.domain.baseline import predecessor
from tests.make import approval, known, looked, release


def measured_by(version: str, *others: str, approved: str = "1.4.2") -> str | None:
    """What `version` is measured by, among releases that were published in the order given."""
    releases = [release(each, days=40 - at) for at, each in enumerate([*others, version])]
    found = predecessor(approval(approved), looked(known(*releases), *releases), releases[-1])
    return found.release.version if found else None


def test_a_version_is_measured_by_the_approved_one_of_its_line() -> None:
    assert measured_by("1.4.4", "1.4.2", "1.4.3") == "1.4.2"


def test_a_backport_is_measured_by_the_last_one_of_its_own_line() -> None:
    assert measured_by("1.9.3", "1.9.1", "2.0.0", "1.9.2", approved="2.0.0") == "1.9.2"


def test_the_first_version_of_a_new_line_is_measured_by_the_approved_one() -> None:
    assert measured_by("2.0.0", "1.4.2") == "1.4.2"


def test_a_prerelease_is_measured_by_none_but_prereleases() -> None:
    assert measured_by("1.5.0-beta.1", "1.4.2") is None
    assert measured_by("1.5.0-beta.2", "1.4.2", "1.5.0-beta.1") == "1.5.0-beta.1"


def test_nothing_is_measured_by_what_came_after_it() -> None:
    first = release("2.0.0", days=9)
    later = release("2.0.1", days=1)
    seen = looked(known(release("1.4.2", days=30), first, later), release("1.4.2"), first, later)

    found = predecessor(approval(), seen, first)

    assert found is not None
    assert found.release.version == "1.4.2"
    assert replace(found.release, artifacts=()) == replace(release("1.4.2", days=30), artifacts=())
