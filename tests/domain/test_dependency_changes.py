from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.dependency import Dependencies, Dependency
from monitor.domain.dependency_changes import DependencyChanges, compare
from monitor.domain.purl import Purl

OF = Purl.npm("files").at("1.0.0")
NAMES = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(("1.0.0", "2.0.0")))


def brought(found: dict[str, str], *unresolved: str, whole: bool = False) -> Dependencies:
    listed = tuple(Dependency(Purl.npm(name).at(version), (name,)) for name, version in found.items())
    return Dependencies(OF, "npm registry", whole, listed, unresolved)


def test_what_came_went_and_changed_is_told_apart() -> None:
    before = brought({"a": "1.0.0", "b": "1.0.0"}, "c ^1")
    after = brought({"a": "1.0.0", "b": "2.0.0"}, "d git+https://x.example/d")

    assert compare(before, after) == DependencyChanges(
        ("d git+https://x.example/d",), ("c ^1",), ("b: 1.0.0 -> 2.0.0",)
    )


def test_two_depths_are_not_compared() -> None:
    assert compare(brought({"a": "1.0.0"}, whole=True), brought({"a": "1.0.0"})) is None


@given(NAMES, NAMES)
def test_the_way_back_is_the_way_there_reversed(one: dict[str, str], other: dict[str, str]) -> None:
    there, back = compare(brought(one), brought(other)), compare(brought(other), brought(one))

    assert there is not None
    assert back is not None
    assert (there.added, there.removed) == (back.removed, back.added)
    assert len(there.added) + len(one) == len(there.removed) + len(other)


@given(NAMES)
def test_nothing_changed_against_itself(found: dict[str, str]) -> None:
    assert compare(brought(found), brought(found)) == DependencyChanges((), (), ())
