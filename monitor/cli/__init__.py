"""The command line: names, options and help; `program` puts it together. What a command does is in `monitor.commands`.

That is imported when the command runs and not before, so that help and errors answer at once.
"""

from monitor.cli.program import main

__all__ = ["main"]
