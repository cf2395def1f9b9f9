"""Turn the bytes of a page into its title and the text that a reader sees."""

import codecs
import re
from html.parser import HTMLParser

INLINE = set(
    "a abbr b bdi bdo cite code data del dfn em font i ins kbd mark q s samp small span strong time u var wbr".split()
)
HIDDEN = {"script", "style", "template"}
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


class _Reader(HTMLParser):
    """Collects a page's title and text; everything but inline elements separates words, footnote marks too."""

    def __init__(self) -> None:
        super().__init__()
        self.title, self.parts, self._hidden, self._in_title = "", [], 0, False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden += tag in HIDDEN
        self._in_title = tag == "title" and not self.title
        self.parts.append("" if tag in INLINE else "\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in HIDDEN))
        self._in_title = False
        self.parts.append("" if tag in INLINE else "\n")

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        elif not self._hidden:
            # A line break in the source is a blank to the reader.
            self.parts.append(re.sub(r"\s+", " ", data))


def read(html: str) -> tuple[str, str]:
    """Return title and text of a page: one space inside a block, one line break between blocks.

    Raises:
        ValueError: the page is too broken to be read as HTML.
    """
    reader = _Reader()
    try:
        reader.feed(html)
        reader.close()
    except AssertionError as error:
        raise ValueError(f"not readable as HTML: {error}") from error
    lines = (" ".join(line.split()) for line in "".join(reader.parts).split("\n"))
    return reader.title.strip(), "\n".join(line for line in lines if line)
