"""What a version's entry in npm's package document says that a reviewer asks about: install scripts, accounts, size.

https://docs.npmjs.com/cli/v11/using-npm/scripts: `preinstall`, `install` and `postinstall` run on the machine of whoever installs; a
`binding.gyp` without an own `install` is built by node-gyp then (`gypfile`). `prepare` does not run for a package from a registry.

It does not know what lies in the tarball: a manifest may differ from the one in there.
"""

from sys import intern

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
    unpacked_size: msgspec.Raw = msgspec.Raw(b"null")


class _Entry(msgspec.Struct, rename="camel"):
    scripts: msgspec.Raw = msgspec.Raw(b"null")
    has_install_script: msgspec.Raw = msgspec.Raw(b"null")
    gypfile: msgspec.Raw = msgspec.Raw(b"null")
    maintainers: msgspec.Raw = msgspec.Raw(b"null")
    npm_user: msgspec.Raw = msgspec.field(name="_npmUser", default=msgspec.Raw(b"null"))
    dist: _Dist = msgspec.field(default_factory=_Dist)


class _Scripts(msgspec.Struct):
    preinstall: str = ""
    install: str = ""
    postinstall: str = ""


class _Account(msgspec.Struct, gc=False):
    name: str = ""


_ENTRY: msgspec.json.Decoder[_Entry] = msgspec.json.Decoder(_Entry)
_SCRIPTS: msgspec.json.Decoder[_Scripts | None] = msgspec.json.Decoder(_Scripts | None)
_ACCOUNT: msgspec.json.Decoder[_Account | None] = msgspec.json.Decoder(_Account | None)
_ACCOUNTS: msgspec.json.Decoder[list[_Account] | None] = msgspec.json.Decoder(list[_Account] | None)
_SIZE: msgspec.json.Decoder[int | None] = msgspec.json.Decoder(int | None)
YES = b"true"


def read(entry: msgspec.Raw) -> Manifest | None:
    """Read what can be read; None where the part that tells of scripts, accounts or size is of another shape than npm's."""
    try:
        found = _ENTRY.decode(entry)
        scripts = _SCRIPTS.decode(found.scripts) or _Scripts()
        size = _SIZE.decode(found.dist.unpacked_size)
        accounts = _ACCOUNTS.decode(found.maintainers) or []
        user = _ACCOUNT.decode(found.npm_user) or _Account()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return Manifest(
        _hooks(scripts, built=bytes(found.gypfile) == YES, told=bytes(found.has_install_script) == YES),
        tuple(sorted({_name(each) for each in accounts[:MAX_MAINTAINERS]} - {""})),
        _name(user),
        size if size is not None and 0 <= size < LARGEST else None,
    )


def _hooks(scripts: _Scripts, *, built: bool, told: bool) -> tuple[str, ...]:
    own = {hook: getattr(scripts, hook) for hook in HOOKS}
    hooks = tuple(f"{hook}: {one_line(own[hook], MAX_SCRIPT)}" for hook in HOOKS if own[hook])
    if built and not own["install"]:
        hooks += ("install: node-gyp (binding.gyp)",)
    return hooks or (("an install script, which the manifest does not name",) if told else ())


def _name(account: _Account) -> str:
    """The same few names stand in each of thousands of versions."""
    return intern(one_line(account.name, MAX_NAME))
