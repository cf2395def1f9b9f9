"""Where the drawn diagrams of the pages lie, and how a drawing is found by its source."""

import hashlib
import re
from pathlib import Path

from model.files import ROOT, GuideError
from model.markdown import fences as read

DRAWN = ROOT / "docs" / "assets" / "diagrams"
COMMAND = "uv run python -m tools.diagrams"


def fences(markdown: str, place: str = "page") -> list[tuple[int, str]]:
    """Return ``(line, source)`` of every Mermaid fence in a page, lines counted from 1.

    Raises:
        GuideError: a fence is never closed; ``place`` names the page.
    """
    return [(fence.line, fence.body) for fence in read(markdown, place) if fence.language == "mermaid"]


def key(source: str) -> str:
    """Return the name of a drawing: 16 hex digits of the SHA-256 of its source, outer blank space ignored."""
    return hashlib.sha256(source.strip().encode()).hexdigest()[:16]


def title(svg: str) -> str:
    """Return the text of the drawing's ``<title>``, already escaped for HTML."""
    found = re.search(r"<title[^>]*>(.*?)</title>", svg, re.S)
    return found[1] if found else "Diagram"


def width(drawing: Path) -> int:
    """Return the width of a drawing.

    Raises:
        GuideError: it has none.
    """
    if found := re.search(r'width="(\d+)"', drawing.read_text(encoding="utf-8")):
        return int(found[1])
    raise GuideError(f"{drawing}: the drawing has no width. Run `{COMMAND}`.")
