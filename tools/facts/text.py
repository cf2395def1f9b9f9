"""Turn the bytes of a page into its title and the text that a reader sees."""

import codecs
import re

from selectolax.lexbor import LexborHTMLParser

INLINE = (
    "a abbr b bdi bdo cite code data del dfn em font i ins kbd mark q s samp small span strong time u var wbr".split()
)
HIDDEN = ["script", "style", "template"]
META_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset=["']?([\w.:-]+)""", re.I)


def decode(body: bytes, content_type: str) -> str:
    """Return a page's text by its declared encoding, else UTF-8; bytes that do not fit become U+FFFD."""
    header = re.search(r"charset=[\"']?([\w.:-]+)", content_type, re.I)
    meta = META_CHARSET.search(body[:2048])
    name = header[1] if header else meta[1].decode("ascii", "replace") if meta else "utf-8"
    try:
        return body.decode(codecs.lookup(name).name, "replace")
    except (LookupError, UnicodeError):
        return body.decode("utf-8", "replace")


def read(html: str) -> tuple[str, str]:
    """Return title and text of a page: one space inside a block, one line break between blocks."""
    tree = LexborHTMLParser(html)
    title = tree.css_first("title")
    shown = title.text() if title else ""
    tree.strip_tags(HIDDEN)
    tree.unwrap_tags([*INLINE])
    tree.merge_text_nodes()
    # Whatever is left between two texts separates words, footnote marks too.
    texts = tree.body.text(separator="\0").split("\0") if tree.body else []
    return shown.strip(), "\n".join(line for text in texts if (line := " ".join(text.split())))
