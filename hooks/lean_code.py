"""Take the spans off code that colour nothing: they were half of the elements of a page, and each costs a telephone time."""

import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

# White space, names and constants have the colour of plain code in docs/assets/site.css.
PLAIN = re.compile(r'<span class="(?:kc|n|nx|w)">([^<]*)</span>')


def lean(page_html: str) -> str:
    """Return a page without the spans of plain code; the text stays as it is."""
    return PLAIN.sub(r"\1", page_html)


def on_page_content(page_html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    return lean(page_html)
