"""The static files, asked as a web server hands them out, against the registry's own contract."""

import json
from collections.abc import Mapping
from urllib.parse import quote, unquote

import pytest
from jsonschema import Draft7Validator
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from monitor.exports.clients import WRITERS
from tests import corpus
from tests.exports.test_writers import DATA, FAR, ORIGIN, SEARCH, entry

HOST = "https://registry.modelcontextprotocol.io"
FILES = entry(arguments=("/srv/shared",))
ENTRIES = [FILES, DATA, SEARCH, FAR]


@pytest.fixture(scope="module")
def files() -> Mapping[str, bytes]:
    return WRITERS["registry-api"](ENTRIES, (), ORIGIN).files


@pytest.fixture(scope="module")
def contract() -> OpenAPI:
    return OpenAPI.from_dict(json.loads(corpus.contract("mcp-registry-openapi.json").read_bytes()))


def ask(files: Mapping[str, bytes], path: str) -> bytes:
    """Answer as a web server does that decodes the address and looks for an index.json."""
    return files[f"{unquote(path).strip('/')}/index.json"]


def addresses() -> list[str]:
    versions = {"files": "1.4.2", "db": "2.0.1", "search": "1.0", "far": "1.0.0"}
    names = {name: quote(f"io.github.acme/{name}", safe="") for name in versions}
    return [
        "/v0.1/servers",
        *(f"/v0.1/servers/{name}/versions" for name in names.values()),
        *(f"/v0.1/servers/{names[name]}/versions/{version}" for name, version in versions.items()),
        *(f"/v0.1/servers/{name}/versions/latest" for name in names.values()),
    ]


@pytest.mark.parametrize("path", addresses())
def test_every_answer_is_as_the_registrys_contract_says(
    files: Mapping[str, bytes], contract: OpenAPI, path: str
) -> None:
    request = MockRequest(HOST, "get", path)

    contract.validate_response(request, MockResponse(ask(files, path)))


def test_every_server_is_a_server_json(files: Mapping[str, bytes]) -> None:
    schema = Draft7Validator(json.loads(corpus.contract("mcp-server.schema.json").read_bytes()))

    listed = json.loads(files["v0.1/servers/index.json"])["servers"]

    assert len(listed) == len(ENTRIES)
    assert [list(schema.iter_errors(each["server"])) for each in listed] == [[]] * len(ENTRIES)


def test_only_the_approved_version_is_there_under_both_names(files: Mapping[str, bytes]) -> None:
    folder = "v0.1/servers/io.github.acme/files/versions"

    assert [path for path in files if path.startswith(folder)] == [
        f"{folder}/index.json",
        f"{folder}/1.4.2/index.json",
        f"{folder}/latest/index.json",
    ]
    assert files[f"{folder}/1.4.2/index.json"] == files[f"{folder}/latest/index.json"]


def test_the_list_comes_last_so_that_it_names_only_what_is_there(files: Mapping[str, bytes]) -> None:
    assert list(files)[-1] == "v0.1/servers/index.json"
