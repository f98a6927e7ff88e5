"""What stands before the real command: shells, `env`, `sudo`, timers, tool managers, secret injectors."""

import re
import shlex
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial

from connectors._launch.launch import Launch, Words, local, option_names, program, unknown, words
from connectors._launch.shell_line import MAX_LINE, Shell, Unwrapped, command, line

SHELLS = option_names("sh bash zsh dash ksh ash fish busybox")
POWERSHELLS = option_names("powershell pwsh")
SHELL_WORDS = option_names("--login --noprofile --norc --posix --restricted")
SHELL_LETTERS = re.compile(r"[-+][celuxivfhbm]+")
FOR_A_SHELL = re.compile(r"[&|<>^%!'\"\n\r;$`(){}]")
"""What a shell that joins its words to a line reads as more than text."""

IN_CMD = re.compile(r"[&|<>^%!'\"\n\r]")

PREFIXES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "sudo": (
        option_names("-u -g -h -p -C -r -t -U --user --group"),
        option_names("-E -n -H -S -b -k -A -B --preserve-env --non-interactive --set-home --stdin --background"),
    ),
    "doas": (option_names("-u"), option_names("-n")),
    "nice": (option_names("-n --adjustment"), frozenset()),
    "ionice": (option_names("-c -n -p --class --classdata"), option_names("-t --ignore")),
    "stdbuf": (option_names("-i -o -e --input --output --error"), frozenset()),
    "nohup": (frozenset(), frozenset()),
    "setsid": (frozenset(), option_names("-c -f -w --ctty --fork --wait")),
    "time": (option_names("-f --format"), option_names("-p -v -a --portability --verbose")),
    "command": (frozenset(), frozenset()),
    "call": (frozenset(), frozenset()),
    "exec": (option_names("-a"), option_names("-c -l")),
    "caffeinate": (option_names("-t -w"), option_names("-d -i -m -s -u")),
    "unbuffer": (frozenset(), option_names("-p")),
    "arch": (frozenset(), option_names("-x -a -r")),
    "xvfb-run": (
        option_names("-s -n -e -f -p --server-args --server-num --error-file --auth-file --xauth-protocol"),
        option_names("-a --auto-servernum -l --listen-tcp"),
    ),
    "timeout": (
        option_names("-s --signal -k --kill-after"),
        option_names("--foreground --preserve-status -v --verbose -f -p"),
    ),
    "env": (
        option_names("-u --unset -C --chdir -S --split-string"),
        option_names("-i --ignore-environment -0 --null -v --debug"),
    ),
    "wsl": (option_names("-d --distribution -u --user --cd --shell-type"), option_names("-e --exec --system")),
}
"""Program -> its options with a value, its options without one; the first positional is the command."""

TOOL = re.compile(r"(core:)?(node|python|uv|bun|deno|go|java|npm|pnpm|yarn)(@[\w.-]+)?")
"""A tool of mise's own, and not a package that brings programs of the same names."""

