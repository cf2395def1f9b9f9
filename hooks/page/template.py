"""Hold a pattern's page to its template, so that what the build puts into it has its place."""

import re

from hooks.blocks.services import meant
from hooks.guide import Guide
from hooks.page.sheet import Sheet
from model.markdown import INCLUDE, front_matter, missing, rows, tables

SERVICES = "Services involved"
SERVICE_CELLS = 3
HEADINGS = (
    "When to use it",
    "Diagram",
    "How a request flows",
    "Why Cloudflare fits",
    SERVICES,
    "Strengths",
    "Tradeoffs",
    "Good fit",
    "Avoid when",
    "Build it",
    "Limits and cost",
    "When it fails",
    "Security checklist",
    "Related patterns",
    "Sources",
)
PLAN = "Plan"
SOURCE = re.compile(r"\(fact:([a-z0-9-]+)#source\)")
HEADING = re.compile(r"^##(?!#)(?P<text>.*)$", re.M)


def check(sheet: Sheet, guide: Guide) -> None:
    """Refuse front matter and includes that cannot be read, a heading that the template does not have, a service that is no product."""
    if sheet.source.startswith("---\n") and not sheet.is_pattern:  # ``model.patterns`` read those
        front_matter(sheet.source, sheet.place)
    for line in INCLUDE.finditer(sheet.markdown):
        if fault := missing(line["path"], line["section"]):
            raise sheet.wrong(line.start(), f"{fault}. Correct the name, or mark the section there.")
    check_plans(sheet)
    if not sheet.is_pattern:
        return
    code = [(fence.start, fence.end) for fence in sheet.fences()]
    for heading in HEADING.finditer(sheet.markdown):
        if any(start <= heading.start() < end for start, end in code):
            continue
        # To the letter: other code looks for the heading as it stands here.
        if heading["text"] not in {f" {text}" for text in HEADINGS}:
            raise sheet.wrong(
                heading.start(),
                f"the template has no heading {heading[0]!r}. Write '## ' and one of these, without attributes: {'; '.join(HEADINGS)}.",
            )
        if heading["text"] == f" {SERVICES}":
            for offset, cells in rows(sheet.markdown, heading.end()):
                if len(cells) != SERVICE_CELLS:
                    raise sheet.wrong(
                        offset,
                        f"this row has {len(cells)} cells and not {SERVICE_CELLS}. Write a pipe inside a cell as \\|.",
                    )
                if not meant(cells[0], guide.products) and not cells[0].startswith("Your "):
                    raise sheet.wrong(
                        offset,
                        f"{cells[0]!r} names no product of docs/data/products.yml. Begin the row with a product's name, or with 'Your' what is yours.",
                    )


def check_plans(sheet: Sheet) -> None:
    """Refuse a plan that a table names in its own words beside the source of a fact: the cell comes from the fact."""
    for offset, head, cells in tables(sheet.markdown):
        sources = SOURCE.findall(" ".join(cells))
        if PLAN in head and len(sources) == 1 and f"(fact:{sources[0]}#plan)" not in cells[head.index(PLAN)]:
            raise sheet.wrong(
                offset, f"write the plan as a link to its fact: [the fact's plan](fact:{sources[0]}#plan)."
            )
