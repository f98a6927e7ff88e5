"""Options that several commands share, and how they are explained."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

JobName = Literal[
    "fleet",
    "releases",
    "advisories",
    "health",
    "reviews",
    "mirror",
    "risks",
    "escalate",
    "siem",
    "checkpoints",
    "deliver",
    "digest",
    "weekly",
    "roots",
    "quarterly",
    "owners",
]
"""The runner's jobs, in order; here as well so that help needs no runner (a test holds the two together)."""

ConfigFile = Annotated[Path, Parameter(parse=False)]
Servers = Annotated[
    tuple[str, ...],
    Parameter(
        name="--server", help="Only this server, by its name in the registry; may be repeated.", show_default=False
    ),
]
Json = Annotated[bool, Parameter(help="Write JSON to stdout; everything else goes to stderr.", show_default=False)]
