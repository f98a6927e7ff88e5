"""`run` and `serve`: the jobs, once or by their schedule."""

from monitor.cli.options import ConfigFile, JobName, Json, Servers


def run(*jobs: JobName, config: ConfigFile, server: Servers = (), json: Json = False) -> int:
    """Run the jobs once, and show what was found. Without names: a full check, the jobs marked with *.

    - reviews*: reads what people decided in tickets and proposed changes
    - fleet*: reads the inventories, compares what is deployed with what is approved, asks about malware in what is on no list
    - mirror*: brings the local copy of the advisories up to date, where one is configured
    - risks*: reads which known flaws are used (KEV), and which probably will be (EPSS)
    - releases*: looks at every server's package and repository, verifies what is new, asks for advisories
    - advisories: asks for advisories alone
    - health*: looks at the monitor itself
    - escalate*: says again what somebody was paged for and nobody answered
    - siem*: hands what happened over to [[siem]]
    - deliver*: sends the tickets and messages that wait, and writes what was approved
    - checkpoints: signs the head of the audit log, where [audit] names a key
    - quarterly: asks each owner which of their servers they keep; owners: reads what they answered
    - digest: one message about everything that needed no decision and woke nobody; weekly: the week in one message
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


def serve(*, config: ConfigFile) -> int:
    """Run all jobs by the cron expressions of [schedule] until SIGTERM or Ctrl-C, and answer /healthz, /readyz and /metrics.

    ```
    mcp-monitor serve --config /etc/mcp-monitor/config.toml
    ```

    A stop takes no new work and waits schedule.drain for the work in hand; what is not done by then is given back.
    """
    from monitor.commands.serve import serve_until_stopped

    return serve_until_stopped(config)
