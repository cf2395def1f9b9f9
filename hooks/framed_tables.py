"""Put every plain table into a frame that scrolls, so that a wide one never widens the page, also without JavaScript.

A table of three columns or more becomes a list of rows on a phone: each of its cells carries the name of its column.
Columns of numbers, which are set to the right, stay a table; so does one whose rows have headings of their own.
"""

import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

TABLE = re.compile(r"<table(?![^>]*\bclass=)[^>]*>.*?</table>", re.S)
HEADING = re.compile(r"<th\b[^>]*>(.*?)</th>", re.S)
ROW = re.compile(r"<tr>.*?</tr>", re.S)
CELL = re.compile(r"<td\b")
TAG = re.compile(r"<[^>]+>")
STAYS = re.compile(r'align="right"|scope="row"')
WIDE = 3
AFTER_MOST = -150


def labelled(table: str, headings: list[str]) -> str:
    """Return a table whose cells, but for the first of a row, name their column in ``data-label``."""

    def row(found: re.Match[str]) -> str:
        labels = iter(["", *(f' data-label="{heading}"' for heading in headings[1:])])
        return CELL.sub(lambda start: start[0] + next(labels, ""), found[0])

    return ROW.sub(row, table)


def framed(page_html: str) -> str:
    """Return a page with a frame around every table that has no class of its own."""

    def frame(found: re.Match[str]) -> str:
        table = found[0]
        headings = [TAG.sub("", heading).strip().replace('"', "&quot;") for heading in HEADING.findall(table)]
        wide = len(headings) >= WIDE and not STAYS.search(table)
        kind = " rows" if wide else ""
        table = labelled(table, headings) if wide else table
        return f'<div class="md-typeset__scrollwrap{kind}"><div class="md-typeset__table">{table}</div></div>'

    return TABLE.sub(frame, page_html)


@event_priority(AFTER_MOST)
def on_page_content(page_html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    return framed(page_html)
