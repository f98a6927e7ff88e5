"""Untrusted text made safe to look at: what a person cannot see, or what steers a terminal, is shown instead of obeyed."""

import unicodedata
from urllib.parse import quote, urlsplit

SEEN_ONLY_WHEN_SHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories: controls (terminal escapes), format characters (zero width, right-to-left overrides), surrogates, and the like."""


def visible(text: str) -> str:
    r"""Return the text with every invisible character as `\u{hex}`; line breaks (normalised to LF) and tabs stay.

    The result holds no lone surrogate, so that it can be encoded as UTF-8.
    """
    return "\n".join(map(_shown, text.replace("\r\n", "\n").split("\n")))


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


def _shown(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(character if _plain(character) else f"\\u{{{ord(character):x}}}" for character in line)


def _plain(character: str) -> bool:
    return character == "\t" or unicodedata.category(character) not in SEEN_ONLY_WHEN_SHOWN
