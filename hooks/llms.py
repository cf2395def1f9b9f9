"""Publish ``llms.txt``, an index of the Markdown twins for language models, and ``llms-full.txt``, all of them in one file."""

from collections.abc import Iterable
from urllib.parse import urljoin

from jinja2 import Environment
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation, Section
from mkdocs.structure.pages import Page

from site_files import file_at, pages
from twins import Twin, footnotes

INDEX, FULL = "llms.txt", "llms-full.txt"
INTRO = """\
Each pattern has a diagram, an example that runs on workerd and is attacked by tests, limits and prices with source and date, what
fails and how, and when not to use it. Each link leads to Markdown with code and figures filled in; add `index.md` to a page's
address to get its twin. Independent and unofficial: not affiliated with Cloudflare, Inc.
"""
DATA = {
    "facts.json": ("All facts", "Every limit, price and date with claim, plan, source and confidence, as JSON."),
    "patterns.json": (
        "All patterns",
        "The catalogue of the patterns with services, state, exposure, plan, files and tests, as JSON.",
    ),
}


def entry(title: str, address: str, description: str, site_url: str) -> str:
    """Return one line of the index."""
    link = f"- [{title}]({urljoin(site_url, address) if site_url else address})"
    return f"{link}: {description}" if description else link


def index(
    name: str, description: str, sections: dict[str, list[Twin]], optional: list[Twin], site_url: str, full: int
) -> str:
    """Return ``llms.txt``: a title, a quote that says what this is, and lists of links.

    Args:
        name: the site's name.
        description: the site in one sentence.
        sections: title to twins, in the order of the navigation.
        optional: twins that a short context may leave out.
        site_url: the site's address; when empty, links are relative.
        full: the size of ``llms-full.txt`` in bytes.
    """
    parts = [f"# {name}\n\n> {description}\n\n{INTRO}"]
    for title, twins in sections.items():
        lines = [entry(t.title, t.address, t.description, site_url) for t in twins]
        parts.append(f"## {title}\n\n" + "\n".join(lines) + "\n")
    lines = [entry(title, address, text, site_url) for address, (title, text) in DATA.items()]
    parts.append("## Data\n\n" + "\n".join(lines) + "\n")
    lines = [entry("Everything in one file", FULL, f"All pages below each other, {full / 1e6:.1f} MB.", site_url)]
    lines += [entry(t.title, t.address, t.description, site_url) for t in optional]
    parts.append("## Optional\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def full(name: str, description: str, twins: Iterable[Twin]) -> str:
    """Return ``llms-full.txt``: every twin, and one list of footnotes for all of them."""
    twins = list(twins)
    facts = {fact.id: fact for t in twins for fact in t.facts}
    pages = "\n---\n\n".join(t.body for t in twins)
    return f"# {name}\n\n> {description}\n\n{INTRO}\n---\n\n{pages}\n---\n\n# Sources of the figures\n\n{footnotes(list(facts.values()))}"


def _twins_of(items: Iterable[object]) -> list[Twin]:
    return [item.meta["twin"] for item in items if isinstance(item, Page)]


_nav: list[Navigation] = []


def on_files(files: Files, config: MkDocsConfig) -> Files:
    # Known from the start, so that pages may link them; filled when these are rendered.
    for name in (INDEX, FULL):
        files.append(File.generated(config, name, content=""))
    return files


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> Navigation:
    _nav[:] = [nav]
    return nav


def on_env(env: Environment, config: MkDocsConfig, files: Files) -> Environment:
    if any(page.markdown is None for page in pages(files)):
        for unchanged in (INDEX, FULL):  # --dirty: the lists of the last full build stay
            files.remove(file_at(files, unchanged))
        return env
    nav, name, description = _nav[0], config.site_name, config.site_description or ""
    sections = {s.title: _twins_of(s.children) for s in nav.items if isinstance(s, Section)}
    next(iter(sections.values()))[:0] = _twins_of(nav.items)
    listed = [t for twins in sections.values() for t in twins]
    rest = [t for t in _twins_of(pages(files)) if t not in listed]
    everything = full(name, description, [*listed, *rest])
    file_at(files, FULL).content_string = everything
    file_at(files, INDEX).content_string = index(
        name, description, sections, rest, config.site_url or "", len(everything.encode())
    )
    return env
