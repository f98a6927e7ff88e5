"""The program: all commands, the options that every command has, and how each run ends."""

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Group, Parameter

from monitor.about import installed_version
from monitor.cli.advisories import advisories, exposure
from monitor.cli.audit import audit
from monitor.cli.connections import connections
from monitor.cli.drift import deployments, drift
from monitor.cli.evidence import evidence
from monitor.cli.export import export
from monitor.cli.init import init
from monitor.cli.installation import doctor, migrate
from monitor.cli.jobs import run, serve
from monitor.cli.kept import findings, servers
from monitor.cli.listen import listen
from monitor.cli.recertify import recertify
from monitor.cli.review import review
from monitor.cli.roots import roots
from monitor.cli.scan import scan
from monitor.cli.submit import retire, submissions, submit
from monitor.cli.verify import verify
from monitor.cli.waivers import acknowledge, waive, waivers
from monitor.domain.text import one_line
from monitor.ending import ExitCode, Stop

COMMANDS = (
    init,
    run,
    serve,
    listen,
    servers,
    findings,
    waive,
    acknowledge,
    waivers,
    deployments,
    connections,
    drift,
    scan,
    submit,
    submissions,
    retire,
    advisories,
    exposure,
    export,
    review,
    evidence,
    audit,
    recertify,
    roots,
    verify,
    doctor,
    migrate,
)
"""This list is the only register: a function's name is the command, its docstring the help; an `App` has commands of its own."""

app = App(
    name="mcp-monitor",
    help="""Watch the MCP servers that you approved, and re-open the approval when the world changes.

    ```
    mcp-monitor init                       # a registry file proposed from what runs here
    mcp-monitor migrate                    # once, and after each upgrade
    mcp-monitor doctor                     # is everything configured and reachable?
    mcp-monitor run                        # one full check: the cron one-shot
    mcp-monitor run advisories --json      # one job, for a machine to read
    mcp-monitor serve                      # all jobs by their schedule, with /healthz, /readyz, /metrics
    mcp-monitor findings --server io.github.acme/files
    mcp-monitor exposure GHSA-3q8p-7wr3-m4vx   # who had it, where, when, by which path
    mcp-monitor verify pkg:npm/%40acme/files-mcp@1.4.3
    ```
    """,
    help_epilogue="""Exit codes: 0 quiet, 1 findings at or above policy.exit_at, 2 wrong usage or configuration, 3 something could not be
    checked (wins over 1), 130 Ctrl-C, 143 SIGTERM. Documentation: docs/ of the project.""",
    help_format="markdown",
    version=installed_version,
    default_parameter=Parameter(negative=()),
)
app.meta.group_parameters = Group("Options for all commands", sort_key=9)
for each in COMMANDS:
    # Each says its own exit codes; what stands below the program's help is about `run`.
    app.command(each, **({} if isinstance(each, App) else {"help_epilogue": ""}))


@app.meta.default
def _with_config(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    config: Annotated[Path, Parameter(env_var="MCP_MONITOR_CONFIG", help="The configuration file.")] = Path(
        "config.toml"
    ),
) -> int:
    command, bound, ignored = app.parse_args(tokens, exit_on_error=False, print_error=False)
    given = {"config": config} if "config" in ignored else {}
    result = command(*bound.args, **bound.kwargs, **given)
    return result if isinstance(result, int) else ExitCode.QUIET


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code. Every ending is one of `ExitCode` and, where it is not quiet, a line on stderr."""
    try:
        code = app.meta(
            sys.argv[1:] if arguments is None else list(arguments),
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 uncaught, exit code 1 would mean findings
        return _ending(error)
    return code if isinstance(code, int) else ExitCode.QUIET


def _ending(error: BaseException) -> int:
    match error:
        case CycloptsError():
            return _complain(f"{one_line(str(error), 500)}\nTry: mcp-monitor --help", ExitCode.USAGE)
        case Stop():
            return _complain(str(error), error.code)
        case KeyboardInterrupt():
            return _complain("interrupted", ExitCode.INTERRUPTED)
        case BrokenPipeError():
            # The interpreter flushes stdout once more at exit; the broken pipe must not be there any more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return ExitCode.BROKEN_PIPE
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return _complain(f"{where}{error.strerror or error}", ExitCode.UNCHECKED)
        case _:
            traceback.print_exception(error)
            return _complain("a fault of the program: nothing is known to be all right", ExitCode.UNCHECKED)


def _complain(text: str, code: ExitCode) -> int:
    for line in text.splitlines():
        print(f"mcp-monitor: {line}", file=sys.stderr)  # noqa: T201 the program's own voice
    return code
