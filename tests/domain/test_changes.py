from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.changes import diff
from monitor.domain.release import Artifact, Digest, Listing
from tests.make import PACKAGE, digest, known, release


def test_the_first_look_is_a_baseline_and_nothing_is_new() -> None:
    changes = diff({}, Listing(PACKAGE, (release("1.0.0"), release("1.1.0"))), first_look=True)

    assert changes.first_look
    assert changes.new == ()


def test_the_first_release_of_a_package_that_was_seen_empty_is_news() -> None:
    changes = diff({}, Listing(PACKAGE, (release("1.0.0"),)))

    assert [each.version for each in changes.new] == ["1.0.0"]


def test_new_is_what_is_listed_and_was_not_known() -> None:
    changes = diff(known(release("1.0.0")), Listing(PACKAGE, (release("1.0.0"), release("0.9.0"))))

    assert [each.version for each in changes.new] == ["0.9.0"]


def test_a_deleted_package_has_every_known_release_gone() -> None:
    changes = diff(known(release("1.0.0"), release("1.1.0")), Listing(PACKAGE, ()))

    assert {each.release.version for each in changes.gone} == {"1.0.0", "1.1.0"}


def test_a_yank_is_no_new_release_and_no_new_bytes() -> None:
    changes = diff(known(release("1.0.0")), Listing(PACKAGE, (replace(release("1.0.0"), yanked="broken"),)))

    assert (changes.new, changes.republished) == ((), ())


def test_other_bytes_under_a_known_version_are_republished() -> None:
    changes = diff(known(release("1.0.0")), Listing(PACKAGE, (release("1.0.0", content="other"),)))

    assert [(each.what, each.before, each.after) for each in changes.republished] == [
        ("files-mcp-1.0.0.tgz", digest("1.0.0"), digest("other"))
    ]


def test_a_file_that_is_added_to_a_known_release_is_republished() -> None:
    late = Artifact("files-mcp-1.0.0-late.tgz", "https://registry.example/late", digest("late"))
    grown = replace(release("1.0.0"), artifacts=(*release("1.0.0").artifacts, late))

    changes = diff(known(release("1.0.0")), Listing(PACKAGE, (grown,)))

    assert [(each.what, each.before) for each in changes.republished] == [("files-mcp-1.0.0-late.tgz", None)]


def test_a_tag_that_points_at_another_commit_has_moved() -> None:
    before, after = Digest("gitCommit", "a" * 40), Digest("gitCommit", "b" * 40)
    tagged = replace(release("v1.0.0"), commit=before)

    changes = diff(known(tagged), Listing(PACKAGE, (replace(tagged, commit=after),)))

    assert [(each.what, each.before, each.after) for each in changes.republished] == [("tag", before, after)]


def test_a_digest_that_is_withdrawn_is_a_change() -> None:
    artifact = replace(release("1.0.0").artifacts[0], digest=None)

    changes = diff(known(release("1.0.0")), Listing(PACKAGE, (replace(release("1.0.0"), artifacts=(artifact,)),)))

    assert [(each.before, each.after) for each in changes.republished] == [(digest("1.0.0"), None)]


def test_a_file_without_digest_that_is_added_is_a_change() -> None:
    late = Artifact("files-mcp-1.0.0-late.tgz", "https://registry.example/late", None)
    grown = replace(release("1.0.0"), artifacts=(*release("1.0.0").artifacts, late))

    changes = diff(known(release("1.0.0")), Listing(PACKAGE, (grown,)))

    assert [each.what for each in changes.republished] == ["files-mcp-1.0.0-late.tgz"]


def test_a_source_that_changes_its_algorithm_says_nothing_about_the_bytes() -> None:
    artifact = replace(release("1.0.0").artifacts[0], digest=Digest("sha512", "0" * 128))

    changes = diff(known(release("1.0.0")), Listing(PACKAGE, (replace(release("1.0.0"), artifacts=(artifact,)),)))

    assert changes.republished == ()


def test_losing_most_releases_at_once_is_a_reset_of_the_source() -> None:
    before = known(*(release(f"1.{minor}.0") for minor in range(10)))

    assert diff(before, Listing(PACKAGE, (release("1.0.0"),))).reset
    assert not diff(before, Listing(PACKAGE, tuple(release(f"1.{minor}.0") for minor in range(8)))).reset


def test_a_listing_that_is_not_complete_says_nothing_about_what_is_missing() -> None:
    changes = diff(known(release("1.0.0")), Listing(PACKAGE, (), complete=False))

    assert changes.gone == ()


@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)))
def test_new_and_gone_are_the_two_set_differences(before: set[int], now: set[int]) -> None:
    changes = diff(
        known(*(release(f"1.{minor}.0") for minor in before)),
        Listing(PACKAGE, tuple(release(f"1.{minor}.0") for minor in now)),
    )

    assert {each.version for each in changes.new} == {f"1.{minor}.0" for minor in now - before}
    assert {each.release.version for each in changes.gone} == {f"1.{minor}.0" for minor in before - now}
