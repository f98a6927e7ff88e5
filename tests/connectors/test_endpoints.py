import base64
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._edge import installers
from connectors._edge.installers import BUILT_IN, Machine
from connectors._edge.npmrc import authorization, expand, settings
from monitor.ports.errors import Malformed


def machine(folder: Path, env: Mapping[str, str] | None = None) -> Machine:
    """Build a machine that has nothing but what the test puts into `folder`."""
    for name in ("home", "root/etc", "prefix"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return Machine(env or {}, folder / "home", folder / "root", folder / "prefix")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_pips_environment_wins_over_its_files(tmp_path: Path) -> None:
    env = {"PIP_INDEX_URL": "https://index.example/simple", "UV_INDEX_URL": "https://uv.example/simple"}
    write(tmp_path / "home/.config/pip/pip.conf", "[global]\nindex-url = https://file.example/simple\n")

    found = installers.pypi(machine(tmp_path, env))

    assert (found.url, found.said_by) == ("https://index.example/simple", "PIP_INDEX_URL")
    assert found.hosts == ()


def test_pips_files_are_read_in_its_order(tmp_path: Path) -> None:
    write(tmp_path / "root/etc/pip.conf", "[global]\nindex-url = https://global.example/simple\n")
    user = write(tmp_path / "home/.config/pip/pip.conf", "[global]\nindex_url = https://user.example/simple\n")
    with_user = installers.pypi(machine(tmp_path))
    site = write(tmp_path / "prefix/pip.conf", "[global]\nindex-url = https://site.example/simple\n")

    with_site = installers.pypi(machine(tmp_path))

    assert (with_user.url, with_user.said_by) == ("https://user.example/simple", f"{user} [global]")
    assert (with_site.url, with_site.said_by) == ("https://site.example/simple", f"{site} [global]")


def test_pips_install_section_wins_over_global_in_any_file(tmp_path: Path) -> None:
    write(tmp_path / "root/etc/pip.conf", "[install]\nindex-url = https://install.example/simple\n")
    write(tmp_path / "prefix/pip.conf", "[global]\nindex-url = https://global.example/simple\n")

    assert installers.pypi(machine(tmp_path)).url == "https://install.example/simple"


def test_the_file_that_the_environment_names_is_the_last_word_and_the_null_device_silences_all(tmp_path: Path) -> None:
    write(tmp_path / "prefix/pip.conf", "[global]\nindex-url = https://site.example/simple\n")
    named = write(tmp_path / "named.conf", "[global]\nindex-url = https://named.example/simple\n")

    chosen = installers.pypi(machine(tmp_path, {"PIP_CONFIG_FILE": str(named)}))
    silenced = installers.pypi(machine(tmp_path, {"PIP_CONFIG_FILE": os.devnull}))

    assert chosen.url == "https://named.example/simple"
    assert silenced.said_by == BUILT_IN


def test_uv_is_heard_where_pip_says_nothing(tmp_path: Path) -> None:
    found = installers.pypi(machine(tmp_path, {"UV_DEFAULT_INDEX": "inner=https://uv.example/simple"}))

    assert (found.url, found.said_by) == ("https://uv.example/simple", "UV_DEFAULT_INDEX")


def test_the_default_index_brings_the_host_of_its_files(tmp_path: Path) -> None:
    by_default = installers.pypi(machine(tmp_path))
    chosen = installers.pypi(machine(tmp_path, {"PIP_INDEX_URL": by_default.url.rstrip("/")}))

    assert by_default.said_by == BUILT_IN
    assert chosen.hosts == by_default.hosts


def test_credentials_in_an_index_become_a_header(tmp_path: Path) -> None:
    found = installers.pypi(machine(tmp_path, {"PIP_INDEX_URL": "https://me:p%40ss@index.example/simple"}))

    assert found.url == "https://index.example/simple"
    assert found.headers == {"authorization": "Basic " + base64.b64encode(b"me:p@ss").decode()}
    assert "Basic" not in repr(found)


@pytest.mark.parametrize("url", ["ftp://index.example", "index.example/simple", "https://in dex.example/", "file:///x"])
def test_a_value_that_is_no_address_is_named_with_its_place(tmp_path: Path, url: str) -> None:
    place = write(tmp_path / "prefix/pip.conf", f"[global]\nindex-url = {url}\n")

    with pytest.raises(Malformed) as caught:
        installers.pypi(machine(tmp_path))

    assert f"{place} [global] names an address" in str(caught.value)


def test_a_file_that_is_none_of_pips_is_named(tmp_path: Path) -> None:
    place = write(tmp_path / "prefix/pip.conf", "index-url = https://index.example\n")

    with pytest.raises(Malformed, match="not a configuration file of pip") as caught:
        installers.pypi(machine(tmp_path))

    assert str(place) in str(caught.value)


@pytest.mark.parametrize("name", ["npm_config_registry", "NPM_CONFIG_REGISTRY", "npm_config_Registry"])
def test_npms_environment_wins_in_any_case(tmp_path: Path, name: str) -> None:
    write(tmp_path / "home/.npmrc", "registry=https://file.example/\n")

    found = installers.npm(machine(tmp_path, {name: "https://env.example/npm/"})).default

    assert (found.url, found.said_by) == ("https://env.example/npm/", name)


def test_npms_user_file_wins_over_its_global_file(tmp_path: Path) -> None:
    node = write(tmp_path / "opt/bin/node", "")
    node.chmod(0o755)
    write(tmp_path / "opt/etc/npmrc", "registry=https://global.example/\n@acme:registry=https://acme.example/\n")
    user = write(tmp_path / "home/.npmrc", "; a comment\nregistry = https://user.example/\n")

    found = installers.npm(machine(tmp_path, {"PATH": str(node.parent)}))

    assert (found.default.url, found.default.said_by) == ("https://user.example/", str(user))
    assert found.of("@acme").url == "https://acme.example/"
    assert found.of("@other") == found.default
    assert found.of(None) == found.default


def test_npms_user_file_may_be_elsewhere(tmp_path: Path) -> None:
    elsewhere = write(tmp_path / "elsewhere", 'registry="https://elsewhere.example/"\n')

    found = installers.npm(machine(tmp_path, {"NPM_CONFIG_USERCONFIG": str(elsewhere)}))

    assert found.default.url == "https://elsewhere.example/"


def test_npms_own_default_is_an_origin_over_https(tmp_path: Path) -> None:
    found = installers.npm(machine(tmp_path)).default

    assert found.said_by == BUILT_IN
    assert found.url.startswith("https://")
    assert found.url.count("/") == 3


def test_npms_tokens_become_headers_of_their_own_registry_only(tmp_path: Path) -> None:
    write(
        tmp_path / "home/.npmrc",
        "registry=https://registry.example/npm/\n@acme:registry=https://acme.example/\n"
        "//registry.example/:_authToken=${TOKEN}\n",
    )

    found = installers.npm(machine(tmp_path, {"TOKEN": "s3cret"}))

    assert found.default.headers == {"authorization": "Bearer s3cret"}
    assert found.of("@acme").headers == {}
    assert "s3cret" not in repr(found)


def test_the_nearest_path_of_npms_credentials_counts() -> None:
    password = base64.b64encode(b"word").decode()
    secrets = {
        "//h.example/:_authToken": "far",
        "//h.example/a/:username": "me",
        "//h.example/a/:_password": password,
        "//h.example/b/:_auth": "bWU6d29yZA==",
    }

    assert authorization("https://h.example/a/b", secrets) == "Basic bWU6d29yZA=="
    assert authorization("https://h.example/b/", secrets) == "Basic bWU6d29yZA=="
    assert authorization("https://h.example/c/", secrets) == "Bearer far"
    assert authorization("https://other.example/a/", secrets) is None


def test_npms_variables_are_expanded_as_npm_does() -> None:
    env = {"A": "1", "B": ""}

    assert expand("${A}-${B}-${C}-${C?}-$A", env) == "1--${C}--$A"


@given(st.text(max_size=200))
def test_any_text_can_be_read_as_an_npmrc(text: str) -> None:
    found = settings(text)

    assert all(key and "=" not in key for key in found)
