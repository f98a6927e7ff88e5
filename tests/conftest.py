"""What every test may ask for."""

from collections.abc import Iterator

import pytest

from tests.world import World
from tests.world.contracts import Contracts


@pytest.fixture
def world() -> Iterator[World]:
    """A world of one's own; it fails the test whose requests, or whose world, broke a contract."""
    with World(check=Contracts) as running:
        yield running
    assert running.violations == []
