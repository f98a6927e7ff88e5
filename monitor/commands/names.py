"""Names that people type, compared with those that are known."""

from collections.abc import Collection, Sequence
from difflib import get_close_matches

from monitor.domain.text import one_line
from monitor.ending import ExitCode, Stop


def refuse_unknown(names: Sequence[str], known: Collection[str], *, what: str = "server") -> None:
    """Raise `Stop` for the first name of which nothing is known, with the nearest one: nothing found of it would be an all-clear."""
    missing = next((name for name in names if name not in known), None)
    if missing is None:
        return
    near = get_close_matches(missing, known, n=1, cutoff=0.3)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise Stop(f"nothing is known of a {what} named {one_line(missing, 200)}{hint}", ExitCode.USAGE)
