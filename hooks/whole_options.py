"""Keep an option of a command in a sentence on one line: browsers break a line after each hyphen of ``--remote``."""

import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

BLOCK_OR_CODE = re.compile(r"(<pre\b.*?</pre>)|<code>(.*?)</code>", re.S)
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
WHOLE = r'<span class="option">\g<0></span>'


def whole(page_html: str) -> str:
    """Return a page whose options in inline code do not break; blocks of code scroll and stay as they are."""

    def code(found: re.Match[str]) -> str:
        return found[1] or f"<code>{OPTION.sub(WHOLE, found[2])}</code>"

    return BLOCK_OR_CODE.sub(code, page_html)


def on_page_content(page_html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    return whole(page_html)
