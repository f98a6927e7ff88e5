"""Alerts as Slack messages: Block Kit within its limits, every word of others escaped or in objects that parse nothing.

Format: https://docs.slack.dev/reference/block-kit/blocks, escaping: https://docs.slack.dev/messaging/formatting-message-text#escaping
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from connectors._markup.trim import fit
from monitor.domain.action import SendAlert, UpdateAlert
from monitor.domain.document import Block, Bullets, Code, Heading, Link, Paragraph, Table, plain
from monitor.domain.text import one_line, visible, web_address

BODY_BLOCKS = 36
"""Of the 40 that we allow ourselves (Slack: 50), four are the header, the mentions, the buttons and the closing line."""
BODY_SIZE = 8_500
"""Slack refuses a message somewhere above 13,000 characters of blocks, less with many escapes, and does not document where."""
SECTION_SIZE = 2_900
"""Slack: 3,000."""
HEADER_SIZE = 150
FALLBACK_SIZE = 3_800
"""Slack recommends less than 4,000 characters of `text`."""
URL_SIZE = 2_500

FENCE = "```"
MEMBER = re.compile(r"[UW][A-Z0-9]{2,20}")
"""Slack's id of a person."""
ACKNOWLEDGE, SNOOZE, APPROVE, OPEN = "mcp-acknowledge", "mcp-snooze", "mcp-approve", "mcp-open"
"""The buttons' names: what comes back when one is pressed."""

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Extras:
    """What a message has beside its text, all of it ours: `link` leads to its ticket, `members` (Slack's ids) are mentioned."""

    repeat: bool = False
    link: str = ""
    members: Collection[str] = ()
    buttons: bool = False
    """Whether somebody listens for what is pressed."""


def escaped(text: str) -> str:
    """Return the visible text with Slack's three control characters as entities: no mention, no link, no channel comes of it."""
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def blocks(alert: SendAlert | UpdateAlert, extras: Extras) -> list[Json]:
    """Render the alert: a header, who is asked, the body (shortened with a note where it is too long), buttons, and the severity."""
    body = fit(alert.body, weight=_weight, limit=BODY_SIZE)
    header = {"type": "header", "text": _plain_text(_short(_title(alert, extras), HEADER_SIZE))}
    closing = {"type": "context", "elements": [_plain_text(_short(f"{alert.severity} · mcp-monitor", HEADER_SIZE))]}
    asked = [_mrkdwn(mentions)] if (mentions := _mentions(extras)) else []
    pressed = _buttons(alert, extras)
    actions = [{"type": "actions", "elements": pressed}] if pressed else []
    return [header, *asked, *(section for block in body for section in _sections(block)), *actions, closing]


def summary(alert: SendAlert | UpdateAlert, extras: Extras) -> str:
    """Return the text of the notification, beside the blocks."""
    return _short(f"{alert.severity}: {_title(alert, extras)}", 300)


def fallback(alert: SendAlert | UpdateAlert, extras: Extras) -> str:
    """Return the whole alert as one text, for when Slack refuses the blocks."""
    text = f"{_title(alert, extras)}\n{plain(alert.body)[: FALLBACK_SIZE + 1]}"
    first, *more = [*islice(_pieces(text, FALLBACK_SIZE - URL_SIZE * bool(extras.link)), 2)]
    link = web_address(extras.link) if len(extras.link) <= URL_SIZE else None
    parts = [_mentions(extras), first, "…" if more else "", f"<{escaped(link)}|Open the ticket>" if link else ""]
    return "\n".join(filter(None, parts))


def _title(alert: SendAlert | UpdateAlert, extras: Extras) -> str:
    title = alert.title if alert.title.strip() else "alert"
    return f"(repeat) {title}" if extras.repeat else title


def _mentions(extras: Extras) -> str:
    """Nobody but whom the configuration names, by an id that can be nothing else."""
    return " ".join(f"<@{member}>" for member in extras.members if MEMBER.fullmatch(member))


