"""Who calls: the operating system's account, looked up among the organisation's people."""

import os
import pwd
from hashlib import sha256
from pathlib import Path

from monitor import wiring
from monitor.config import Config
from monitor.domain.people import Person
from monitor.domain.text import one_line
from monitor.ending import ExitCode, Stop


def caller(config: Config) -> Person:
    """Return the person who called the program. Raises `Stop` where [people] does not know the account.

    The real user counts, not an environment variable, which anybody can set, and not the effective user.
    """
    account = account_name()
    person = wiring.policy(config).people.known("account", account)
    if person is None:
        raise Stop(
            f"nobody in [people] has the account {one_line(account, 80)!r}, by which you are called here; "
            f'whoever keeps the configuration adds account = "{one_line(account, 80)}" to your section [people.NAME]',
            ExitCode.USAGE,
        )
    return person


def where_said(config: Path) -> str:
    """Return how a word at the keyboard is audited: the account, the machine, and which configuration said who that is."""
    try:
        digest = sha256(config.read_bytes()).hexdigest()[:12]
    except OSError:
        digest = "not readable"
    return f"command line, account {account_name()} on {wiring.host_name()}, configuration {digest}"


def account_name() -> str:
    """Return the operating system's name for the user of this process; the number where it has none."""
    user = os.getuid()
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
