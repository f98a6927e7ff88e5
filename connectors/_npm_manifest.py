"""What a version's entry in npm's package document says that a reviewer asks about: install scripts, accounts, size.

https://docs.npmjs.com/cli/v11/using-npm/scripts: `preinstall`, `install` and `postinstall` run on the machine of whoever installs; a
`binding.gyp` without an own `install` is built by node-gyp then (`gypfile`). `prepare` does not run for a package from a registry.

It does not know what lies in the tarball: a manifest may differ from the one in there.
"""

from functools import lru_cache

import msgspec

from monitor.domain.release import Manifest
from monitor.domain.text import one_line

HOOKS = ("preinstall", "install", "postinstall")
MAX_SCRIPT = 200
MAX_NAME = 100
MAX_MAINTAINERS = 50
LARGEST = 2**53
"""Bytes. A larger number is no size."""


class _Dist(msgspec.Struct, rename="camel", gc=False):
    unpacked_size: int | None = None


class _Scripts(msgspec.Struct, gc=False):
    preinstall: str = ""
    install: str = ""
    postinstall: str = ""


class _Account(msgspec.Struct, gc=False):
    name: str = ""


class _Entry(msgspec.Struct, rename="camel"):
    scripts: _Scripts | None = None
    has_install_script: bool | None = None
    gypfile: bool | None = None
    maintainers: list[_Account] | None = None
    npm_user: _Account | None = msgspec.field(name="_npmUser", default=None)
    dist: _Dist = msgspec.field(default_factory=_Dist)


_ENTRY: msgspec.json.Decoder[_Entry] = msgspec.json.Decoder(_Entry)


def read(entry: msgspec.Raw) -> Manifest | None:
    """Read it; None where the part that tells of scripts, accounts or size is of another shape than npm's."""
    try:
        found = _ENTRY.decode(entry)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    size = found.dist.unpacked_size
    return Manifest(
        _hooks(found.scripts or _Scripts(), built=found.gypfile is True, told=found.has_install_script is True),
        tuple(
            sorted({_name(each.name[: MAX_NAME * 4]) for each in (found.maintainers or [])[:MAX_MAINTAINERS]} - {""})
        ),
        _name(found.npm_user.name[: MAX_NAME * 4]) if found.npm_user else "",
        size if size is not None and 0 <= size < LARGEST else None,
    )


def _hooks(scripts: _Scripts, *, built: bool, told: bool) -> tuple[str, ...]:
    own = {hook: getattr(scripts, hook) for hook in HOOKS}
    hooks = tuple(f"{hook}: {one_line(own[hook], MAX_SCRIPT)}" for hook in HOOKS if own[hook])
    if built and not own["install"]:
        hooks += ("install: node-gyp (binding.gyp)",)
    return hooks or (("an install script, which the manifest does not name",) if told else ())


@lru_cache(maxsize=2**12)
def _name(name: str) -> str:
    """The same few names stand in each of thousands of versions."""
    return one_line(name, MAX_NAME)
