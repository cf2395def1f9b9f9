"""Turn `<!-- costs -->` on a pattern page into what a month costs, and the markers of the reference page into its tables.

The marker vanishes where no hook runs; a page then only lacks its worked cost.
"""

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from cost_bill import Pattern
from cost_block import block, calculator, meters_table, placeholder
from cost_data import load_all
from cost_examples import examples_table, load_examples
from cost_units import CostError

MARKER = "<!-- costs -->"
METERS = "<!-- costs: every meter -->"
EXAMPLES = "<!-- costs: the vendor's examples -->"

_patterns: dict[str, Pattern] = {}
_blocks: dict[str, str] = {}


def on_pre_build(config: MkDocsConfig) -> None:
    facts, meters, patterns = load_all()
    _patterns.clear()
    _patterns.update(patterns)
    _blocks.clear()
    _blocks[METERS] = meters_table(meters)
    _blocks[EXAMPLES] = examples_table(load_examples(meters))
    _blocks.update((slug, block(pattern, facts)) for slug, pattern in patterns.items())


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    for marker in (METERS, EXAMPLES):
        markdown = markdown.replace(marker, _blocks[marker])
    if MARKER not in markdown:
        return markdown
    slug = page.file.src_uri.removeprefix("patterns/").removesuffix(".md")
    if slug not in _patterns:
        source = page.file.content_string
        line = source.count("\n", 0, source.index(MARKER)) + 1
        raise CostError(f"docs/{page.file.src_uri}:{line}: there is no docs/data/costs/patterns/{slug}.yml. Write it.")
    return markdown.replace(MARKER, _blocks[slug], 1)


@event_priority(-100)  # after the glossary, which explains prose and leaves a form alone
def on_page_content(page_html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    slug = page.file.src_uri.removeprefix("patterns/").removesuffix(".md")
    return page_html.replace(placeholder(slug), calculator(_patterns[slug])) if slug in _patterns else page_html
