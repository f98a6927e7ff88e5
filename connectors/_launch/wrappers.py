"""What stands before the real command: shells, `env`, `sudo`, timers, tool managers, secret injectors."""

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from connectors._launch.launch import LAUNCHERS, Launch, local, option_names, program, unknown, words

ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)=.*", re.DOTALL)
SHELLS = option_names("sh bash zsh dash ksh ash fish busybox")
POWERSHELLS = option_names("powershell pwsh")

QUIET = option_names(
    "cd export set source . echo sleep mkdir test [ true : ulimit umask trap nvm unset pushd alias printf which command_not_found"
)
"""Commands of a shell line that prepare and start no server."""

MAX_LINE = 16384

PREFIXES: dict[str, frozenset[str]] = {
    "sudo": option_names("-u -g -h -p -C -r -t -U -D -R --user --group --chdir"),
    "doas": option_names("-u -C"),
    "nice": option_names("-n --adjustment"),
    "ionice": option_names("-c -n -p"),
    "stdbuf": option_names("-i -o -e"),
    "nohup": frozenset(),
    "setsid": frozenset(),
    "time": option_names("-f -o"),
    "command": frozenset(),
    "exec": option_names("-a"),
    "caffeinate": option_names("-t -w"),
    "unbuffer": frozenset(),
    "arch": frozenset(),
    "wsl": option_names("-d --distribution -u --user --cd --shell-type"),
    "xvfb-run": option_names("-s -n -e -f -p --server-args --server-num"),
}
"""Program -> its options with a value; the first positional is the command."""

