"""Show under a pattern's lead what a reader decides on: services, lowest plan, tested versions, age of the facts."""

import html
import json
from datetime import date
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from facts import Fact, load, products, used

ROOT = Path(__file__).resolve().parent.parent


def versions(root: Path = ROOT) -> tuple[str, str]:
    """Return the pinned ``(wrangler, workerd)`` versions that the tests run, from ``package-lock.json``."""
    packages = json.loads((root / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    return packages["node_modules/wrangler"]["version"], packages["node_modules/workerd"]["version"]


def strip(
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


def services(ids: list[str], place: str) -> list[tuple[str, str]]:
    """Return name and address of each product id.

    Raises:
        PluginError: an id is not in ``docs/data/products.yml``.
    """
    known = products()
    for name in ids:
        if name not in known:
            raise PluginError(f"{place}: unknown service {name!r}. Add it to docs/data/products.yml, or correct it.")
    return [(known[name]["name"], known[name]["url"]) for name in ids]


_facts: dict[str, Fact] = {}


def on_pre_build(config: MkDocsConfig) -> None:
    _facts.clear()
    _facts.update(load())


def on_page_content(page_html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    meta = page.meta
    if "pattern" not in meta:
        return page_html
    dates = [_facts[name].as_of for name in used(page.markdown or "") if name in _facts]
    example = ROOT / "snippets" / Path(page.file.src_uri).stem
    workers = sorted(example.rglob("wrangler.toml")) if example.is_dir() else []
    block = strip(
        services(meta["services"], f"docs/{page.file.src_uri}"),
        meta["plan"],
        versions() if workers else None,
        min(dates, default=None),
        meta.get("draft", ""),
    )
    head, end_of_lead, rest = page_html.partition("</p>")
    return f"{head}{end_of_lead}{block}{rest}"
