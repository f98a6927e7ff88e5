"""`recertify list`, `recertify keep`, `recertify retire`: the quarterly question to each owner."""

from typing import Annotated

from cyclopts import App, Parameter

from monitor.cli.options import ConfigFile, Json

Quarter = Annotated[
    str, Parameter(help="Of which question, such as 2026Q4; the newest when left out.", show_default=False)
]


def show(*, config: ConfigFile, json: Json = False) -> int:
    """List who was asked about which servers, and who answered what.

    ```
    mcp-monitor recertify list
    mcp-monitor recertify list --json | jq -r '.[] | select(.standing == "expired") | .owner'
    ```
    """
    from monitor.commands.recertify import show as list_them

    return list_them(config, as_json=json)


def keep(first: str, /, *more: str, config: ConfigFile, quarter: Quarter = "") -> int:
    """Say that the servers are kept. Who says so is told by the account of this machine, looked up in [people].

    ```
    mcp-monitor recertify keep io.github.acme/files io.github.acme/fetch
    ```
    """
    from monitor.commands.recertify import answer
    from monitor.domain.recertification import Answer

    return answer(config, (first, *more), Answer.KEEP, quarter=quarter)


def retire(first: str, /, *more: str, config: ConfigFile, quarter: Quarter = "") -> int:
    """Say that the servers are not needed any more: their approval is taken out of the registry, where reviews.write says so.

    ```
    mcp-monitor recertify retire io.github.acme/old --quarter 2026Q4
    ```
    """
    from monitor.commands.recertify import answer
    from monitor.domain.recertification import Answer

    return answer(config, (first, *more), Answer.RETIRE, quarter=quarter)


recertify = App(name="recertify", help_epilogue="", help="Answer the quarterly question: which servers are kept?")
recertify.command(show, name="list")
recertify.command(keep)
recertify.command(retire)
