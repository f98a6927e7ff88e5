"""`doctor` and `migrate`: the installation itself."""

from monitor.cli.options import ConfigFile


def doctor(*, config: ConfigFile) -> int:
    """Check configuration, database, trust roots, sources, registry file, Slack and Jira, and say what to do.

    ```
    mcp-monitor doctor
    ```

    Exit codes: 0 nothing failed (warnings may remain), 1 something failed, 2 the configuration cannot be used.
    """
    from monitor.commands.doctor import examine_and_tell

    return examine_and_tell(config)


def migrate(*, config: ConfigFile) -> int:
    """Create the database, or bring it to this version's schema. Safe to repeat, and beside running processes.

    ```
    mcp-monitor migrate
    ```
    """
    from monitor.commands.migrate import migrate_store

    return migrate_store(config)
