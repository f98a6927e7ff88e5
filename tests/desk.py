"""A person at the keyboard: runs the program in the test's process, on a company's configuration, and reads what it printed."""

import asyncio
import json
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitor import cli
from tests.company import Company
from tests.world import World


@dataclass(frozen=True)
class Printed:
    """What one run of the program printed."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, object]:
        """Read stdout, which has to be one JSON document."""
        read = json.loads(self.out)
        assert isinstance(read, dict)
        return read


@dataclass
class Desk:
    """A person at the keyboard."""

    company: Company
    capsys: pytest.CaptureFixture[str]

    @property
    def world(self) -> World:
        """The outside."""
        return self.company.world

    @property
    def folder(self) -> Path:
        """Where the installation is."""
        return self.company.folder

    def __call__(self, *arguments: str) -> Printed:
        """Run one command in this process."""
        self.capsys.readouterr()
        code = cli.main([*arguments, "--config", str(self.company.config)])
        out, err = self.capsys.readouterr()
        return Printed(code, out, err)

    def check(self) -> None:
        """Let the program look once, as cron would."""
        asyncio.run(self.company.run(("releases",)))

    def tamper(self, statement: str) -> None:
        """Be somebody who can write the database behind the program's back, its guards included."""
        database = sqlite3.connect(self.folder / "monitor.db")
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute(statement)
        database.commit()
        database.close()

    def trust(self, name: str, content: bytes) -> None:
        """Let the configuration name another file for the public-good root."""
        path = self.file(name, content)
        config = self.company.config.read_text("utf-8")
        before = re.search(r'public_good_root = ".*"', config)
        assert before
        self.company.config.write_text(config.replace(before.group(), f'public_good_root = "{path}"'), "utf-8")

    def file(self, name: str, content: bytes) -> str:
        """Write a file; return its path."""
        path = self.folder / name
        path.write_bytes(content)
        return str(path)
