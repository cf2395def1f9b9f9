"""Turn `<!-- name: what -->` in a page's Markdown into what it stands for.

A marker vanishes where no hook runs, so a page reads right anywhere. One that nobody knows, or that means nothing on its page,
stops the build with file, line and remedy.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from hooks.blocks import chooser, costs, experiments, fact_tables, glossary, offers, services
from hooks.guide import Guide
from hooks.page.sheet import Sheet
from model.files import GuideError

COMMENT = re.compile(r"<!--(.*?)-->", re.S)
PATTERNS = "patterns/*.md"


@dataclass(frozen=True)
class Marker:
    """What a marker is.

    Attributes:
        where: the pages on which it means something, as a file pattern below ``docs/``.
        make: returns the Markdown for a page, the guide, and what the marker says besides its name.
        once: it makes anchors, so a page holds it once.
    """

    where: str
    make: Callable[[Sheet, Guide, str], str]
    once: bool = True


MARKERS = {
    "costs": Marker(PATTERNS, lambda sheet, guide, _: costs.of(sheet, guide)),
    "costs: every meter": Marker("reference/*.md", lambda _, guide, __: costs.meters_table(guide.meters)),
    "costs: the vendor's examples": Marker("reference/*.md", lambda _, guide, __: costs.examples_table(guide.examples)),
    "decide: the chooser": Marker("guide/*.md", lambda *_: filled_in("chooser")),
    "decide: the order at a tie": Marker("guide/*.md", lambda _, guide, __: chooser.order(guide.rules)),
    "decide: table of *": Marker("guide/*.md", lambda _, guide, what: chooser.table(guide.rules, what)),
    "example: *": Marker("*.md", lambda _, guide, what: offers.named(what), once=False),
    "experiment: *": Marker("*.md", lambda _, __, what: experiments.of(what)),
    "facts: every fact by product": Marker(
        "reference/*.md", lambda _, guide, __: fact_tables.tables(guide.facts.values(), guide.products)
    ),
    "facts: sources by product": Marker(
        "guide/*.md", lambda _, guide, __: fact_tables.sources(guide.facts.values(), guide.products)
    ),
    "facts: what was not established": Marker(
        "guide/*.md", lambda _, guide, __: fact_tables.unknowns(guide.facts.values())
    ),
    "facts: where sources disagree": Marker(
        "guide/*.md", lambda _, guide, __: fact_tables.conflicts(guide.facts.values())
    ),
    "glossary: every term": Marker("guide/glossary.md", lambda _, guide, __: glossary.listing(guide.terms)),
    "offline: the zip": Marker("index.md", lambda _, guide, __: offers.offline(guide.offline)),
    "patterns: all at a glance": Marker("patterns/index.md", lambda *_: filled_in("overview")),
    "services: every product": Marker(
        "services/index.md", lambda _, guide, __: services.overview(guide.patterns, guide.products)
    ),
}


def filled_in(name: str) -> str:
    """Return an element that a pass over the page's tree fills; see ``hooks/page/passes.py``."""
    return f'<div data-fill="{name}"></div>'


def fill(sheet: Sheet, guide: Guide) -> str:
    """Return a page's Markdown with every marker outside code replaced."""
    code = [(fence.start, fence.end) for fence in sheet.fences()]
    seen: set[str] = set()

    def replace(match: re.Match[str]) -> str:
        if any(start <= match.start() < end for start, end in code):
            return match[0]
        text = " ".join(match[1].split())
        name = next((known for known in MARKERS if fnmatchcase(text, known)), None)
        if name is None:
            raise sheet.wrong(match.start(), f"the marker <!-- {text} --> is unknown. Known are: {'; '.join(MARKERS)}.")
        marker = MARKERS[name]
        if not fnmatchcase(sheet.uri, marker.where):
            raise sheet.wrong(match.start(), f"<!-- {text} --> means something on docs/{marker.where} only. Remove it.")
        if text in seen and marker.once:
            raise sheet.wrong(match.start(), f"<!-- {text} --> is on this page already. Link to it instead.")
        seen.add(text)
        try:
            return marker.make(sheet, guide.written, text[len(name.partition("*")[0]) :])
        except GuideError as error:
            raise sheet.wrong(match.start(), str(error)) from error

    return COMMENT.sub(replace, sheet.markdown)