RUNS: dict[str, tuple[frozenset[str], frozenset[str], int]] = {
    "mise": (option_names("exec x"), option_names("-C --cd -j --jobs -c --command"), -1),
    "asdf": (frozenset({"exec"}), frozenset(), 0),
    "volta": (frozenset({"run"}), option_names("--node --npm --yarn --pnpm --env"), 0),
    "fnm": (frozenset({"exec"}), option_names("--using --version-file-strategy"), 0),
    "nvm": (frozenset({"exec"}), frozenset(), 1),
    "direnv": (frozenset({"exec"}), frozenset(), 1),
    "op": (frozenset({"run"}), option_names("--env-file --account"), 0),
    "doppler": (frozenset({"run"}), option_names("-p --project -c --config -t --token"), 0),
    "dotenvx": (frozenset({"run"}), option_names("-f --env-file -fk --env-keys-file -e --env"), 0),
    "infisical": (frozenset({"run"}), option_names("--env --projectId --path --token"), 0),
    "aws-vault": (frozenset({"exec"}), option_names("-d --duration --region"), 1),
    "chamber": (frozenset({"exec"}), frozenset(), -1),
    "conda": (frozenset({"run"}), option_names("-n --name -p --prefix --cwd"), 0),
    "mamba": (frozenset({"run"}), option_names("-n --name -p --prefix --cwd"), 0),
    "micromamba": (frozenset({"run"}), option_names("-n --name -p --prefix --cwd"), 0),
}
"""Program -> its subcommands that run something, their options with a value, how many positionals come before the command (-1: any
number, up to `--`)."""


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The command one layer further in, and the names of the environment variables that the layer sets."""

    argv: tuple[str, ...]
    variables: tuple[str, ...] = ()
    note: str = ""


def unwrap(argv: Sequence[str]) -> Unwrapped | Launch | None:
    """Take one layer off; a Launch where it hides what it runs, None where there is no layer."""
    layer = LAYERS.get(program(argv[0]))
    return layer(argv[1:]) if layer else None


def _prefix(valued: frozenset[str], arguments: Sequence[str]) -> Unwrapped | Launch:
    return _command(words(arguments, valued.__contains__).rest)


def _timeout(arguments: Sequence[str]) -> Unwrapped | Launch:
    read = words(arguments, option_names("-s --signal -k --kill-after").__contains__)
    return _command(read.rest[1:])


def _command(argv: Sequence[str], variables: Sequence[str] = ()) -> Unwrapped | Launch:
    """Take assignments off the front."""
    names = list(variables)
    at = 0
    while at < len(argv) and (read := ASSIGNMENT.fullmatch(argv[at])):
        names.append(read["name"])
        at += 1
    return Unwrapped(tuple(argv[at:]), tuple(names)) if at < len(argv) else unknown("runs nothing")


def _env(arguments: Sequence[str]) -> Unwrapped | Launch:
    read = words(arguments, option_names("-u --unset -C --chdir -S --split-string").__contains__)
    lines = read.values("-S", "--split-string")
    try:
        return _command([*(word for line in lines for word in shlex.split(line[:MAX_LINE])), *read.rest])
    except ValueError:
        return unknown("a line that no shell reads")


def _cmd(arguments: Sequence[str]) -> Unwrapped | Launch:
    """`cmd /d /s /c npx …`: the rest is the line, in one word or many."""
    for at, word in enumerate(arguments):
        if re.fullmatch(r"/[ck]", word, re.IGNORECASE):
            rest = arguments[at + 1 :]
            return _line(rest[0], windows=True) if len(rest) == 1 else _command(rest)
        if not word.startswith("/"):
            break
    return unknown("runs nothing")


def _powershell(arguments: Sequence[str]) -> Unwrapped | Launch:
    valued = {
        "-executionpolicy",
        "-ep",
        "-version",
        "-inputformat",
        "-outputformat",
        "-workingdirectory",
        "-windowstyle",
    }
    at = 0
    while at < len(arguments):
        word = arguments[at].lower()
        if word in {"-command", "-c"}:
            return _line(" ".join(arguments[at + 1 :]), windows=True)
        if word in {"-file", "-f"}:
            return local("a script file")
        if word.startswith("-e") and word not in valued:
            return unknown("an encoded command")
        if not word.startswith("-"):
            return _line(" ".join(arguments[at:]), windows=True)
        at += 2 if word in valued else 1
    return unknown("runs nothing")


def _shell(arguments: Sequence[str]) -> Unwrapped | Launch:
    for at, word in enumerate(arguments):
        if re.fullmatch(r"-[a-z]*c[a-z]*", word):
            return _line(arguments[at + 1]) if arguments[at + 1 :] else unknown("runs nothing")
        if not word.startswith(("-", "+")):
            return local("a script file")
    return unknown("runs nothing")


def _run(name: str, arguments: Sequence[str]) -> Unwrapped | Launch:
    subcommands, valued, before = RUNS[name]
    read = words(arguments, lambda _: False)
    if not read.rest or read.rest[0] not in subcommands:
        return local()
    rest = read.rest[1:]
    if "--" in rest:
        return _command(rest[rest.index("--") + 1 :])
    positional = words(rest, valued.__contains__).rest
    return _command(positional[before:]) if before >= 0 else unknown("runs nothing that is named")


def _line(line: str, *, windows: bool = False) -> Unwrapped | Launch:
    """Read a shell line: of its simple commands the one that starts a server, if it can be told."""
    if len(line) > MAX_LINE:
        return unknown("a line of that length is not read")
    try:
        commands = _commands(line, windows=windows)
    except ValueError:
        return unknown("a line that no shell reads")
    starting = [read for read in (_command(command) for command in commands) if isinstance(read, Unwrapped)]
    starting = [read for read in starting if program(read.argv[0]) not in QUIET]
    packages = [read for read in starting if program(read.argv[0]) in LAUNCHERS]
    if not starting:
        return unknown("runs nothing that is named")
    found = (packages or starting)[0]
    return (
        found
        if len(starting) == 1
        else Unwrapped(found.argv, found.variables, "one of several commands in a shell line")
    )


def _commands(line: str, *, windows: bool) -> list[list[str]]:
    """Split at the shell's operators, drop redirections. Raises ValueError for an unclosed quotation."""
    lexer = shlex.shlex(line.replace("\n", " ; "), posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    lexer.commenters = ""
    if windows:
        lexer.escape = ""
    commands: list[list[str]] = [[]]
    redirected = False
    for token in lexer:
        operator = bool(token) and set(token) <= set("();<>|&")
        if operator and set(token) & set("<>"):
            redirected = True
        elif operator:
            commands.append([])
        elif redirected:
            redirected = False
        else:
            commands[-1].append(token)
    return [command for command in commands if command]


LAYERS: dict[str, Callable[[Sequence[str]], Unwrapped | Launch]] = {
    "cmd": _cmd,
    "env": _env,
    "timeout": _timeout,
    **dict.fromkeys(SHELLS, _shell),
    **dict.fromkeys(POWERSHELLS, _powershell),
    **{name: partial(_prefix, valued) for name, valued in PREFIXES.items()},
    **{name: partial(_run, name) for name in RUNS},
}