RUNS: dict[str, tuple[frozenset[str], frozenset[str], frozenset[str], int]] = {
    "mise": (option_names("exec x"), option_names("-j --jobs"), option_names("-q --quiet -y --yes"), -1),
    "asdf": (frozenset({"exec"}), frozenset(), frozenset(), 0),
    "volta": (frozenset({"run"}), option_names("--node --npm --yarn --pnpm"), option_names("--bundled-npm"), 0),
    "fnm": (frozenset({"exec"}), option_names("--using --version-file-strategy"), frozenset(), 0),
    "nvm": (frozenset({"exec"}), frozenset(), option_names("--silent"), 1),
    "direnv": (frozenset({"exec"}), frozenset(), frozenset(), 1),
    "op": (frozenset({"run"}), option_names("--env-file --account"), option_names("--no-masking"), 0),
    "doppler": (
        frozenset({"run"}),
        option_names("-p --project -c --config -t --token --scope"),
        option_names("--preserve-env --no-check-version --silent"),
        0,
    ),
    "dotenvx": (
        frozenset({"run"}),
        option_names("-f --env-file -fk --env-keys-file"),
        option_names("-q --quiet -o --overload"),
        0,
    ),
    "infisical": (
        frozenset({"run"}),
        option_names("--env --projectId --path --token"),
        option_names("--silent --recursive"),
        0,
    ),
    "aws-vault": (
        frozenset({"exec"}),
        option_names("-d --duration --region"),
        option_names("-n --no-session -s --server -j --json"),
        1,
    ),
    "chamber": (frozenset({"exec"}), frozenset(), option_names("--pristine --strict"), -1),
    "conda": (frozenset({"run"}), option_names("-n --name"), option_names("--no-capture-output --live-stream -v"), 0),
    "mamba": (frozenset({"run"}), option_names("-n --name"), option_names("--no-capture-output --live-stream -v"), 0),
    "micromamba": (frozenset({"run"}), option_names("-n --name"), frozenset(), 0),
}
"""Program -> its subcommands that run something, their options with a value and without, how many positionals come before the command
(-1: any number, up to `--`). An option in neither table, such as another folder's environment, makes the command doubtful."""


ENV_FILES = {"op": ("--env-file",), "dotenvx": ("-f", "--env-file", "-fk", "--env-keys-file"), "infisical": ("--path",)}
"""Options by which a file, or a folder, sets the command's environment."""


def unwrap(argv: Sequence[str]) -> Unwrapped | Launch | None:
    """Take one layer off; a Launch where it hides what it runs, None where there is no layer."""
    layer = LAYERS.get(program(argv[0]))
    return layer(argv[1:]) if layer else None


def is_layer(name: str) -> bool:
    """Say whether a program stands before another command."""
    return name in LAYERS


def _prefixed(name: str, arguments: Sequence[str]) -> Words:
    valued, flags = PREFIXES[name]
    return words(arguments, valued, flags.__contains__)


def _doubt(*reads: Words) -> str:
    unsure = [name for read in reads for name in read.unsure]
    return f"an option that is not known: {unsure[0][:40]}" if unsure else ""


def _prefix(name: str, arguments: Sequence[str]) -> Unwrapped | Launch:
    read = _prefixed(name, arguments)
    return command(read.rest, doubt=_doubt(read))


def _timeout(arguments: Sequence[str]) -> Unwrapped | Launch:
    read = _prefixed("timeout", arguments)
    return command(read.rest[1:], doubt=_doubt(read))


def _wsl(arguments: Sequence[str]) -> Unwrapped | Launch:
    """`wsl npx …`: but for `-e` the words are a line for the shell inside."""
    read = _prefixed("wsl", arguments)
    if not read.given("-e", "--exec") and any(FOR_A_SHELL.search(word) for word in read.rest):
        return _with(line(" ".join(read.rest)), folders=read.given("--cd"))
    return _with(command(read.rest, doubt=_doubt(read)), folders=read.given("--cd"))


def _env(arguments: Sequence[str]) -> Unwrapped | Launch:
    read = _prefixed("env", arguments)
    lines = read.values("-S", "--split-string")
    doubt = "a line in which something is filled in" if any(re.search(r"[$\\#]", text) for text in lines) else ""
    try:
        split = [word for text in lines for word in shlex.split(text[:MAX_LINE])]
    except ValueError:
        return unknown("a line that no shell reads")
    unwrapped = command([*split, *read.rest], doubt=doubt or _doubt(read))
    return _with(unwrapped, folders=read.given("-C", "--chdir"))


