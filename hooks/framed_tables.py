"""Put every plain table into a frame that scrolls, so that a wide one never widens the page, also without JavaScript."""

import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

TABLE = re.compile(r"<table(?![^>]*\bclass=)[^>]*>.*?</table>", re.S)
AFTER_MOST = -150


def framed(page_html: str) -> str:
    """Return a page with a frame around every table that has no class of its own."""
    return TABLE.sub(r'<div class="md-typeset__scrollwrap"><div class="md-typeset__table">\g<0></div></div>', page_html)


@event_priority(AFTER_MOST)
def on_page_content(page_html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    return framed(page_html)
