from dataclasses import replace

from monitor.domain.candidate import candidate, unreviewed
from tests.make import approval, known, looked, release

BASELINE = known(release("1.4.2", days=30))


def versions(*listed: str) -> list[str]:
    releases = [release(version, days=10 - at) for at, version in enumerate(listed)]
    return [
        each.release.version for each in unreviewed(approval(), looked(BASELINE, release("1.4.2", days=30), *releases))
    ]


def test_what_appeared_after_the_approved_version_is_unreviewed_newest_first() -> None:
    assert versions("1.4.3", "1.5.0") == ["1.5.0", "1.4.3"]


def test_a_backport_is_not_after_the_approved_version_whenever_it_is_published() -> None:
    assert versions("1.3.9") == []


def test_the_history_of_the_first_look_is_not_news() -> None:
    first = looked({}, release("1.4.2"), release("1.4.3"))

    assert candidate(approval(), first) is None


def test_a_yanked_release_is_nobodys_candidate() -> None:
    yanked = replace(release("1.4.4", days=1), yanked="")

    chosen = candidate(approval(), looked(BASELINE, release("1.4.2"), release("1.4.3", days=2), yanked))

    assert chosen is not None
    assert chosen.release.version == "1.4.3"


def test_a_prerelease_is_a_candidate_only_where_a_prerelease_is_approved() -> None:
    early = release("1.5.0-beta.2", days=1)

    assert candidate(approval(), looked(BASELINE, release("1.4.2"), early)) is None
    before = known(release("1.5.0-beta.1"))
    chosen = candidate(approval("1.5.0-beta.1"), looked(before, release("1.5.0-beta.1"), early))
    assert chosen is not None
    assert chosen.release.version == "1.5.0-beta.2"


def test_a_version_that_has_left_the_listing_is_no_candidate() -> None:
    seen = known(release("1.4.3"), baseline=False)

    assert candidate(approval(), looked(BASELINE | seen, release("1.4.2"))) is None


def test_of_releases_that_appear_together_without_a_time_the_highest_version_is_the_candidate() -> None:
    untimed = [replace(release(version), published_at=None) for version in ("1.4.3", "1.10.0", "1.9.0")]

    chosen = candidate(approval(), looked(BASELINE, release("1.4.2"), *untimed))

    assert chosen is not None
    assert chosen.release.version == "1.10.0"
