import json
from pathlib import PurePosixPath
from typing import TypedDict

from connectors._config_locations import LOCATIONS, SYSTEM, client_of, project_of
from tests import corpus


class Client(TypedDict):
    """An entry of the table of the clients' places."""

    id: str
    paths: dict[str, str]


NOT_READ = {"warp", "jetbrains-ai"}
"""One keeps its servers in a database of its own, the format of the other one's XML is not known."""

HOMES = {"~/": "", "%APPDATA%/": "AppData/Roaming/", "%USERPROFILE%/": ""}
SYSTEMS = {"/": "", "%ProgramFiles%/": "Program Files/", "%ProgramData%/": "ProgramData/"}


def of_the_table() -> list[Client]:
    clients: list[Client] = json.loads(corpus.contract("client-config-locations.json").read_text("utf-8"))["clients"]
    return clients


def known(client: Client, path: str) -> bool:
    """Whether a place of the table is read, or recognised where it lies in a project, as that client's."""
    for roots, locations in ((HOMES, LOCATIONS), (SYSTEMS, SYSTEM)):
        for root, below in roots.items():
            if path.startswith(root):
                place = below + path.removeprefix(root)
                return any(place in places and client["id"].startswith(name) for name, places in locations)
    return client["id"].startswith(client_of(PurePosixPath(path.replace("<project>", "/srv/app"))))


def test_every_place_of_every_client_of_the_table_is_known() -> None:
    table = of_the_table()

    missing = [
        (client["id"], path)
        for client in table
        if client["id"] not in NOT_READ
        for path in client["paths"].values()
        if not known(client, path)
    ]

    assert len(table) == 35
    assert missing == []


def test_a_project_is_known_by_the_place_of_its_configuration() -> None:
    places = ["/srv/app/.vscode/mcp.json", "/srv/app/.mcp.json", "/srv/app/.kiro/settings/mcp.json"]

    assert {str(project_of(PurePosixPath(place))) for place in places} == {"/srv/app"}
    assert project_of(PurePosixPath("/srv/app/servers.json")) is None
