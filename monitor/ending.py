"""How the program ends: exit codes, and the one exception by which a command ends early with a sentence for a person."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell, cron and systemd see."""

    QUIET = 0
    FINDINGS = 1
    """An open finding at or above the threshold; for other commands: what was asked for does not hold."""
    USAGE = 2
    """Wrong usage or configuration: options, the configuration file, a file that it names, the schema. Nothing was done."""
    UNCHECKED = 3
    """Something could not be checked: the database or a source is away. Wins over 1, because silence must be trusted."""
    INTERRUPTED = 130
    """Ctrl-C."""
    BROKEN_PIPE = 141
    """Whoever read the output closed it."""
    TERMINATED = 143
    """SIGTERM."""


class Stop(Exception):
    """End the command: the text goes to stderr."""

    def __init__(self, message: str, code: ExitCode) -> None:
        """Say why, with what a person can do about it."""
        super().__init__(message)
        self.code = code
