"""What every test may ask for."""

from collections.abc import Iterator

import pytest

from tests.world import World


@pytest.fixture
def world() -> Iterator[World]:
    """A world of one's own; it fails the test whose requests, or whose world, broke a contract."""
    with World() as running:
        yield running
    assert running.violations == []
