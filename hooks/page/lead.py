"""Show under a pattern's lead what a reader decides on: services, lowest plan, tested versions, age of the facts."""

import html
from datetime import date

from hooks.guide import Guide
from hooks.page.sheet import Sheet
from hooks.page.tree import Node, put_after
from model.examples import has_worker, versions
from model.facts import used
from model.files import GuideError


def box(
    services: list[tuple[str, str]],
    plan: str,
    tested: tuple[str, str] | None,
    oldest: date | None,
    draft: str = "",
) -> str:
    """Return the HTML of the strip.

    Args:
        services: ``(name, address)`` of each product.
        plan: the lowest plan that works.
        tested: Wrangler's and workerd's versions, or None where no Worker is run.
        oldest: the date of the oldest fact on the page, or None when it uses none.
        draft: what a page still lacks.
    """
    links = ", ".join(f'<a href="{html.escape(url)}" rel="noopener">{html.escape(name)}</a>' for name, url in services)
    rows = [("Services", links), ("Lowest plan", html.escape(plan))]
    if draft:
        rows.insert(0, ("Draft", html.escape(draft)))
    if tested:
        rows.append(("Tested with", f"Wrangler {tested[0]}, workerd {tested[1]}"))
    if oldest:
        rows.append(("Facts as of", f'<time datetime="{oldest}">{oldest}</time> or later'))
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in rows)
    return f'<dl class="strip">{cells}</dl>'


def put_strip(body: Node, sheet: Sheet, guide: Guide) -> None:
    """Put the strip behind the first paragraph."""
    paragraph = next((node for node in body.css("h1 ~ p") if node.parent == body), None)
    if paragraph is None:
        raise GuideError(f"{sheet.place}: write the lead, a paragraph, after the title.")
    dates = [guide.facts[name].as_of for name in used(sheet.markdown) if name in guide.facts]
    known = [guide.products[name] for name in sheet.meta["services"]]
    put_after(
        paragraph,
        box(
            [(product["name"], product["url"]) for product in known],
            sheet.meta["plan"],
            versions() if has_worker(sheet.slug) else None,
            min(dates, default=None),
            sheet.meta.get("draft", ""),
        ),
    )
