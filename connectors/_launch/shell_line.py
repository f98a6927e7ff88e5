"""One line of a shell: which single command it runs, or that this cannot be told.

A line is read with certainty only where it runs one command after harmless preparations, and a shell fills nothing in that could become
an option or another command. Of every other line, what it seems to start is named and marked.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from connectors._launch.launch import LAUNCHERS, Launch, option_names, program, unknown

ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)\+?=.*", re.DOTALL)
MOVING = option_names("cd chdir pushd")
HARMLESS = MOVING | option_names("true : umask ulimit sleep echo mkdir test [")
"""Commands that start nothing and change no source, where they write into no file."""

SETTING = option_names("export set declare typeset readonly setx")
WORDS_OF_SYNTAX = option_names("then else elif do if while until { ! time coproc call @ function")
ONE_WORD = re.compile(r"[A-Za-z_]|\{[A-Za-z_]\w*\}")
"""What follows the dollar of a variable that stays one word in double quotes."""

MAX_LINE = 16384
MAX_COMMANDS = 50


class Shell(Enum):
    """Whose grammar a line has."""

    POSIX = "posix"
    CMD = "cmd"
    POWERSHELL = "powershell"


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The command one layer further in, and the names of the environment variables that the layer sets."""

    argv: tuple[str, ...]
    variables: tuple[str, ...] = ()
    doubt: str = ""
    """Why something else may run; empty: nothing else can."""

    others: tuple[tuple[str, ...], ...] = ()
    """Further commands of the same line."""

    folders: tuple[str, ...] = ()
    """Words and options by which it is started in another folder."""

    settings: tuple[str, ...] = ()
    """Options by which a file sets its environment."""


def command(argv: Sequence[str], variables: Sequence[str] = (), doubt: str = "") -> Unwrapped | Launch:
    """Take assignments off the front."""
    names = list(variables)
    at = 0
    while at < len(argv) and (read := ASSIGNMENT.fullmatch(argv[at])):
        names.append(read["name"])
        at += 1
    return Unwrapped(tuple(argv[at:]), tuple(names), doubt) if at < len(argv) else unknown("runs nothing")


def line(text: str, shell: Shell = Shell.POSIX) -> Unwrapped | Launch:
    """Read a line: the command that starts a server, and whether anything else may run."""
    if len(text) > MAX_LINE:
        return unknown("a line of that length is not read")
    text = re.sub(r"^\s*&\s*(?=[^&\s])", "", text) if shell is Shell.POWERSHELL else text
    doubt = _doubt(text, shell)
    try:
        commands, operators = _commands(text, shell)
    except ValueError:
        return unknown("a line that no shell reads")
    if len(commands) > MAX_COMMANDS:
        return unknown("a line of that many commands is not read")
    variables = [name for words in commands for name in _set_by(words)]
    variables += re.findall(r"(?i)\$env:(\w+)\s*=", text) if shell is Shell.POWERSHELL else []
    starting = [words for words in map(_without_syntax, commands) if words and not _prepares(words)]
    strange = operators - {"&&", ";"} or any(program(words[0]) in {".", "source"} for words in commands)
    if len(starting) > 1 or strange or any(words[0] in WORDS_OF_SYNTAX for words in commands):
        doubt = doubt or "a shell line that does more than start one command"
    reads = [read for read in (command(words) for words in starting) if isinstance(read, Unwrapped)]
    if not reads:
        return unknown("runs nothing that is named")
    first = next((read for read in reads if program(read.argv[0]) in LAUNCHERS), reads[0])
    others = tuple(read.argv for read in reads if read is not first)
    inherited = [name for read in reads if read is not first for name in read.variables]
    folders = tuple(dict.fromkeys(program(words[0]) for words in commands if program(words[0]) in MOVING))
    return Unwrapped(first.argv, (*variables, *first.variables, *inherited), doubt, others, folders)


def _doubt(text: str, shell: Shell) -> str:
    """Say what a shell may fill in or take apart in another way; empty: nothing."""
    if "\n" in text.strip() or "\r" in text.strip():
        return "a shell line of several lines"
    match shell:
        case Shell.POSIX:
            strange = _filled_in(text)
        case Shell.CMD:
            strange = bool(re.search(r"[\^%!']", text))
        case Shell.POWERSHELL:
            strange = bool(re.search(r"[$`;|&(){}<>\u2018-\u201f]|(^|\s)#|--%", text))
    return "a shell line in which something is filled in" if strange else ""


def _filled_in(text: str) -> bool:
    """Find expansions of a POSIX shell. A variable in double quotes stays one word, and is harmless."""
    quote, at = "", 0
    while at < len(text):
        letter = text[at]
        if quote == "'":
            quote = "" if letter == "'" else quote
        elif letter == "\\":
            at += 1
        elif letter == '"':
            quote = "" if quote else '"'
        elif letter == "`" or (letter == "$" and not (quote and ONE_WORD.match(text, at + 1))):
            return True
        elif not quote and (letter in "'{" or (letter == "#" and text[at - 1 : at].strip() == "")):
            if letter != "'":
                return True
            quote = "'"
        at += 1
    return False


def _commands(text: str, shell: Shell) -> tuple[list[list[str]], set[str]]:
    """Split at the shell's operators and drop redirections; also return the operators. Raises ValueError for an unclosed quotation."""
    lexer = shlex.shlex(text.replace("\n", " ; "), posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    lexer.commenters = ""
    if shell is not Shell.POSIX:
        lexer.escape = ""
    commands: list[list[str]] = [[]]
    operators: set[str] = set()
    redirected = ""
    for token in lexer:
        operator = bool(token) and set(token) <= set("();<>|&")
        if operator and set(token) & set("<>"):
            redirected = token
        elif operator:
            operators.add(token)
            commands.append([])
        elif redirected:
            # Writing into a file may prepare what the next command reads.
            operators |= set() if token in {"/dev/null", "NUL", "nul", "1", "2"} else {redirected}
            redirected = ""
        else:
            commands[-1].append(token)
    return [words for words in commands if words], operators


def _without_syntax(words: Sequence[str]) -> list[str]:
    at = 0
    while at < len(words) and words[at] in WORDS_OF_SYNTAX:
        at += 1
    return list(words[at:])


def _prepares(words: Sequence[str]) -> bool:
    """Say whether a command surely starts nothing: a harmless one, or one that only sets variables."""
    if program(words[0]) in SETTING:
        return len(words) > 1 and all(ASSIGNMENT.fullmatch(word) for word in words[1:])
    return program(words[0]) in HARMLESS or all(ASSIGNMENT.fullmatch(word) for word in words)


def _set_by(words: Sequence[str]) -> list[str]:
    """Name the variables that a command of the line sets for the following ones."""
    if program(words[0]) not in SETTING and not all(ASSIGNMENT.fullmatch(word) for word in words):
        return []
    return [read["name"] for word in words if (read := ASSIGNMENT.fullmatch(word))]
