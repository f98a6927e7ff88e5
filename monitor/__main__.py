"""The entry point of `mcp-monitor` and of `python -m monitor`."""

import sys

from monitor import cli


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(cli.main())


if __name__ == "__main__":
    main()
