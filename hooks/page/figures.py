"""Put the drawn SVG of every Mermaid fence into its page, so that no reader waits for a script to draw it.

A fence whose source has no drawing yet is a draft: `mkdocs serve` lets mkdocs-mermaid2-plugin draw it in the browser with the
Mermaid of `node_modules`; a strict build refuses it and names page and line.
"""

import html
import logging
import math
from collections.abc import Iterable
from functools import cache

from hooks.page.sheet import Sheet
from model.diagrams import COMMAND, DRAWN, key, title, width
from model.files import ROOT
from runtime import toolchain

log = logging.getLogger("mkdocs.hooks.diagrams")

DRAFT_SCRIPT = ROOT / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"
DRAFT_URI = "assets/draft/mermaid.min.js"


def sizes(widths: Iterable[int]) -> str:
    """Return the style rules that let drawings shrink to three quarters (16 px text stays 12 px) and never grow.

    Beyond that the frame scrolls. An attribute ``style`` on each drawing would need a weaker Content-Security-Policy.
    """
    rule = ':where(.diagram) svg[width="{0}"]{{max-width:{0}px;min-width:{1}px}}\n'
    return "".join(rule.format(width, math.ceil(width * 0.75)) for width in sorted(set(widths)))


def widths() -> list[int]:
    """Return the width of every drawing."""
    return [width(path) for path in DRAWN.glob("*.svg")]


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


@cache
def mistake(source: str) -> str:
    """Return what Mermaid says against a source; nothing where it reads it, or where no browser is at hand to ask it."""
    if not toolchain.installed():
        return ""
    from runtime.browser import chromium  # noqa: PLC0415 - not there without the dev group, as the toolchain is not

    try:
        with chromium() as browser:
            page = browser.new_page()
            page.add_script_tag(path=DRAFT_SCRIPT)
            said = page.evaluate("s => mermaid.parse(s).then(() => '', (error) => String(error.message))", source)
    except toolchain.ToolchainError:
        return ""
    return " ".join(said.splitlines()[:1]).rstrip(":")


def taken_out(sheet: Sheet) -> str:
    """Return a page's Markdown with an element in the place of each diagram, and keep the figures in ``sheet.figures``.

    Every line stays in its place: messages about the page name lines.

    A diagram without a drawing is a warning, and is drawn in the browser.
    """
    parts, at = [], 0
    for fence in sheet.fences():
        if fence.language != "mermaid":
            continue
        drawn = DRAWN / f"{key(fence.body)}.svg"
        if drawn.is_file():
            made = figure(drawn.read_text(encoding="utf-8"), fence.body, len(sheet.figures) + 1)
        else:
            place, wrong = sheet.at(fence.start), mistake(fence.body)
            if wrong:
                log.warning("%s: Mermaid cannot read this diagram: %s. Correct it.", place, wrong)
            else:
                log.warning("%s: this diagram is not drawn yet. Run `%s`.", place, COMMAND)
            made = f'<pre><code class="mermaid">{html.escape(fence.body)}</code></pre>'
            sheet.draft = True
        start = fence.start
        while sheet.markdown[start] == " ":  # what is inside a list stays inside it
            start += 1
        place = f'<div data-fill="figure-{len(sheet.figures)}"></div>' + "\n" * sheet.markdown.count(
            "\n", start, fence.end
        )
        parts += [sheet.markdown[at:start], place]
        sheet.figures.append(made)
        at = fence.end
    return "".join([*parts, sheet.markdown[at:]])
