"""Let the search find a pattern by the products that it uses, also by their former names."""

from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from facts import products


def terms(services: list[str], known: dict[str, dict[str, str]]) -> list[str]:
    """Return the names that stand for a page's services in the search index, today's names first."""
    entries = [known[name] for name in services if name in known]
    former = [name for entry in entries if "formerly" in entry for name in entry["formerly"].split(", ")]
    return [entry["name"] for entry in entries] + former


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    meta: dict[str, Any] = page.meta
    if "pattern" in meta:
        # Material indexes a page's tags above its title; the list is shown nowhere else.
        meta["tags"] = terms(meta["services"], products())
    return markdown
