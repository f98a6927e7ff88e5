"""JSON as people write it: with comments and trailing commas. Numbers stay text, so that nothing is rounded."""

import json
import re
from typing import TypeAlias

Value: TypeAlias = "bool | str | list[Value] | dict[str, Value] | None"
"""A document of any format: numbers and dates are text as written."""

TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|//[^\r\n]*|/\*.*?\*/|/\*|[\[\]{},]', re.DOTALL)
MAX_DEPTH = 64
MAX_TOKENS = 4_000_000


class Unreadable(Exception):
    """The document cannot be read; `line` counts from 1."""

    def __init__(self, line: int, detail: str) -> None:
        """Say where and why."""
        super().__init__(f"line {line}: {detail}")
        self.line = line
        self.detail = detail


def read_jsonc(text: str) -> Value:
    """Read one value. Of repeated keys the last one counts, as in the clients' own readers. Raises Unreadable."""
    try:
        value: Value = json.loads(_plain(text), parse_int=str, parse_float=str, parse_constant=str)
    except json.JSONDecodeError as error:
        raise Unreadable(error.lineno, error.msg) from error
    return value


def _plain(text: str) -> str:
    """Blank out comments and trailing commas; lines keep their numbers."""
    out: list[str] = []
    last, depth, comma = 0, 0, -1
    for count, token in enumerate(TOKEN.finditer(text)):
        between, found = text[last : token.start()], token.group()
        last = token.end()
        if found == "/*" or depth > MAX_DEPTH or count > MAX_TOKENS:
            why = "comment without an end" if found == "/*" else f"deeper than {MAX_DEPTH} levels or too many values"
            raise Unreadable(text.count("\n", 0, token.start()) + 1, why)
        out.append(between)
        if between.strip():
            comma = -1
        if found[0] == "/":
            found = re.sub(r"[^\n]", " ", found)
        elif found == ",":
            comma = len(out)
        else:
            if found in "]}" and comma >= 0:
                out[comma] = " "
            depth += (found in "[{") - (found in "]}")
            comma = -1
        out.append(found)
    return "".join([*out, text[last:]])
