"""`waive`, `acknowledge`, `waivers`: who answers for which finding, until when."""

from typing import Annotated

from cyclopts import App, Parameter

from monitor.cli.options import ConfigFile, Json

Named = Annotated[str, Parameter(help="The finding's id, or its beginning, as `findings` shows it.")]
Reason = Annotated[str, Parameter(help="Why: it stands wherever the finding is shown, and in the audit log.")]


def waive(
    finding: Named,
    /,
    *,
    config: ConfigFile,
    reason: Reason,
    until: Annotated[str, Parameter(help="The last day, or the time, of the waiver: at most 365 days from now.")],
) -> int:
    """Accept a finding for a while: nobody is told of it and nothing is asked, until it ends.

    ```
    mcp-monitor waive 3f9c2a1b --reason "fixed by the proxy, SEC-4711" --until 2027-01-31
    ```

    You are known by your account on this machine, which has to stand in [people].
    """
    from monitor.commands.waivers import waive_one

    return waive_one(config, finding, reason=reason, until=until)


def acknowledge(
    finding: Named,
    /,
    *,
    config: ConfigFile,
    reason: Reason,
    for_: Annotated[str, Parameter(name="--for", help="For how long: 30m, 4h, 2d; at most 30 days.")] = "4h",
) -> int:
    """Say that you work on a finding: nobody else is reminded of it for so long. It stays open and counts.

    ```
    mcp-monitor acknowledge 3f9c2a1b --reason "rotating the keys" --for 4h
    ```

    You are known by your account on this machine, which has to stand in [people].
    """
    from monitor.commands.waivers import acknowledge_one

    return acknowledge_one(config, finding, reason=reason, length=for_)


def listed(
    *,
    config: ConfigFile,
    all: Annotated[bool, Parameter(help="Those that have ended or were undone, too.", show_default=False)] = False,  # noqa: A002 the option's name
    json: Json = False,
) -> int:
    """List the waivers and acknowledgements that hold, those of the configuration, too.

    ```
    mcp-monitor waivers
    mcp-monitor waivers --all --json
    ```
    """
    from monitor.commands.waivers import show_waivers

    return show_waivers(config, ended=all, as_json=json)


def undo(
    waiver: Annotated[str, Parameter(help="The waiver's id, or its beginning, as `waivers` shows it.")],
    /,
    *,
    config: ConfigFile,
) -> int:
    """Let a waiver or an acknowledgement hold no more.

    ```
    mcp-monitor waivers undo 9b1c44d0
    ```
    """
    from monitor.commands.waivers import undo_one

    return undo_one(config, waiver)


waivers = App(name="waivers", help_epilogue="", help=listed.__doc__)
waivers.default(listed)
waivers.command(undo)
