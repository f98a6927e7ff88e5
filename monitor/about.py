"""What the program says of itself."""

from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """Return the installed version; "0" where the package runs from a folder without having been installed."""
    try:
        return version("mcp-monitor")
    except PackageNotFoundError:
        return "0"