def _buttons(alert: SendAlert | UpdateAlert, extras: Extras) -> list[Json]:
    """What is pressed carries a name only: who presses, and whether they may, is looked up when it arrives."""
    pressed: list[Json] = []
    address = web_address(extras.link)
    if address and len(address) <= URL_SIZE:
        pressed.append(_button(OPEN, "Open the ticket", url=address))
    if extras.buttons and alert.incident:
        pressed += [
            _button(ACKNOWLEDGE, "I work on it", value=alert.incident),
            _button(SNOOZE, "Snooze for a day", value=alert.incident),
        ]
    if extras.buttons and alert.ticket and alert.shows:
        pressed.append(_button(APPROVE, f"Approve pin {alert.shows[:8]}", value=f"{alert.ticket} {alert.shows}"))
    return pressed


def _button(name: str, text: str, **more: str) -> Json:
    return {"type": "button", "action_id": name, "text": _plain_text(text), **more}


def _sections(block: Block) -> Iterator[Json]:
    """Plain text objects where no layout is needed: nothing in them is formatted. Nothing for a text that is empty."""
    match block:
        case Heading(text):
            if line := _short(text, HEADER_SIZE):
                yield {"type": "header", "text": _plain_text(line)}
        case Paragraph(text):
            yield from map(_section, _pieces(text, SECTION_SIZE))
        case Bullets(items):
            yield from map(_section, _pieces("\n".join(f"• {' '.join(item.split())}" for item in items), SECTION_SIZE))
        case Table(header, rows):
            yield from _verbatim("\n".join(_aligned([header, *rows])))
        case Code(text):
            yield from _verbatim(text)
        case Link(text, url):
            yield _link(text, url)


def _weight(block: Block) -> int:
    """By size, or by the number of sections, whichever uses up more of what is allowed."""
    sections = list(_sections(block))
    return max(sum(_size(str(section)) for section in sections), len(sections) * BODY_SIZE // BODY_BLOCKS + 1)


def _plain_text(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": False}


def _section(text: str) -> Json:
    return {"type": "section", "text": _plain_text(text)}


def _mrkdwn(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _verbatim(text: str) -> Iterator[Json]:
    """A backtick could close the fence: a letter that looks the same stands in for it."""
    for piece in _pieces(text.replace("`", "\N{MODIFIER LETTER GRAVE ACCENT}"), SECTION_SIZE - 2 * len(FENCE) - 2):
        yield _mrkdwn(f"{FENCE}\n{piece}\n{FENCE}")


def _link(text: str, url: str) -> Json:
    address = web_address(url)
    if address is None or len(address) > URL_SIZE:
        return _section(_short(f"{text}: {url}", SECTION_SIZE))
    label = _short(text, HEADER_SIZE) or "link"
    return _mrkdwn(f"<{escaped(address)}|{label}>")


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Columns of equal width, but for the last, which may be long."""
    cells = [[" ".join(visible(cell).split()) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(min(map(len, cells)))]
    for row in cells:
        padded = [cell.ljust(min(width, 30)) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join([*padded[:-1], *row[len(padded) - 1 :]] if padded else row)


def _pieces(text: str, limit: int) -> Iterator[str]:
    """Cut into escaped pieces of at most `limit` bytes, at line breaks where there are any; never inside of an entity."""
    rest = visible(text).strip("\n")
    while rest.strip():
        count = _longest(rest, limit)
        if count < len(rest) and (line := rest.rfind("\n", 1, count)) > 0:
            count = line
        piece = escaped(rest[:count])
        if piece.strip():
            yield piece
        rest = rest[count:].lstrip("\n")


def _longest(text: str, limit: int) -> int:
    """How many characters, once escaped, have at most `limit` bytes; at least one, so that cutting comes to an end."""
    fits, beyond = 1, min(len(text), limit) + 1
    while beyond - fits > 1:
        middle = (fits + beyond) // 2
        if _size(escaped(text[:middle])) <= limit:
            fits = middle
        else:
            beyond = middle
    return fits


def _short(text: str, limit: int) -> str:
    """One escaped line of at most `limit` bytes."""
    line = one_line(text, limit)
    count = _longest(line, limit) if line else 0
    return escaped(line if count == len(line) else line[: _longest(line, limit - 3)] + "…")


def _size(text: str) -> int:
    """Bytes in UTF-8: never less than what Slack counts, whatever it counts."""
    return len(text.encode("utf-8", "surrogatepass"))
