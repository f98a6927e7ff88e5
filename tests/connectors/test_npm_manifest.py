"""What a reviewer wants to know of a manifest: what runs when it is installed, whose accounts, how large."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._npm_manifest import read
from monitor.domain.release import Manifest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PARTS = ("scripts", "maintainers", "_npmUser", "gypfile", "hasInstallScript", "dist")


def manifest(**fields: object) -> Manifest | None:
    return read(msgspec.Raw(json.dumps(fields).encode()))


def test_a_manifest_is_read() -> None:
    found = manifest(
        scripts={"test": "jest", "postinstall": "node setup.js", "preinstall": "true", "prepare": "tsc"},
        maintainers=[{"name": "grace", "email": "g@acme.example"}, {"name": "ada"}],
        _npmUser={"name": "ada"},
        dist={"unpackedSize": 4711},
    )

    assert found == Manifest(("preinstall: true", "postinstall: node setup.js"), ("ada", "grace"), "ada", 4711)


def test_a_manifest_that_says_nothing_runs_nothing() -> None:
    assert manifest() == Manifest()


def test_a_native_module_is_built_when_it_is_installed() -> None:
    assert manifest(gypfile=True) == Manifest(("install: node-gyp (binding.gyp)",))
    assert manifest(gypfile=True, scripts={"install": "prebuild"}) == Manifest(("install: prebuild",))


def test_an_install_script_that_only_the_registry_tells_of_is_told() -> None:
    assert manifest(hasInstallScript=True) == Manifest(("an install script, which the manifest does not name",))


@pytest.mark.parametrize(
    "fields",
    [
        {"scripts": ["postinstall"]},
        {"scripts": {"install": {"a": 1}}},
        {"maintainers": "ada"},
        {"maintainers": [1]},
        {"_npmUser": "ada"},
        {"dist": {"unpackedSize": "much"}},
        {"dist": []},
    ],
)
def test_another_shape_is_not_known_rather_than_nothing(fields: dict[str, object]) -> None:
    assert manifest(**fields) is None


def test_what_strangers_write_is_bounded() -> None:
    found = manifest(
        scripts={"install": "x" * 10_000},
        maintainers=[{"name": f"{number:05}" * 100} for number in range(2_000)],
        dist={"unpackedSize": -1},
    )

    assert found is not None
    assert len(found.hooks[0]) < 250
    assert len(found.maintainers) == 50
    assert max(map(len, found.maintainers)) == 100
    assert found.unpacked is None


@given(st.dictionaries(st.sampled_from(PARTS), JSON))
def test_no_shape_raises(fields: dict[str, object]) -> None:
    assert isinstance(manifest(**fields), Manifest | None)
