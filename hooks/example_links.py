"""Turn `[example](example:global-api-kv#kv)` into a link to the running example, if that example really uses the product.

A page cannot promise an example that nobody has written yet: until then, the build says "none here".
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[(?P<text>[^\]\n]+)\]\(example:(?P<slug>[a-z0-9-]+)#(?P<product>[a-z0-9-]+)\)")
ABSENT = "none here"
# What stands in a wrangler.toml when the Worker is bound to the product.
BINDINGS = {
    "ai-search": "ai_search",
    "analytics-engine": "analytics_engine_datasets",
    "containers": "containers",
    "d1": "d1_databases",
    "durable-objects": "(?:durable_objects|exports)",
    "hyperdrive": "hyperdrive",
    "kv": "kv_namespaces",
    "queues": "queues",
    "r2": "r2_buckets",
    "secrets-store": "secrets_store_secrets",
    "vectorize": "vectorize",
    "workers-vpc": "vpc_services",
    "workflows": "workflows",
}


def uses(example: Path, product: str) -> bool:
    """Say whether a configuration of the example binds the product."""
    table = re.compile(rf"^\[+{BINDINGS[product]}\b", re.M)
    files = (p for p in example.rglob("wrangler.toml") if "node_modules" not in p.parts)
    return any(table.search(path.read_text(encoding="utf-8")) for path in files)


def resolve(markdown: str, place: str, root: Path = ROOT) -> str:
    """Return the page with every example link resolved.

    Raises:
        PluginError: a link names an unknown pattern or product.
    """

    def replace(match: re.Match[str]) -> str:
        page = root / "docs" / "patterns" / f"{match['slug']}.md"
        if match["product"] not in BINDINGS or not page.is_file():
            raise PluginError(f"{place}: {match[0]} names an unknown pattern, or a product without a binding")
        if "\n## Build it\n" in page.read_text(encoding="utf-8") and uses(
            root / "snippets" / match["slug"], match["product"]
        ):
            return f"[{match['text']}](../patterns/{match['slug']}.md#build-it)"
        return ABSENT

    return LINK.sub(replace, markdown)


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    return resolve(markdown, f"docs/{page.file.src_uri}")
