"""The command line: names, options and help. What a command does is in `commands`, imported when it runs and not before."""

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Group, Parameter

from monitor.about import installed_version
from monitor.domain.text import one_line
from monitor.ending import ExitCode, Stop

JobName = Literal["fleet", "releases", "advisories", "health", "deliver", "digest", "roots"]
"""The runner's jobs, in order; here as well so that help needs no runner (a test holds the two together)."""

ConfigFile = Annotated[Path, Parameter(parse=False)]
Servers = Annotated[
    tuple[str, ...],
    Parameter(
        name="--server", help="Only this server, by its name in the registry; may be repeated.", show_default=False
    ),
]
Json = Annotated[bool, Parameter(help="Write JSON to stdout; everything else goes to stderr.", show_default=False)]

app = App(
    name="mcp-monitor",
    help="""Watch the MCP servers that you approved, and re-open the approval when the world changes.

    ```
    mcp-monitor migrate                    # once, and after each upgrade
    mcp-monitor doctor                     # is everything configured and reachable?
    mcp-monitor run                        # one full check: the cron one-shot
    mcp-monitor run advisories --json      # one job, for a machine to read
    mcp-monitor serve                      # all jobs by their schedule, with /healthz, /readyz, /metrics
    mcp-monitor findings --server io.github.acme/files
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
audit = App(name="audit", help="Prove that the audit log is whole, and hand it out.")
app.command(audit)
roots = App(name="roots", help="The files by which signatures are judged.")
app.command(roots)


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


@app.command
def run(*jobs: JobName, config: ConfigFile, server: Servers = (), json: Json = False) -> int:
    """Run the jobs once, and show what was found. Without names: a full check (fleet, releases, health, deliver).

    - fleet: reads the inventories and compares what is deployed with what is approved
    - releases: looks at every server's package and repository, verifies what is new, asks for advisories
    - advisories: asks for advisories alone
    - health: looks at the monitor itself
    - deliver: sends the tickets and messages that wait
    - digest: one message about everything that needed no decision and woke nobody
    - roots: fetches newer trust roots into verification.folder

    ```
    mcp-monitor run
    mcp-monitor run releases --server io.github.acme/files   # due or not
    mcp-monitor run --json | jq '.findings[].rule'
    ```

    Exit codes: 0 quiet, 1 findings at or above policy.exit_at, 2 wrong usage or configuration, 3 something could not be checked
    (wins over 1).
    """
    from monitor.commands.run import run_once

    return run_once(config, jobs, servers=server, as_json=json)


@app.command
def serve(*, config: ConfigFile) -> int:
    """Run all jobs by the cron expressions of [schedule] until SIGTERM or Ctrl-C, and answer /healthz, /readyz and /metrics.

    ```
    mcp-monitor serve --config /etc/mcp-monitor/config.toml
    ```

    A stop takes no new work and waits schedule.drain for the work in hand; what is not done by then is given back.
    """
    from monitor.commands.serve import serve_until_stopped

    return serve_until_stopped(config)


@app.command
def servers(*, config: ConfigFile, json: Json = False) -> int:
    """List the approved servers as the registry file has them, with their open findings.

    ```
    mcp-monitor servers
    mcp-monitor servers --json | jq -r '.[] | select(.approved == null) | .name'
    ```
    """
    from monitor.commands.show import show_servers

    return show_servers(config, as_json=json)


@app.command
def findings(
    *,
    config: ConfigFile,
    server: Servers = (),
    all: Annotated[bool, Parameter(help="Resolved ones, too.", show_default=False)] = False,  # noqa: A002 the option's name
    json: Json = False,
) -> int:
    """List the open findings, worst first.

    ```
    mcp-monitor findings
    mcp-monitor findings --server io.github.acme/files --all
    mcp-monitor findings --json | jq -r '.[] | [.severity, .server, .summary] | @tsv'
    ```
    """
    from monitor.commands.show import show_findings

    return show_findings(config, servers=server, resolved=all, as_json=json)


@app.command
def deployments(*, config: ConfigFile, json: Json = False) -> int:
    """List what is deployed where, as last seen.

    ```
    mcp-monitor deployments
    mcp-monitor deployments --json | jq -r '.[] | select(.version == null) | .location'     # what floats
    ```
    """
    from monitor.commands.show import show_deployments

    return show_deployments(config, as_json=json)


@audit.command(name="verify")
def audit_verify(
    *,
    config: ConfigFile,
    checkpoint: Annotated[
        Path | None, Parameter(help="A file that `audit checkpoint` wrote; finds truncation, too.")
    ] = None,
) -> int:
    """Walk the hash chain: an edit or a deletion shows; that the newest events were cut off, only against a checkpoint.

    ```
    mcp-monitor audit verify
    mcp-monitor audit verify --checkpoint /mnt/worm/2026-11-24.json
    ```

    Exit codes: 0 the chain is whole, 1 it is not.
    """
    from monitor.commands.audit import verify

    return verify(config, checkpoint)


@audit.command(name="export")
def audit_export(
    *, config: ConfigFile, output: Annotated[Path | None, Parameter(help="A file; without it stdout.")] = None
) -> int:
    """Write the log as JSON lines, each with its number and hash.

    ```
    mcp-monitor audit export --output audit.jsonl
    mcp-monitor audit export | jq 'select(.event.verb == "finding.opened")'
    ```
    """
    from monitor.commands.audit import export

    return export(config, output)


@audit.command(name="checkpoint")
def audit_checkpoint(
    *, config: ConfigFile, output: Annotated[Path | None, Parameter(help="A file; without it stdout.")] = None
) -> int:
    """Write the head of the chain, to be kept where nobody who can write the database can write.

    ```
    mcp-monitor audit checkpoint --output /mnt/worm/$(date +%F).json
    ```
    """
    from monitor.commands.audit import checkpoint

    return checkpoint(config, output)


@roots.command(name="show")
def roots_show(*, config: ConfigFile, json: Json = False) -> int:
    """List the trust roots in use: their day, and whether they are configured, refreshed or came with the program.

    ```
    mcp-monitor roots show
    ```

    Exit codes: 0 all are young enough, 1 one is older than verification.warn_after.
    """
    from monitor.commands.roots import show_roots

    return show_roots(config, as_json=json)


@roots.command(name="refresh")
def roots_refresh(
    *,
    config: ConfigFile,
    to: Annotated[Path | None, Parameter(help="A folder in place of verification.folder.")] = None,
    json: Json = False,
) -> int:
    """Fetch the trust roots that are current, by TUF, into verification.folder; the verifier uses them when they are younger.

    ```
    mcp-monitor roots refresh
    mcp-monitor roots refresh --to /srv/roots     # for a machine without a network: copy the files, name them in [verification]
    ```

    Exit codes: 0 all are current, 2 no folder is named or others can write into it, 3 one could not be had; what was there stays.
    """
    from monitor.commands.roots import refresh_roots

    return refresh_roots(config, to=to, as_json=json)


@app.command
def verify(
    what: Annotated[str, Parameter(help="A package URL with its version, a file, or with --recorded a server.")],
    version: Annotated[str, Parameter(help="With --recorded only.", show_default=False)] = "",
    /,
    *,
    config: ConfigFile,
    recorded: Annotated[
        bool, Parameter(help="Decide again what is kept, without a network.", show_default=False)
    ] = False,
    bundle: Annotated[Path | None, Parameter(help="What lies beside the file and vouches for it.")] = None,
    purl: Annotated[
        str, Parameter(help="Demand that the file be of this version: pkg:npm/name@1.2.3.", show_default=False)
    ] = "",
    repository: Annotated[
        str, Parameter(help="Demand this builder: owner/name at GitHub, or an address.", show_default=False)
    ] = "",
    workflow: Annotated[str, Parameter(help="Demand this workflow: release.yml.", show_default=False)] = "",
    json: Json = False,
) -> int:
    """Tell whether a version, or a file, is what its publisher built, in words for a reviewer. Nothing is kept.

    ```
    # ask the sources now, and compare with what was approved
    mcp-monitor verify pkg:npm/%40acme/files-mcp@1.4.3
    mcp-monitor verify pkg:pypi/acme-fetch-mcp@2.0.1 --json | jq .sentence
    # a file with what lies beside it; the builder is demanded
    mcp-monitor verify forge.tgz --bundle forge.sigstore.json --repository acme/forge
    # decide again what was recorded, offline, under the roots of then
    mcp-monitor verify --recorded io.github.acme/files-mcp 1.4.3
    ```

    A file is hashed and never opened otherwise. What vouches for it is a sigstore bundle, JSON lines of bundles, a PyPI provenance
    object, or a list of attestations as npm or GitHub serve it: the form is told by its shape.

    Exit codes: 0 it holds, 1 it does not (forged, lost, by another publisher, or demanded and absent; a recorded verdict that differs when
    it is decided again), 2 wrong usage, 3 it could not be told or had. Here 1 wins over 3: one claim that fails decides. Somebody has to
    vouch for every file, unless the registry's entry for the package demands less.
    """
    from monitor.commands.verify import Asked
    from monitor.commands.verify import verify as answer

    asked = Asked(what, version, recorded, bundle, purl, repository, workflow, as_json=json)
    return answer(config, asked)


@app.command
def doctor(*, config: ConfigFile) -> int:
    """Check configuration, database, trust roots, sources, registry file, Slack and Jira, and say what to do.

    ```
    mcp-monitor doctor
    ```

    Exit codes: 0 nothing failed (warnings may remain), 1 something failed, 2 the configuration cannot be used.
    """
    from monitor.commands.doctor import examine_and_tell

    return examine_and_tell(config)


@app.command
def migrate(*, config: ConfigFile) -> int:
    """Create the database, or bring it to this version's schema. Safe to repeat, and beside running processes.

    ```
    mcp-monitor migrate
    ```
    """
    from monitor.commands.migrate import migrate_store

    return migrate_store(config)


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
