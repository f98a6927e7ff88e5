"""A client's configuration file of any format as one plain value, within limits."""

import codecs
import re
import tomllib
from pathlib import PurePath

from connectors._reading_files.jsonc import MAX_DEPTH, Unreadable, Value, read_jsonc
from connectors._reading_files.yaml_tree import plain_value, read_yaml

LIMITS = {"json": 20 * 2**20, "yaml": 2**19, "toml": 2 * 2**20}
"""Bytes by format. The slower readers get less; no client writes YAML or TOML of that size."""

LONG_KEY = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){64}""")
"""tomllib needs quadratic time for a key of very many parts."""

BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def format_of(path: str) -> str:
    """Name the format by the file's name: json (which includes comments), toml or yaml; empty where it is none of them."""
    suffix = PurePath(path).suffix.lower()
    known = {".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".xml": "", ".plist": ""}
    return known.get(suffix, "json")


def read_document(data: bytes, form: str) -> Value:
    """Read the file; an empty one is None. Raises Unreadable."""
    if len(data) > LIMITS.get(form, 0):
        raise Unreadable(1, f"over {LIMITS[form]} bytes" if form in LIMITS else "a format that is not read")
    text = _decode(data)
    if not text.strip():
        return None
    if form == "toml":
        return _clean(read_toml(text), MAX_DEPTH)
    return _clean(plain_value(read_yaml(text)) if form == "yaml" else read_jsonc(text), MAX_DEPTH)


def _decode(data: bytes) -> str:
    encoding = next((name for bom, name in BOMS if data.startswith(bom)), "")
    if not encoding and data[1:2] == b"\0":
        encoding = "utf-16-le"
    try:
        return data.decode(encoding or "utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Unreadable(data.count(b"\n", 0, error.start) + 1, "not text in UTF-8 or UTF-16") from error


def read_toml(text: str) -> dict[str, object]:
    """Read TOML within bounded time for its length. Raises Unreadable."""
    if LONG_KEY.search(text):
        raise Unreadable(1, "a key of more than 64 parts")
    try:
        return tomllib.loads(text, parse_float=str)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        line = re.search(r"line (\d+)", str(error))
        raise Unreadable(int(line[1]) if line else 1, str(error) or "nested too deeply") from error


def _clean(value: object, depth: int) -> Value:
    """Numbers and dates become text; characters that no database keeps (NUL, half a surrogate pair) are replaced."""
    if depth == 0:
        raise Unreadable(1, f"deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        return {_text(str(key)): _clean(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item, depth - 1) for item in value]
    return value if value is None or isinstance(value, bool) else _text(str(value))


def _text(text: str) -> str:
    return (
        text
        if text.isascii() and "\0" not in text
        else text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    )
