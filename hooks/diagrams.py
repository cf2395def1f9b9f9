"""Put the drawn SVG of every Mermaid fence into its page, so that no reader waits for a script to draw it.

A fence whose source has no drawing yet is a draft: `mkdocs serve` lets mkdocs-mermaid2-plugin draw it in the
browser with the Mermaid of `node_modules`; a strict build refuses it and names page and line.
"""

import hashlib
import html
import logging
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mermaid2.plugin import MarkdownMermaidPlugin
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from site_files import file_at

log = logging.getLogger("mkdocs.hooks.diagrams")

ROOT = Path(__file__).resolve().parent.parent
DRAWN = ROOT / "docs" / "assets" / "diagrams"
DRAFT_SCRIPT = ROOT / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"
STYLE = "assets/site.css"
DRAFT_URI = "assets/draft/mermaid.min.js"
FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})mermaid *\n(?P<source>.*?)^(?P=indent)(?P=ticks)`* *$", re.M | re.S)
COMMAND = "uv run python -m tools.diagrams"


def fences(markdown: str) -> list[tuple[int, str]]:
    """Return ``(line, source)`` of every Mermaid fence in a page, lines counted from 1."""
    return [
        (markdown.count("\n", 0, m.start()) + 1, re.sub(rf"^{m['indent']}", "", m["source"], flags=re.M))
        for m in FENCE.finditer(markdown)
    ]


def key(source: str) -> str:
    """Return the name of a drawing: 16 hex digits of the SHA-256 of its source, outer blank space ignored."""
    return hashlib.sha256(source.strip().encode()).hexdigest()[:16]


def title(svg: str) -> str:
    """Return the text of the drawing's ``<title>``, already escaped for HTML."""
    found = re.search(r"<title[^>]*>(.*?)</title>", svg, re.S)
    return found[1] if found else "Diagram"


def sizes(widths: Iterable[int]) -> str:
    """Return the style rules that let drawings shrink to three quarters (16 px text stays 12 px) and never grow.

    Beyond that the frame scrolls. An attribute ``style`` on each drawing would need a weaker Content-Security-Policy.
    """
    rule = ':where(.diagram) svg[width="{0}"]{{max-width:{0}px;min-width:{1}px}}\n'
    return "".join(rule.format(width, math.ceil(width * 0.75)) for width in sorted(set(widths)))


def widths() -> list[int]:
    """Return the width of every drawing."""
    return [width(path) for path in DRAWN.glob("*.svg")]


def width(drawing: Path) -> int:
    """Return the width of a drawing.

    Raises:
        PluginError: it has none.
    """
    if found := re.search(r'width="(\d+)"', drawing.read_text(encoding="utf-8")):
        return int(found[1])
    raise PluginError(f"{drawing}: the drawing has no width. Run `{COMMAND}`.")


def figure(svg: str, source: str, number: int) -> str:
    """Return the HTML of one drawn diagram: a frame that scrolls sideways, and its source to copy.

    Args:
        svg: the drawing, with every id starting with ``DIAGRAM``.
        source: its Mermaid source.
        number: the diagram's place on the page, from 1; makes ids unique.
    """
    name = f"diagram-{number}"
    return (
        f'<figure class="diagram" id="{name}" data-search-exclude>'
        f'<div class="diagram__frame" tabindex="0" role="region" aria-label="Diagram: {title(svg)}">'
        f"{svg.replace('DIAGRAM', name)}</div>"
        '<figcaption class="diagram__bar">'
        '<button type="button" class="diagram__button js" data-diagram="enlarge">Enlarge</button>'
        '<button type="button" class="diagram__button js" data-diagram="copy">Copy Mermaid</button>'
        "<details><summary>Mermaid source</summary>"
        f'<pre tabindex="0"><code>{html.escape(source.strip())}</code></pre></details>'
        "</figcaption></figure>"
    )


class _Build:
    """What one build knows: which page is being rendered, where its fences stand, which pages hold drafts."""

    def __init__(self) -> None:
        self.page = ""
        self.count = 0
        self.lines: dict[str, int] = {}
        self.drafts: set[str] = set()
        self.serving = False


_build = _Build()


def _format(source: str, language: str, css_class: str, options: dict[str, Any], md: Any, **kwargs: Any) -> str:
    _build.count += 1
    drawn = DRAWN / f"{key(source)}.svg"
    if drawn.is_file():
        return figure(drawn.read_text(encoding="utf-8"), source, _build.count)
    line = _build.lines.get(key(source), 0)
    log.warning("docs/%s:%s: this diagram is not drawn yet. Run `%s`.", _build.page, line, COMMAND)
    _build.drafts.add(_build.page)
    return f'<pre><code class="mermaid">{html.escape(source)}</code></pre>'


def _only_on_drafts(post_page: Callable[..., str]) -> Callable[..., str]:
    def event(output: str, *, page: Page, config: MkDocsConfig) -> str:
        if not _build.serving or page.file.src_uri not in _build.drafts or not DRAFT_SCRIPT.is_file():
            return output
        return post_page(output, page=page, config=config)

    return event


def on_startup(command: str, dirty: bool) -> None:
    _build.serving = command == "serve"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    superfences = config.mdx_configs.setdefault("pymdownx.superfences", {})
    superfences["custom_fences"] = [{"name": "mermaid", "class": "mermaid", "format": _format}]
    mermaid2 = config.plugins["mermaid2"]
    if not isinstance(mermaid2, MarkdownMermaidPlugin):
        raise PluginError("mkdocs.yml: take the plugin mermaid2 of mkdocs-mermaid2-plugin")
    mermaid2._javascript = DRAFT_URI
    events = config.plugins.events["post_page"]
    for index, method in enumerate(events):
        if getattr(method, "__self__", None) is mermaid2:
            events[index] = _only_on_drafts(method)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    _build.drafts.clear()
    if _build.serving and DRAFT_SCRIPT.is_file():
        files.append(File.generated(config, DRAFT_URI, abs_src_path=str(DRAFT_SCRIPT)))
    style = file_at(files, STYLE)
    files.remove(style)
    files.append(File.generated(config, STYLE, content=style.content_string + sizes(widths())))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    _build.page, _build.count = page.file.src_uri, 0
    _build.lines = {key(source): line for line, source in fences(page.file.content_string)}
    return markdown
