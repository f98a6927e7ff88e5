"""`roots`: the files by which signatures are judged: which are in use, and newer ones."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from monitor import wiring
from monitor.app import App
from monitor.commands.opening import build_app, open_settings, open_verifier
from monitor.commands.output import note, show_json, show_table
from monitor.commands.table import Column
from monitor.domain.provenance import TrustRoot
from monitor.domain.unknown import Unknown
from monitor.ending import ExitCode, Stop
from monitor.settings import Settings


def show_roots(config: Path, *, as_json: bool) -> int:
    """List the trust roots in use; 1 when one is older than verification.warn_after."""
    settings = open_settings(config, only_store=True)
    roots, now = open_verifier(settings).roots(), wiring.utc_now()
    if as_json:
        show_json([_root_json(root, now) for root in roots])
    else:
        _show(roots, now)
    old = [root for root in roots if now - root.dated > settings.config.verification.warn_after]
    for root in old:
        note(f"{root.name} is older than verification.warn_after; mcp-monitor roots refresh fetches a newer one")
    return ExitCode.FINDINGS if old else ExitCode.QUIET


def refresh_roots(config: Path, *, to: Path | None, as_json: bool) -> int:
    """Fetch newer roots into the configured folder, or into that one, and list what is kept there."""
    settings = open_settings(config)
    app = build_app(_kept_in(to, settings) if to else settings, out=sys.stderr)
    found = asyncio.run(_refresh(app))
    if not found:
        raise Stop("nowhere to keep them: set verification.folder and verification.mirror, or use --to", ExitCode.USAGE)
    kept = [root for root in found.values() if isinstance(root, TrustRoot)]
    missed = dict.fromkeys(root for root in found.values() if isinstance(root, Unknown))
    if as_json:
        show_json([_root_json(root, app.clock()) for root in kept])
    elif kept:
        _show(kept, app.clock())
    if missed:
        raise Stop("\n".join(f"not refreshed: {each.detail}" for each in missed), ExitCode.UNCHECKED)
    return ExitCode.QUIET


def _kept_in(folder: Path, settings: Settings) -> Settings:
    section = settings.config.verification.model_copy(update={"folder": folder})
    return replace(settings, config=settings.config.model_copy(update={"verification": section}))


async def _refresh(app: App) -> Mapping[str, TrustRoot | Unknown]:
    async with app.edge.session():
        return await app.trust_roots.refresh()


def _show(roots: tuple[TrustRoot, ...] | list[TrustRoot], now: datetime) -> None:
    rows = [
        (each.name, f"{each.dated:%Y-%m-%d}", f"{(now - each.dated).days} days", each.origin, each.path)
        for each in roots
    ]
    show_table(
        [Column(name) for name in ("root", "of", "age", "origin", "file")], rows, empty="There are no trust roots."
    )


def _root_json(root: TrustRoot, now: datetime) -> dict[str, object]:
    return {
        "name": root.name,
        "dated": root.dated.isoformat(),
        "age_days": (now - root.dated).days,
        "origin": root.origin,
        "path": root.path,
    }
