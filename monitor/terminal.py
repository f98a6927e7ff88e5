"""Text from outside on its way to a terminal: what could move the cursor, recolour, or reorder what a person reads is shown, not done."""

import re
import unicodedata

HOSTILE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories: controls (ESC, C1), formats (bidirectional overrides, zero widths), surrogates, private, unassigned, separators."""


def clean(text: str, *, limit: int = 2000) -> str:
    """Return one line: white space becomes a space, hostile characters their code in angle brackets, and what is beyond `limit` is cut."""
    if text.isascii() and text.isprintable():
        return _cut(text, limit)
    line = re.sub(r"[\t\r\n\v\f ]+", " ", text[: limit * 2])
    return _cut("".join(f"<{ord(c):04X}>" if unicodedata.category(c) in HOSTILE else c for c in line), limit)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
