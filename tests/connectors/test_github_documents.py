import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._github_documents import (
    parse_attestations,
    parse_block,
    parse_releases,
    parse_repository,
    parse_tags,
)
from monitor.ports.errors import Malformed, SourceError
from tests.connectors.forge import PACKAGE, asset, release, tag

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_parsers_raise_nothing_but_malformed(body: bytes) -> None:
    for parse in (
        parse_repository,
        parse_block,
        lambda text: parse_releases(text, PACKAGE),
        parse_tags,
        parse_attestations,
    ):
        try:
            parse(body)
        except SourceError as error:
            assert isinstance(error, Malformed)  # noqa: PT017  (any error but this one is the failure)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        json.dumps([release("v1") | {"published_at": "0001-01-01T00:00:00+23:59"}]).encode(),
        json.dumps([release("v1") | {"published_at": "2026-01-01T00:00:00"}]).encode(),
        json.dumps([release("")]).encode(),
        json.dumps([release("v1", asset("f") | {"size": -1})]).encode(),
        b'[{"tag_name": "\xff"}]',
    ],
)
def test_hostile_releases_are_malformed(body: bytes) -> None:
    with pytest.raises(Malformed, match="the releases"):
        parse_releases(body, PACKAGE)


@pytest.mark.parametrize("sha", ["a" * 39, "A" * 40, "main", "a" * 40 + "\n"])
def test_a_tag_that_points_at_no_commit_is_malformed(sha: str) -> None:
    with pytest.raises(Malformed, match="the tags"):
        parse_tags(json.dumps([tag("v1", sha)]).encode())
