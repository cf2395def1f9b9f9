"""Make one page for each product that a pattern uses: its job, the patterns that use it and for what, its limits."""

import json
import re
from functools import cache
from typing import Any

from hooks.guide import Guide
from model.markdown import rows
from model.patterns import Pattern
from model.products import products

HEADING = re.compile(r"^## Services involved$", re.M)
ELSEWHERE = ("Described on the page", "See the page")
BRACKETS = re.compile(r"\([^()]*\)")

Products = dict[str, dict[str, Any]]


def called(product: dict[str, Any]) -> set[str]:
    """Return the names under which tables speak of a product, in lower case and without a plural s."""
    return _called(product["name"], product.get("short", product["name"]))


@cache
def _called(name: str, short: str) -> set[str]:
    names = {name, short} | ({name.removeprefix("Cloudflare ")} - {"for SaaS"})
    return {n.lower().removesuffix("s") for n in names}


def meant(cell: str, known: Products) -> set[str]:
    """Return the ids of the products that the first cell of a "Services involved" row names.

    A name counts at the end of a part ("Control plane Worker", "Edge cache"), not before other words ("Workers Builds"),
    and the longest name wins ("Access service tokens" is not Access).
    """
    found = set()
    for part in re.split(r",|;| and ", BRACKETS.sub("", cell)):
        text = part.strip(" `*").lower().removesuffix("s")
        ends = [(len(n), p) for p in known for n in called(known[p]) if text == n or text.endswith(f" {n}")]
        found |= {max(ends)[1]} if ends else set()
    return found


def jobs(text: str, known: Products) -> dict[str, tuple[str, str]]:
    """Return product id to its job and its substitute, from the page's table under "Services involved"."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    heading = HEADING.search(text)
    for _, (service, does, other) in rows(text, heading.end()) if heading else ():
        for product in meant(service, known):
            job, instead = found.setdefault(product, ([], []))
            job.append(does)
            instead.append(other)
    return {product: ("; ".join(job), "; ".join(instead)) for product, (job, instead) in found.items()}


def seen_from_here(markdown: str) -> str:
    """Return a pattern page's Markdown with its links to siblings corrected for a page under ``services/``."""
    return re.sub(r"\]\(([a-z0-9-]+\.md)", r"](../patterns/\1", markdown)


def services(pages: list[Pattern]) -> dict[str, list[Pattern]]:
    """Return product id to the patterns that use it, products in the order of their names."""
    known = products()
    used = {s for page in pages for s in page.services}
    return {s: [p for p in pages if s in p.services] for s in sorted(used, key=lambda s: known[s]["name"].lower())}


def document(product: str, pages: list[Pattern], known: Products, facts: int) -> str:
    """Return the Markdown of one product's page.

    Args:
        product: its id.
        pages: the patterns that use it.
        known: ``docs/data/products.yml``.
        facts: how many facts of it the reference lists.
    """
    entry = known[product]
    name, former = entry["name"], f" (formerly {entry['formerly']})" if "formerly" in entry else ""
    number = f"{len(pages)} patterns" if len(pages) > 1 else "one pattern"
    limits = f"[{facts} facts]" if facts > 1 else "[one fact]"
    where = f"{limits}(../reference/limits.md#{product})" if facts else "no figure of it stands on these pages"
    own_name = f"\nIts former name: {entry['formerly']}.\n" if "formerly" in entry else ""
    rows = []
    for pattern in pages:
        job, instead = jobs(pattern.text, known).get(product, ELSEWHERE)
        link = f"[{pattern.number} · {pattern.title}](../patterns/{pattern.slug}.md)"
        rows.append(f"| {link} | {seen_from_here(job)} | {seen_from_here(instead)} |")
    head = {"title": name, "description": f"Which patterns use {name}{former}, for what, and its limits."}
    lines = [f"{key}: {json.dumps(text.replace(chr(34), '&quot;'), ensure_ascii=False)}" for key, text in head.items()]
    return f"""---
{chr(10).join(lines)}
---

# {name}

{entry["job"]}. Here {number} {"use" if len(pages) > 1 else "uses"} it.
{own_name}
- Limits and prices: {where}.
- The vendor's pages: [{entry["url"].split("/")[2]}]({entry["url"]}).
- The same list with a filter: [all patterns](../patterns/index.md?service={product}).

## Patterns that use it

| Pattern | Its job there | What you could use instead |
|---|---|---|
{chr(10).join(rows)}
"""


def overview(pages: list[Pattern], known: Products) -> str:
    """Return the Markdown table of every product that a pattern uses."""
    rows = [
        f"| [{known[product]['name']}]({product}.md) | {known[product]['job']} | "
        + ", ".join(f'[{p.number}](../patterns/{p.slug}.md "{p.title}")' for p in using)
        + " |"
        for product, using in services(pages).items()
    ]
    return "\n".join(["| Product | Its job | Patterns |", "|---|---|---|", *rows])


def documents(guide: Guide) -> dict[str, str]:
    """Return the Markdown of every product's page, by its file below ``docs/``."""
    figures = [fact.product for fact in guide.facts.values()]
    return {
        f"services/{product}.md": document(product, using, guide.products, figures.count(product))
        for product, using in services(guide.patterns).items()
    }
