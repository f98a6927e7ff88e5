"""Documents in Jira's wiki markup (Data Center): what could be markup is written as an HTML entity, which Jira shows as itself.

Markup: https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa?section=all. A backslash escapes too, but not everywhere
(before a word, inside of a link); an entity has one meaning in every place.
"""

import re

from connectors._markup.trim import fit
from monitor.domain.document import Block, Bullets, Code, Document, Heading, Link, Paragraph, Table
from monitor.domain.text import one_line, visible, web_address

LIMIT = 32_000
"""Characters of the text, as Java counts them (two for each beyond 16 bits), a line break for two. Jira's own limit is 32,767 unless
an administrator changed it.
"""

MARKUP = re.compile(
    r"""[\\{}\[\]*_+^~?!|\#<>&@:()]   # phrases, macros, links, mentions, images, tables, emoticons, addresses, entities
      | (?<![A-Za-z0-9])-             # lists, rulers, dashes, strike-through; a hyphen inside of a word is none of these
      | -(?![A-Za-z0-9])
      | (?<=^h[1-6])\. | (?<=^bq)\.   # headings and quotations
    """,
    re.VERBOSE | re.MULTILINE,
)


def wiki(document: Document, *, closing: Document = (), limit: int = LIMIT) -> str:
    """Render, shortened with a note where the text would be longer than `limit` characters; `closing` follows in any case."""
    fitted = fit(document, weight=_weight, limit=limit - sum(map(_weight, closing)))
    return "\n\n".join(filter(None, map(_block, (*fitted, *closing))))


def escaped(text: str) -> str:
    """Return the visible text so written that Jira's renderer shows it and obeys none of it."""
    lines = (line.strip() for line in visible(text).split("\n"))
    return MARKUP.sub(lambda found: f"&#{ord(found.group())};", "\n".join(lines))


def _weight(block: Block) -> int:
    text = _block(block)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 + text.count("\n") + 4


def _block(block: Block) -> str:
    match block:
        case Heading(text):
            return f"h3. {escaped(one_line(text, 1000))}"
        case Paragraph(text):
            return escaped(text)
        case Bullets(items):
            return "\n".join(f"* {_inline(item)}" for item in items)
        case Table(header, rows):
            lines = [f"||{'||'.join(map(_inline, header))}||", *(f"|{'|'.join(map(_inline, row))}|" for row in rows)]
            return "\n".join(lines if header else ())
        case Code(text):
            return _code(visible(text))
        case Link(text, url):
            address = web_address(url)
            return f"[{_inline(text)}|{address}]" if address else escaped(f"{text}: {url}")


def _inline(text: str) -> str:
    """A list item or cell ends at a line break; an empty cell needs a space."""
    return escaped(" ".join(text.split())) or " "


def _code(text: str) -> str:
    """Nothing is escaped inside of `{noformat}`; text that could close it is shown as a paragraph instead."""
    if "{noformat" in text.lower():
        return escaped(text)
    return f"{{noformat}}\n{text}\n{{noformat}}"