def _cmd(arguments: Sequence[str]) -> Unwrapped | Launch:
    """`cmd /d /s /c npx …`: the rest is the line, in one word or many."""
    for at, word in enumerate(arguments):
        if re.fullmatch(r"/[ckr]", word, re.IGNORECASE):
            rest = arguments[at + 1 :]
            whole = len(rest) == 1 or any(IN_CMD.search(each) for each in rest)
            return line(" ".join(rest), Shell.CMD) if whole else command(rest)
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
            return line(" ".join(arguments[at + 1 :]), Shell.POWERSHELL)
        if word in {"-file", "-f"}:
            return local("a script file")
        if word.startswith("-e") and word not in valued:
            return unknown("an encoded command")
        if not word.startswith("-"):
            return line(" ".join(arguments[at:]), Shell.POWERSHELL)
        at += 2 if word in valued else 1
    return unknown("runs nothing")


def _shell(arguments: Sequence[str]) -> Unwrapped | Launch:
    """`sh -lc "line"`: the line is the first word that is no option."""
    with_line, at = False, 0
    while at < len(arguments):
        word = arguments[at]
        at += 1
        if word in {"-o", "+o"}:
            at += 1
        elif word in SHELL_WORDS:
            continue
        elif SHELL_LETTERS.fullmatch(word):
            with_line = with_line or "c" in word
        elif word == "--" and at < len(arguments):
            return line(arguments[at]) if with_line else local("a script file")
        elif word.startswith(("-", "+")):
            return unknown(f"an option of the shell that is not known: {_bare(word)}")
        else:
            return line(word) if with_line else local("a script file")
    return unknown("runs nothing")


def _bare(option: str) -> str:
    return option.partition("=")[0][:40] if option.startswith("--") else option[:2]


def _run(name: str, arguments: Sequence[str]) -> Unwrapped | Launch:
    subcommands, valued, flags, before = RUNS[name]
    outer = words(arguments, (), flags.__contains__)
    if not outer.rest or outer.rest[0] not in subcommands:
        return local()
    rest = outer.rest[1:]
    ended = rest.index("--") if "--" in rest else None
    read = words(rest[:ended], valued, flags.__contains__)
    doubt = _doubt(outer, read) or _doubtful(name, read.rest if ended is not None else ())
    settings = read.given(*ENV_FILES.get(name, ())) or ((".env",) if name == "dotenvx" else ())
    if ended is not None:
        return _with(command(rest[ended + 1 :], doubt=doubt), settings=settings)
    unwrapped = command(read.rest[before:], doubt=doubt) if before >= 0 else unknown("runs nothing that is named")
    return _with(unwrapped, settings=settings)


def _with(read: Unwrapped | Launch, *, folders: Sequence[str] = (), settings: Sequence[str] = ()) -> Unwrapped | Launch:
    if isinstance(read, Launch):
        return read
    return replace(read, folders=(*read.folders, *folders), settings=(*read.settings, *settings))


def _start(arguments: Sequence[str]) -> Unwrapped | Launch:
    """Read `start /b npx …` of Windows; without `/b` a title may stand first, and there is a window and no server."""
    at = 0
    while at < len(arguments) and (arguments[at].startswith("/") or not arguments[at]):
        at += 2 if arguments[at].lower() in {"/d", "/affinity", "/node", "/machine"} else 1
    switches = {word.lower() for word in arguments[:at]}
    unwrapped = command(arguments[at:], doubt="" if "/b" in switches else "in a window of its own")
    return _with(unwrapped, folders=("start /d",) if "/d" in switches else ())


def _doubtful(name: str, positional: Collection[str]) -> str:
    if name == "direnv":
        return "a script in a folder sets the environment"
    if name == "mise" and not all(TOOL.fullmatch(tool) for tool in positional):
        return "tools that are packages of their own"
    return ""


LAYERS: dict[str, Callable[[Sequence[str]], Unwrapped | Launch]] = {
    **{name: partial(_prefix, name) for name in PREFIXES},
    "cmd": _cmd,
    "start": _start,
    "env": _env,
    "timeout": _timeout,
    "wsl": _wsl,
    **dict.fromkeys(SHELLS, _shell),
    **dict.fromkeys(POWERSHELLS, _powershell),
    **{name: partial(_run, name) for name in RUNS},
}
