"""A process that runs the program in children, and lets each be killed at a point that the test chooses.

A child is forked from a process that has everything imported, so that hundreds cost what a handful would. It kills itself (SIGKILL: nothing
of it runs any more) just before, or just after, its n-th commit; at requests the test, which serves them, kills it.

    stdin:  {"jobs": [...], "now": "2026-11-24T12:00:00+00:00", "moment": "before" | "after" | "", "at": 7}
    stdout: {"pid": 4711}  and then  {"killed": true, "code": 0, "output": "…"}
"""

import asyncio
import io
import json
import os
import signal
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import Pool

from monitor import log, wiring
from monitor.runner import run
from monitor.settings import load


def serve(config: Path) -> None:
    """Answer each line with a child's life."""
    for line in sys.stdin:
        order = json.loads(line)
        with tempfile.TemporaryFile("w+") as output:
            pid = os.fork()
            if pid == 0:
                live(config, order, output)
            print(json.dumps({"pid": pid}), flush=True)  # noqa: T201 the answer
            _, status = os.waitpid(pid, 0)
            output.seek(0)
            said = output.read()[-4000:]
        killed = os.WIFSIGNALED(status)
        code = os.WTERMSIG(status) if killed else os.WEXITSTATUS(status)
        print(json.dumps({"killed": killed, "code": code, "output": said}), flush=True)  # noqa: T201 as above


def live(config: Path, order: dict[str, object], output: io.TextIOBase) -> None:
    """Be the program, once."""
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    code = 70
    try:
        die_at(str(order["moment"]), int(str(order["at"])))
        now = datetime.fromisoformat(str(order["now"]))
        settings = load(config, os.environ)
        log.configure(format="json", level="error", secrets=[])
        app = wiring.build(settings, out=sys.stdout, environ=os.environ, home=config.parent, clock=lambda: now)
        code = asyncio.run(run(app, tuple(map(str, order["jobs"])))).exit_code  # type: ignore[call-overload]  # the test's own list
    except BaseException as error:  # noqa: BLE001 whatever it was, the test is to see it
        print(repr(error))  # noqa: T201 as above
    finally:
        sys.stdout.flush()
        os._exit(code)


def die_at(moment: str, at: int) -> None:
    """Count the commits of this process, and end it at the n-th."""
    seen = 0

    def committing(connection: object) -> None:
        nonlocal seen
        del connection
        seen += 1
        if moment == "before" and seen == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def given_back(connection: object, record: object) -> None:
        del connection, record
        if moment == "after" and seen == at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "commit", committing)
    event.listen(Pool, "checkin", given_back)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
