"""Untrusted text made safe to look at: what a person cannot see, or what steers a terminal, is shown instead of obeyed."""

import unicodedata
from functools import lru_cache
from urllib.parse import quote, urlsplit

SEEN_ONLY_WHEN_SHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories: controls (terminal escapes), format characters (zero width, right-to-left overrides), surrogates, and the like."""


def visible(text: str) -> str:
    r"""Return the text with every invisible character as `\u{hex}`; line breaks (normalised to LF) and tabs stay.

    The result holds no lone surrogate, so that it can be encoded as UTF-8.
    """
    lines = text.replace("\r\n", "\n")
    return lines if lines.isprintable() else lines.translate(_hidden(lines))


def one_line(text: str, limit: int) -> str:
    """Return the visible text on one line, at most `limit` characters long; an ellipsis says that some is missing."""
    if limit < 1:
        return ""
    line = " ".join(visible(text[: limit * 4]).split())
    return line if len(line) <= limit and len(text) <= limit * 4 else line[: limit - 1] + "…"


def web_address(url: str) -> str | None:
    """Return the address with everything percent-encoded that could end it in a markup; None unless it is http or https."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    return quote(url.strip(), safe="%/:?#@!$&'()*+,;=~-._")


def _hidden(text: str) -> dict[int, str]:
    """What is to be shown instead of each invisible character: looked up once for each that occurs, since a text may be full of them."""
    return {ord(character): shown for character in set(text) if (shown := _instead(character)) is not None}


@lru_cache(maxsize=2**14)
def _instead(character: str) -> str | None:
    if character in "\t\n" or unicodedata.category(character) not in SEEN_ONLY_WHEN_SHOWN:
        return None
    return f"\\u{{{ord(character):x}}}"
