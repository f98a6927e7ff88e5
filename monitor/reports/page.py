"""A report as one HTML page: complete in itself, to be printed, without a script and without anything that is loaded from elsewhere."""

from collections.abc import Iterable, Iterator
from html import escape
from itertools import islice

from monitor.domain.text import visible
from monitor.reports.section import Section

MOST_ROWS = 2000
"""Of one table: a page is to be read."""
STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #1a1a1a; background: #fff }
h1 { font-size: 1.6rem; margin-bottom: .2rem } h2 { font-size: 1.15rem; margin-top: 2.2rem; break-after: avoid }
p { margin: .3rem 0 .7rem; max-width: 60rem; color: #444 }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-size: 12px }
th, td { border: 1px solid #ccc; padding: .25rem .45rem; text-align: left; vertical-align: top; overflow-wrap: anywhere }
th { background: #f0f0f0; white-space: nowrap } tr { break-inside: avoid } thead { display: table-header-group }
nav a { margin-right: 1rem }
@media print { body { margin: 0; max-width: none; font-size: 10pt } nav { display: none } table { font-size: 8pt }
.wide { overflow: visible } }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def write_page(title: str, lead: Iterable[str], sections: Iterable[Section]) -> Iterator[str]:
    """Yield the page's text, part by part. `lead` are the sentences below the title."""
    kept = list(sections)
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n<meta name="viewport" content="width=device-width">\n'
    yield f"<title>{_text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{_text(title)}</h1>\n"
    for sentence in lead:
        yield f"<p>{_text(sentence)}</p>\n"
    links = "".join(f'<a href="#{_text(each.name)}">{_text(each.title)}</a>' for each in kept)
    yield f"<nav>{links}</nav>\n"
    for each in kept:
        yield from _section(each)
    yield "</body>\n</html>\n"


def _section(section: Section) -> Iterator[str]:
    yield f'<h2 id="{_text(section.name)}">{_text(section.title)}</h2>\n'
    yield f"<p>{_text(section.note)}</p>\n" if section.note else ""
    rows = iter(section.rows)
    shown = list(islice(rows, MOST_ROWS))
    if not shown:
        yield f"<p><strong>{_text(section.empty)}</strong></p>\n"
        return
    head = "".join(f"<th>{_text(name)}</th>" for name in section.header)
    yield f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n'
    for row in shown:
        yield f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>\n"
    yield "</tbody></table></div>\n"
    if more := sum(1 for _ in rows):
        yield f"<p>{more} more rows: they are all in the CSV files (--format csv).</p>\n"


def _text(text: str) -> str:
    return escape(visible(text), quote=True)
