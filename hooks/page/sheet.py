"""A page on its way from Markdown to HTML, as everything but ``hooks/site.py`` knows it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from model.files import GuideError
from model.markdown import Fence, fences


@dataclass
class Sheet:
    """One page.

    Attributes:
        uri: its file below ``docs/``: ``patterns/r2-uploads.md``.
        dest: where its HTML lies below the site: ``patterns/r2-uploads/index.html``.
        url: its address below the site: ``patterns/r2-uploads/``.
        source: the whole file, front matter included.
        markdown: the text without front matter; markers are filled in on the way.
        meta: the front matter.
        title: what the navigation calls it.
        generated: whether a build made it, so that no file in ``docs/`` holds it.
        home: whether it is the home page.
        lead_to: gives the address of another file below ``docs/``, as seen from this page.
        figures: the HTML of its diagrams, in order.
        draft: whether one of them is still to be drawn, in the browser.
    """

    uri: str
    dest: str
    url: str
    source: str
    markdown: str
    meta: dict[str, Any]
    title: str
    generated: bool
    home: bool
    lead_to: Callable[[str], str] = field(repr=False)
    figures: list[str] = field(default_factory=list)
    draft: bool = False

    @property
    def slug(self) -> str:
        return PurePosixPath(self.uri).stem

    @property
    def place(self) -> str:
        """The file as messages name it."""
        return f"docs/{self.uri}"

    @property
    def twin(self) -> str:
        """Where the page's Markdown twin lies: beside it, ``index.md`` for ``index.html``."""
        return str(PurePosixPath(self.dest).with_suffix(".md"))

    @property
    def is_pattern(self) -> bool:
        return "pattern" in self.meta

    @property
    def name(self) -> str:
        """The title with a pattern's number."""
        title = self.meta.get("title", self.title)
        return f"{self.meta['pattern']} · {title}" if self.is_pattern else title

    @property
    def description(self) -> str:
        return str(self.meta.get("description", ""))

    def at(self, offset: int) -> str:
        """Return ``file:line`` of an offset in ``markdown``; the lines of the front matter count."""
        return f"{self.place}:{self._above + self.markdown.count(chr(10), 0, offset) + 1}"

    @property
    def _above(self) -> int:
        return max(self.source.count("\n") - self.markdown.count("\n"), 0)

    def fences(self) -> list[Fence]:
        """Return the fences of ``markdown``.

        Raises:
            GuideError: one of them is never closed.
        """
        return list(fences(self.markdown, self.place, self._above))

    def wrong(self, offset: int, message: str) -> GuideError:
        """Return an error that names the line of an offset in ``markdown``."""
        return GuideError(f"{self.at(offset)}: {message}")
